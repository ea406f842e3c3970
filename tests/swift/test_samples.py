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
    def begin(self, server, *args, password="alice-pw"):
        env = dict(self.env(password), EPODE_HOST="127.0.0.1", EPODE_PORT=str(server.direct), EPODE_CA=server.ca)
        program = Program([os.path.join(SAMPLES, args[0]), *args[1:]], env)

        def end():
            if program.proc.poll() is None:
                program.kill()
        self.addCleanup(end)
        return program

    def chat(self, server, jid="alice@localhost", peer="bob@localhost", password="alice-pw"):
        return self.begin(server, "chat", jid, peer, self.db(f"{jid}.db"), password=password)

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
        nobody = self.begin(server, "chat", "alice@localhost")
        self.assertEqual(nobody.wait(), 2)

    def test_what_was_said_before_is_shown_in_order_and_more_when_asked_for(self):
        server = self.serve()
        server.say("archive-add alice@localhost bob@localhost 50")
        alice = self.chat(server)
        shown = [alice.line(f": #{i} ") for i in range(31, 51)]
        self.assertEqual([line for line in alice.out.seen if ": #" in line], shown)
        for first, end in ((11, 31), (1, 11)):
            alice.say("/older")
            for i in range(first, end):
                alice.line(f": #{i} ")
        alice.say("/older")
        alice.line("that is all there is")
        alice.say("/quit")
        self.assertEqual(alice.wait(), 0)

    def test_the_bot_answers_once_also_what_came_while_it_was_away_but_not_history(self):
        server = self.serve()
        server.say("archive-add alice@localhost bob@localhost 3")
        store = self.db()
        bot = self.begin(server, "bot", "alice@localhost", store)
        bot.line("ready after 3 waits")
        server.message("good morning")
        bot.line("bob@localhost: good morning")
        self.assertEqual([line for line in bot.out.seen if "bob@" in line], ["bob@localhost: good morning\n"])
        bob = self.chat(server, "bob@localhost", "alice@localhost", "bob-pw")
        bob.line("alice@localhost: you said: good morning")
        bot.kill()
        bob.say("are you there?")
        bob.line("acknowledged")
        bot = self.begin(server, "bot", "alice@localhost", store)
        bot.line("ready after 1 waits")
        bot.line("bob@localhost: are you there?")
        bob.line("alice@localhost: you said: are you there?")
        bob.say("/quit")
        self.assertEqual(bob.wait(), 0)


if __name__ == "__main__":
    harness.main()
