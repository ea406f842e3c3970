"""What the tests of the package share: the reference server, clients of it, and that nothing is left behind."""
import asyncio
import gc
import logging
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
import harness  # noqa: E402

import epode  # noqa: E402

# Loops in tests are in debug mode, and say at length that a test was busy; what was never retrieved is an error.
logging.getLogger("asyncio").setLevel(logging.ERROR)

main = harness.main
TIME = 20.0


class Base:
    """A server and a directory for stores."""
    server_args = ()

    def setUp(self):
        self.tmp = tempfile.mkdtemp(prefix="epode-python-")
        self.addCleanup(shutil.rmtree, self.tmp, ignore_errors=True)
        self.server = harness.Server(*self.server_args)
        self.addCleanup(self.server.close)

    def tearDown(self):
        gc.collect()
        self.assertEqual(epode.live(), {}, "objects of the C library were not given back")

    def db(self, name="alice.db"):
        return os.path.join(self.tmp, name)

    def counter(self, name):
        """One of the server's counters."""
        return self.server.say("dump")["counters"].get(name, 0)

    def options(self, **more):
        given = {"host": "127.0.0.1", "port": self.server.direct, "tls": epode.Tls.DIRECT, "ca_file": self.server.ca}
        given.update(more)
        return given

    def client(self, name="alice", password="", **more):
        """A client of alice or bob, with a store."""
        more.setdefault("store", self.db(f"{name}.db"))
        return epode.Client(f"{name}@localhost", f"{name}-pw" if password == "" else password, **self.options(**more))

    def run_script(self, text, *args, **kw):
        """A program of its own; it has HOST, PORT, CA, DB in its environment. What it did."""
        with self.script(text, *args) as process:
            try:
                out, err = process.communicate(timeout=kw.get("timeout", 60))
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return process.returncode, out, err

    def script(self, text, *args):
        env = dict(os.environ, PORT=str(self.server.direct), CA=str(self.server.ca), DB=self.db(), PYTHONUNBUFFERED="1",
                   PYTHONFAULTHANDLER="1")
        return subprocess.Popen([sys.executable, *args, "-c", SCRIPT + text], env=env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


SCRIPT = """
import asyncio, gc, os, signal, sys, threading, time
import epode
from epode import blocking
OPTIONS = dict(store=os.environ["DB"], host="127.0.0.1", port=int(os.environ["PORT"]), tls=epode.Tls.DIRECT,
               ca_file=os.environ["CA"])
def alice(**more):
    return epode.Client("alice@localhost", "alice-pw", **{**OPTIONS, **more})
"""


class Case(Base, unittest.IsolatedAsyncioTestCase):
    """Tests in a loop."""

    async def until(self, client, kind, test=lambda event: True):
        return await client.wait_for(kind, test, TIME)

    async def online(self, client):
        """Ready, and everything that a start asks was answered."""
        await client.ready(TIME)
        if client.session.synced_us < 0:
            await self.until(client, epode.SyncEvent, lambda e: e.synced)
        await client.ping()
        return client

    async def arrives(self, client, body):
        """The message with this text, once it is in the store."""
        def look():
            return next((m for m in client.store.messages(newest_first=True, limit=50) if m.body == body), None)
        while (found := look()) is None:
            await self.until(client, epode.MessageEvent)
        return found

    async def condition(self, test):
        """Waits until it holds; other tasks go on meanwhile."""
        end = asyncio.get_running_loop().time() + TIME
        while not test():
            self.assertLess(asyncio.get_running_loop().time(), end, "not in time")
            await asyncio.sleep(0.01)


class PlainCase(Base, unittest.TestCase):
    """Tests without one."""
