"""epode chat without a peer: all conversations on one screen of 80 by 24."""
import os
import subprocess

import harness
import terminal


class Messenger(harness.Case):
    def on_terminal(self, server, *extra, columns=80, rows=24):
        cmd = [harness.EPODE, "chat", "--jid", "alice@localhost", "--host", "127.0.0.1", "--port", str(server.direct),
               "--tls", "direct", "--ca", server.ca, "--db", self.db(), *extra]
        if "ncurses" not in subprocess.run(["ldd", harness.EPODE], capture_output=True, text=True, check=False).stdout:
            print("not tested: it was built without ncurses", flush=True)
            self.skipTest("no ncurses")
        try:
            t = terminal.Terminal(cmd, self.env("alice-pw"), columns=columns, rows=rows)
        except OSError as e:
            print(f"not tested, there is no terminal to be had: {e}", flush=True)
            self.skipTest(str(e))
        self.addCleanup(t.close)
        return t

    def bodies(self, server, owner="alice"):
        path = os.path.join(self.tmp, "dump.jsonl")
        server.say(f"archive-dump {owner}@localhost {path}")
        with open(path, encoding="utf-8") as f:
            return [harness.json.loads(line)["body"] for line in f]

    def pane(self, t, right=True):
        """The lines of one side, without the frame."""
        lines = t.lines()[:-2]
        return [line.partition("│")[2 if right else 0].strip() for line in lines]

    def quit(self, t):
        t.type("\x18")
        self.assertEqual(t.wait(), 0)
        self.assertEqual(t.unknown, [])

    def test_conversations_are_listed_opened_and_answered(self):
        server = self.serve()
        server.message("from bob", to="alice@localhost")
        server.message("from carol", sender="carol@example.org")
        t = self.on_terminal(server)
        t.until(lambda t: self.pane(t, False)[0].startswith("carol@example.org") and self.pane(t, False)[0].endswith("1")
                and self.pane(t, False)[1].startswith("bob@localhost"))
        t.type("\x1bOB\r")
        t.wait_text("bob: from bob")
        self.assertEqual(t.lines()[-2], ">")
        t.type("an answer, typed ünd cörrected\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7fdone")
        t.wait_text("> an answer, typed ünd done")
        server.message("meanwhile")
        t.wait_text("bob: meanwhile")
        self.assertEqual(t.lines()[-2], "> an answer, typed ünd done")
        t.type("\r")
        t.wait_text("✓  me: an answer, typed ünd done")
        t.until(lambda t: any(line.startswith(">bob@localhost") and not line[-1].isdigit() for line in self.pane(t, False)))
        self.quit(t)
        self.assertEqual(self.bodies(server)[-1], "an answer, typed ünd done")

    def test_scrolling_back_gets_what_only_the_server_has(self):
        server = self.serve()
        server.say("archive-add alice@localhost bob@localhost 300")
        t = self.on_terminal(server, "--limit", "40")
        t.until(lambda t: "bob" in t.text())
        t.type("\r")
        t.wait_text("#300")
        for _ in range(60):
            if "#1 " in t.text() + " ":
                break
            t.type("\x1b[5~")
            t.read(0.1)
        self.assertIn("#1", " ".join(self.pane(t)))
        self.assertNotIn("#300", t.text())
        server.message("while reading")
        t.until(lambda t: any(line.endswith("1") for line in self.pane(t, False)))
        self.assertNotIn("while reading", t.text())
        for _ in range(60):
            if "while reading" in t.text():
                break
            t.type("\x1b[6~")
            t.read(0.05)
        self.assertIn("while reading", t.text())
        self.quit(t)

    def test_search_in_a_conversation_and_back(self):
        server = self.serve()
        for text in ("a needle in hay", "hay", "more hay"):
            server.message(text)
        t = self.on_terminal(server)
        t.until(lambda t: "bob" in t.text())
        t.type("\r")
        t.wait_text("bob: more hay")
        t.type("\x06")
        t.wait_text("find:")
        t.type("needle\r")
        t.until(lambda t: "needle" in " ".join(self.pane(t)) and "more hay" not in t.text())
        t.type("\x1b")
        t.wait_text("more hay")
        self.quit(t)

    def test_somebody_new_is_written_to(self):
        server = self.serve()
        t = self.on_terminal(server)
        t.wait_text("nobody yet")
        t.type("\x0f")
        t.wait_text("to:")
        t.type("bob@localhost\rfirst words\r")
        t.wait_text("✓  me: first words")
        self.quit(t)
        self.assertEqual(self.bodies(server), ["first words"])

    def test_a_long_line_wraps_and_a_small_screen_is_no_end(self):
        server = self.serve()
        server.message("word " * 40)
        t = self.on_terminal(server)
        t.until(lambda t: "bob" in t.text())
        t.type("\r")
        t.until(lambda t: sum("word" in line for line in self.pane(t)) > 4)
        for columns, rows in ((30, 8), (12, 3), (100, 30)):
            t.resize(columns, rows)
            t.read(0.3)
        t.wait_text("word word")
        self.quit(t)

    def test_what_is_wrong_is_said_behind_the_screen(self):
        server = self.serve()
        cmd = [harness.EPODE, "chat", "--jid", "alice@localhost", "--db", self.db()]
        r = subprocess.run(cmd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=self.env("x"))
        self.assertEqual(r.returncode, 1)
        self.assertIn("terminal", r.stderr)
        t = self.on_terminal(server, "--ca", "/nowhere.pem")
        t.until(lambda t: "stopped" in t.text() or "authorities" in t.text() or "certificate" in t.text())
        t.type("\x18")
        self.assertNotEqual(t.wait(), 0)


if __name__ == "__main__":
    harness.main()
