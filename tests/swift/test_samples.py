"""The samples in Swift against the reference server. EPODE_SWIFT_SAMPLES: where they were built."""
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
import harness  # noqa: E402

SAMPLES = os.environ["EPODE_SWIFT_SAMPLES"]


class Program(harness.Listener):
    """One that talks in lines of text."""
    stdin = subprocess.PIPE

    def say(self, line):
        self.proc.stdin.write(line + "\n")
        self.proc.stdin.flush()

    def line(self, wanted, timeout=20):
        while (line := self.out.next(timeout)) is not None:
            if wanted in line:
                return line
        raise AssertionError(f"ended with {self.proc.wait()}: {self.out.seen} {self.err.seen}")

    def wait(self, timeout=30):
        if not self.proc.stdin.closed:
            self.proc.stdin.close()
        return super().wait(timeout)


class Samples(harness.Case):
    def begin(self, *args, password="alice-pw", env=None):
        program = Program([os.path.join(SAMPLES, args[0]), *args[1:]], dict(self.env(password), **(env or {})))

        def end():
            if program.proc.poll() is None:
                program.kill()
        self.addCleanup(end)
        return program

    def chat(self, server, jid="alice@localhost", peer="bob@localhost", password="alice-pw"):
        return self.begin("chat", jid, peer, "--store", self.db(f"{jid}.db"), "--host", "127.0.0.1", "--port",
                          str(server.direct), "--ca", server.ca, password=password)

    def test_two_people_chat(self):
        server = self.serve()
        alice = self.chat(server)
        bob = self.chat(server, "bob@localhost", "alice@localhost", "bob-pw")
        alice.line("connected")
        bob.line("connected")
        alice.say("hello bob ✓")
        alice.line("acknowledged")
        bob.line("alice@localhost: hello bob ✓")
        bob.say("hello alcie")
        alice.line("bob@localhost: hello alcie")
        bob.say("/correct hello alice")
        alice.line("changed: ")
        alice.say("/search alice")
        alice.line("found: ")
        alice.say("/older")
        alice.say("/who")
        alice.line("-- bob@localhost")
        alice.say("/nothing")
        alice.line("usage")
        alice.say("/quit")
        self.assertEqual(alice.wait(), 0)
        bob.proc.stdin.close()
        self.assertEqual(bob.wait(), 0)
        # What was said is there without a network.
        server.end()
        again = self.chat(server)
        again.line("me: hello bob ✓")
        again.line("bob@localhost: hello alice (edited)")
        again.say("later")
        again.say("/quit")
        self.assertEqual(again.wait(), 0)
        server.start()

    def test_what_goes_wrong_is_said(self):
        server = self.serve()
        # Refused, it is asked for again, and there is no terminal to ask.
        chat = self.chat(server, password="wrong")
        self.assertEqual(chat.proc.wait(20), 1)
        chat.wait()
        said = [chat.err.next() for _ in range(chat.err.lines.qsize())]
        self.assertTrue(any("no password was given" in line for line in said if line), said)
        nobody = self.begin("chat", "alice@localhost")
        self.assertEqual(nobody.wait(), 2)

    def test_the_bot_answers(self):
        """As README shows it: the server is found by its name alone, so it has to have the ports that everybody has."""
        try:
            server = self.serve("--direct-tls", "5223", "--starttls", "5222")
        except (TypeError, ValueError) as error:
            print(f"left out: the bot: ports 5222 and 5223 are not free here ({error})", flush=True)
            return
        # On a terminal, where its lines are seen at once.
        screen, terminal = os.openpty()
        bot = subprocess.Popen([os.path.join(SAMPLES, "bot"), "alice@localhost", self.db()], stdin=subprocess.DEVNULL,
                               stdout=terminal, env=dict(self.env("alice-pw"), SSL_CERT_FILE=server.ca))
        os.close(terminal)
        self.addCleanup(bot.wait)
        self.addCleanup(bot.kill)
        with open(screen, encoding="utf-8") as lines:
            self.assertIn("ready after", lines.readline())
        bob = self.chat(server, "bob@localhost", "alice@localhost", "bob-pw")
        bob.line("connected")
        bob.say("good morning")
        bob.line("alice@localhost: you said: good morning")
        bob.say("/quit")
        self.assertEqual(bob.wait(), 0)


if __name__ == "__main__":
    harness.main()
