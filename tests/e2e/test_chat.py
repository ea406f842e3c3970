"""epode chat: on a terminal, where what is typed stays whole while messages come, and through pipes."""
import json
import os
import subprocess

import harness
import terminal


class Chat(harness.Case):
    def command_line(self, server, *extra, peer="bob@localhost"):
        return [harness.EPODE, "chat", peer, "--jid", "alice@localhost", "--host", "127.0.0.1", "--port",
                str(server.direct), "--tls", "direct", "--ca", server.ca, "--db", self.db(), *extra]

    def on_terminal(self, server, *extra, **kw):
        try:
            t = terminal.Terminal(self.command_line(server, *extra), self.env("alice-pw"), **kw)
        except OSError as e:
            print(f"not tested, there is no terminal to be had: {e}", flush=True)
            self.skipTest(str(e))
        self.addCleanup(t.close)
        return t

    def piped(self, server, text, *extra):
        p = subprocess.run(self.command_line(server, *extra), input=text, capture_output=True, text=True, timeout=60,
                           env=self.env("alice-pw"), check=False)
        self.assertEqual(p.returncode, 0, p.stderr)
        return p.stdout

    def objects(self, server, text, *extra):
        return [json.loads(line) for line in self.piped(server, text, "--json", *extra).splitlines()]

    def archived(self, server):
        path = os.path.join(self.tmp, "dump")
        server.say(f"archive-dump bob@localhost {path}")
        with open(path, encoding="utf-8") as f:
            return [m["body"] for m in map(json.loads, f) if m["body"]]

    def line_with(self, t, text):
        return next(line for line in t.lines() if text in line)

    def test_what_is_typed_stays_whole_while_messages_come(self):
        server = self.serve()
        server.say("archive-add alice@localhost bob@localhost 5 30")
        t = self.on_terminal(server)
        t.wait_text("#5")
        t.type("half a mess")
        t.wait_text("bob> half a mess")
        server.message("in between")
        t.wait_text("bob: in between")
        self.assertEqual(t.lines()[t.y], "bob> half a mess")
        t.type("age\r")
        t.wait_text("✓   me: half a message")
        self.assertEqual((t.lines()[t.y], t.x), ("bob>", 5))
        self.assertEqual(t.unknown, [])
        t.type("/quit\r")
        self.assertEqual(t.wait(), 0)
        self.assertEqual(self.archived(server), ["in between", "half a message"])

    def test_a_line_longer_than_the_screen_and_a_cursor_in_its_middle(self):
        server = self.serve()
        t = self.on_terminal(server, columns=40)
        t.wait_text("bob>")
        t.type("0123456789" * 9)
        t.wait_text("\n567890123456789")
        for n, keys in enumerate(("", "\x01", "\x1b[C\x1b[C", "\x05\x1b[D")):
            t.type(keys)
            t.read(0.1)
            server.message(f"long-{n} " * 8)
            t.until(lambda t, n=n: f"long-{n}" in t.text())
            t.read(0.1)
            shown = "".join(t.lines())
            self.assertEqual(shown.count("bob> 0123456789"), 1, t.text())
            self.assertTrue(shown.rstrip().endswith("bob> " + "0123456789" * 9), t.text())
        t.type("\x01X\r")
        t.wait_text("✓   me: X0123456789")
        self.assertEqual(self.archived(server)[-1], "X" + "0123456789" * 9)

    def test_keys_edit_the_line_and_other_alphabets_may_be_typed(self):
        server = self.serve()
        t = self.on_terminal(server)
        t.type("wörld 世界\x01hello \x05!\x7f?\r")
        t.wait_text("✓   me: hello wörld 世界?")
        t.type("\x1b[A")
        t.wait_text("bob> hello wörld 世界?")
        t.type("\x15")
        t.until(lambda t: t.lines()[t.y] == "bob>")
        self.assertEqual(self.archived(server), ["hello wörld 世界?"])

    def test_the_mark_of_a_message_changes_where_it_stands(self):
        server = self.serve()
        t = self.on_terminal(server)
        t.type("first\rsecond\r")
        t.wait_text("✓   me: second")
        bob = self.listen(server, jid="bob@localhost", db=self.db("bob.db"), password="bob-pw")
        bob.message("second")
        bob.kill()
        lines = json.loads(self.history("bob.db")[-1])
        # What bob's device would say, had he looked at it.
        reply = [harness.EPODE, "chat", "alice@localhost", "--jid", "bob@localhost", "--host", "127.0.0.1", "--port",
                 str(server.direct), "--tls", "direct", "--ca", server.ca, "--db", self.db("bob.db"), "--json"]
        subprocess.run(reply, input="", capture_output=True, text=True, timeout=60, env=self.env("bob-pw"), check=True)
        self.assertEqual(lines["body"], "second")
        t.wait_text("✓✓✓ me: second")
        t.type("still here")
        t.wait_text("bob> still here")

    def history(self, name):
        p = subprocess.run([harness.EPODE, "history", "--all", "--json", "--db", self.db(name)], capture_output=True,
                           text=True, timeout=20, check=True)
        return p.stdout.splitlines()

    def test_a_text_cannot_move_the_cursor(self):
        server = self.serve()
        t = self.on_terminal(server)
        t.type("typing")
        t.wait_text("bob> typing")
        server.message("evil \x9b2J\u202etext")
        t.wait_text("evil ?2J?text")
        self.assertEqual(t.lines()[t.y], "bob> typing")

    def test_another_size_of_the_terminal(self):
        server = self.serve()
        t = self.on_terminal(server)
        t.type("resized")
        t.wait_text("bob> resized")
        t.size(50, 16)
        server.message("after")
        t.wait_text("bob: after")
        t.type(" well\r")
        t.wait_text("✓   me: resized well")

    def test_the_end_of_input_and_an_interrupt_end_it(self):
        server = self.serve()
        for keys in ("\x04", "\x03", "/quit\r"):
            t = self.on_terminal(server)
            t.wait_text("bob>")
            t.read(0.3)
            t.type(keys)
            self.assertEqual(t.wait(), 0)

    def test_older_messages_come_from_the_store_and_then_from_the_archive(self):
        server = self.serve()
        server.say("archive-add alice@localhost bob@localhost 150")
        server.say("archive-add alice@localhost carol@localhost 150")
        server.say("archive-add alice@localhost bob@localhost 10")
        lines = self.on_terminal(server, "--limit", "30", rows=400, columns=200)
        lines.wait_text("#310 ")
        for n in range(1, 12):
            lines.type("/older\r")
            lines.until(lambda t, n=n: t.text().count("older messages end here") == n or "that is all" in t.text())
            if "that is all" in lines.text():
                break
        lines.type("/quit\r")
        self.assertEqual(lines.wait(), 0)
        shown = [line.split("#")[1].split()[0] for line in lines.lines() if "#" in line]
        self.assertEqual(sorted(map(int, shown)), list(range(1, 151)) + list(range(301, 311)))

    def test_lines_in_and_lines_out_where_there_is_no_terminal(self):
        server = self.serve()
        server.message("hello")
        out = self.piped(server, "one\n//two\n/me three\n")
        self.assertIn("bob: hello", out)
        self.assertEqual(self.archived(server), ["hello", "one", "/two", "/me three"])

    def test_json_has_an_object_for_everything(self):
        server = self.serve()
        server.message("hello")
        first = self.objects(server, "hi\n")
        self.assertEqual([o["body"] for o in first if o["event"] == "message"], ["hi", "hello"])
        states = [o["state"] for o in first if o["event"] == "delivery"]
        self.assertEqual(states[-1], "acknowledged")
        self.connect(server)
        second = self.objects(server, "/search hello\n/older\n")
        self.assertEqual([o["body"] for o in second if o["event"] == "history"], ["hello", "hi"])
        self.assertEqual([o["body"] for o in second if o["event"] == "found"], ["hello"])
        self.assertEqual([o["count"] for o in second if o["event"] == "found-end"], [1])

    def test_what_was_shown_counts_as_read(self):
        server = self.serve()
        server.message("hello")
        self.objects(server, "")
        self.assertEqual(self.connect(server).summary["unreads"], [])
        self.assertIn("bob@localhost", json.dumps(server.say("pep-dump alice")))

    def test_what_is_typed_without_a_connection_leaves_with_the_next_one(self):
        server = self.serve()
        self.objects(server, "")
        p = subprocess.run(self.command_line(server, "--port", "1", "--timeout", "2"), input="later\n",
                           capture_output=True, text=True, timeout=60, env=self.env("alice-pw"), check=False)
        self.assertEqual(p.returncode, 2)
        self.objects(server, "now\n")
        self.assertEqual(self.archived(server), ["later", "now"])


if __name__ == "__main__":
    harness.main()
