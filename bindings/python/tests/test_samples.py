"""The samples and the README's example run, as they are."""
import ast
import builtins
import functools
import os
import pathlib
import re
import signal
import subprocess
import sys

import epode
from fixture import ROOT, TIME, Case, main

SAMPLES = ROOT / "samples" / "python"


def interruptible():
    """Whoever runs the tests in the background of a shell ignores SIGINT, and Python then would, too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Samples(Case):
    def run_sample(self, *args):
        env = dict(os.environ, EPODE_PASSWORD="bob-pw", EPODE_HOST="127.0.0.1", EPODE_PORT=str(self.server.starttls),
                   EPODE_CA=self.server.ca, PYTHONUNBUFFERED="1")
        process = subprocess.Popen([sys.executable, *args], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, cwd=self.tmp, preexec_fn=interruptible)
        self.addCleanup(lambda: (process.kill(), process.communicate()) if process.poll() is None else None)
        return process

    async def test_the_echo_bot(self):
        process = self.run_sample(str(SAMPLES / "echo.py"), "bob@localhost", self.db("bob.db"))
        self.assertIn("ready as bob@localhost", process.stdout.readline())
        async with self.client() as alice:
            await self.online(alice)
            await alice.send("bob@localhost", "is anybody there?")
            while (echo := await self.arrives(alice, "is anybody there?")).outgoing:
                await self.until(alice, epode.MessageEvent, lambda e: bool(e.incoming))
            self.assertEqual(echo.sender.split("/")[0], "bob@localhost")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.communicate(timeout=TIME), ("", ""))
        self.assertEqual(process.returncode, 0)

    async def test_the_echo_bot_answers_what_a_kill_left_and_nothing_else(self):
        async with self.client("bob") as bot, self.client() as alice:
            await self.online(bot)
            await self.online(alice)
            for body in ("answered", "answered only", "neither"):
                await alice.send("bob@localhost", body)
            await self.arrives(bot, "neither")
            said = {m.body: m for m in bot.store.messages("alice@localhost")}
            for body in ("answered", "answered only"):
                await bot.send("alice@localhost", "yes", reply_id=said[body].id)
            bot.mark_displayed(said["answered"].row)
        process = self.run_sample(str(SAMPLES / "echo.py"), "bob@localhost", self.db("bob.db"))
        self.assertIn("ready as bob@localhost", process.stdout.readline())
        async with self.client() as alice:
            await self.online(alice)
            await alice.send("bob@localhost", "the end")
            await self.condition(lambda: sum(m.body == "the end" for m in alice.store.messages()) == 2)
            self.assertEqual([m.body for m in alice.store.messages() if not m.outgoing], ["yes", "yes", "neither", "the end"])
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.communicate(timeout=TIME), ("", ""))

    async def test_the_notifier(self):
        async with self.client() as alice:
            await self.online(alice)
            process = self.run_sample(str(SAMPLES / "notifier.py"), "bob@localhost", "alice@localhost", "the disk is full")
            self.assertEqual(process.communicate(timeout=TIME), ("", ""))
            self.assertEqual(process.returncode, 0)
            self.assertEqual((await self.arrives(alice, "the disk is full")).peer, "bob@localhost")
        process = self.run_sample(str(SAMPLES / "notifier.py"), "bob", "alice@localhost", "x")
        self.assertIn("not sent: ", process.communicate(timeout=TIME)[1])
        self.assertEqual(process.returncode, 1)

    async def test_the_examples_of_the_guide_are_python_and_name_what_there_is(self):
        for page in ("docs/python.md", "README.md", "bindings/python/README.md"):
            text = (ROOT / page).read_text(encoding="utf-8")
            examples = re.findall(r"```python\n(.*?)```", text, re.S)
            self.assertTrue(examples, page)
            for example in examples:
                compile(example, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            for name in re.findall(r"\bepode\.([A-Z]\w*(?:\.[A-Z]\w*)*)", text):
                functools.reduce(getattr, name.split("."), epode)
            for name in re.findall(r"`(\w+(?:Error|Event))`", text):
                self.assertTrue(hasattr(epode, name) or hasattr(builtins, name), name)

    async def test_the_example_of_the_readme(self):
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        example = re.search(r"## In Python\n\n```python\n(.*?)```", readme, re.S)[1]
        there = f"store='bob.db', host='127.0.0.1', port={self.server.starttls}, ca_file={self.server.ca!r}"
        text = example.replace("you@example.org", "bob@localhost").replace("friend@example.org", "alice@localhost") \
            .replace("secret", "bob-pw").replace('store="you.db"', there)
        self.assertIn(there, text)
        pathlib.Path(self.tmp, "example.py").write_text(text, encoding="utf-8")
        async with self.client() as alice:
            await self.online(alice)
            process = self.run_sample("example.py")
            await self.arrives(alice, "hello")
            await alice.send("bob@localhost", "hello yourself")
            self.assertRegex(process.stdout.readline(), r"^ready after \d waits\n$")
            self.assertEqual(process.stdout.readline(), "alice@localhost: hello yourself\n")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIME)


if __name__ == "__main__":
    main()
