"""Runs the reference server and the epode program for the end-to-end tests. Standard library only."""
import json
import os
import queue
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

BUILD = os.environ.get("EPODE_BUILD", os.path.join(os.path.dirname(__file__), "..", "..", "build", "release"))
PATIENCE = 90  # seconds for what should take a moment: sanitizers and loaded machines are slow
EPODE = os.path.join(BUILD, "samples", "epode")
SERVER = os.path.join(BUILD, "tests", "server", "epode-testserver")
VICTIM = os.path.join(BUILD, "tests", "epode-victim")


def is_sanitized():
    """Built with sanitizers: neither its times nor its memory are the program's own."""
    return "asan" in subprocess.run(["ldd", EPODE], capture_output=True, text=True, check=False).stdout


class Lines:
    """The lines of a pipe, read by a thread, taken with a deadline."""

    def __init__(self, pipe):
        self.lines = queue.Queue()
        self.seen = []
        self.pipe = pipe
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.pipe:
            self.lines.put(line)
        self.lines.put(None)

    def next(self, timeout=PATIENCE):
        try:
            line = self.lines.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError("nothing was printed in time") from None
        if line is not None:
            self.seen.append(line)
        return line


class Server:
    """One reference server with its directory; the control lines are its methods."""

    def __init__(self, *args, users=("alice:alice-pw", "bob:bob-pw"), directory=None):
        self.dir = directory or tempfile.mkdtemp(prefix="epode-e2e-")
        self.own_dir = directory is None
        self.cmd = [SERVER, "--dir", self.dir, *args]
        for user in users:
            self.cmd += ["--user", user]
        self.start()

    def start(self, *args):
        self.proc = subprocess.Popen(self.cmd + list(args), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, text=True)
        self.out = Lines(self.proc.stdout)
        self.info = json.loads(self.out.next())
        self.direct, self.starttls, self.ca = self.info["direct_tls"], self.info["starttls"], self.info["ca"]

    def restart(self):
        """The same ports and state; sessions and TLS tickets are gone."""
        ports = ["--direct-tls", str(self.direct), "--starttls", str(self.starttls)]
        self.end()
        self.start(*ports)

    def say(self, line):
        self.proc.stdin.write(line + "\n")
        self.proc.stdin.flush()
        answer = json.loads(self.out.next())
        assert answer.get("ok", True), (line, answer)
        return answer

    def fault(self, name, value):
        self.say(f"fault {name} {value}")

    def feature(self, name, value):
        self.say(f"feature {name} {value}")

    def message(self, body, sender="bob@localhost", to="alice@localhost"):
        self.say(f"message {sender} {to} {body}")

    def end(self):
        self.proc.stdin.close()
        self.proc.terminate()
        self.proc.wait(10)
        self.out.thread.join(5)
        self.proc.stdout.close()

    def close(self):
        self.end()
        if self.own_dir:
            shutil.rmtree(self.dir, ignore_errors=True)


class Result:
    def __init__(self, code, out, err):
        self.code, self.err = code, err
        self.objects = [json.loads(line) for line in out.splitlines() if line.strip()]

    @property
    def summary(self):
        for o in self.objects:
            if "bind" in o:
                return o
        raise AssertionError(f"no summary: exit code {self.code}, {self.objects}, {self.err}")

    @property
    def error(self):
        for o in self.objects:
            if "error" in o:
                return o["error"]
        raise AssertionError(f"no error: exit code {self.code}, {self.objects}, {self.err}")


class Listener:
    """epode connect --listen, or the victim, running."""
    stdin = subprocess.DEVNULL

    def __init__(self, cmd, env):
        self.proc = subprocess.Popen(cmd, stdin=self.stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     text=True, env=env)
        self.out = Lines(self.proc.stdout)
        self.err = Lines(self.proc.stderr)
        self.pid = self.proc.pid

    def until(self, wanted, timeout=PATIENCE):
        end = time.monotonic() + timeout
        while True:
            line = self.out.next(max(0.01, end - time.monotonic()))
            if line is None:
                self.err.thread.join(2)
                errors = []
                while not self.err.lines.empty():
                    errors.append(self.err.lines.get())
                raise AssertionError(f"ended early with {self.proc.wait()}: {self.out.seen} {errors}")
            o = json.loads(line)
            if wanted(o):
                return o

    def ready(self, timeout=PATIENCE):
        return self.until(lambda o: "bind" in o, timeout)

    def message(self, body, timeout=PATIENCE):
        def wanted(o):
            return o.get("event") == "message" and o["body"] == body
        # It may have come before what was waited for last.
        for line in self.out.seen:
            if wanted(json.loads(line)):
                return json.loads(line)
        return self.until(wanted, timeout)

    def kill(self):
        self.proc.send_signal(signal.SIGKILL)
        return self.wait()

    def stop(self):
        self.proc.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self, timeout=PATIENCE):
        code = self.proc.wait(timeout)
        self.out.thread.join(5)
        self.err.thread.join(5)
        self.proc.stdout.close()
        self.proc.stderr.close()
        return code


class Case(unittest.TestCase):
    """A test with a directory for stores and helpers to run the program."""

    def setUp(self):
        self.tmp = tempfile.mkdtemp(prefix="epode-e2e-")
        self.addCleanup(shutil.rmtree, self.tmp, ignore_errors=True)

    def serve(self, *args, **kw):
        server = Server(*args, **kw)
        self.addCleanup(server.close)
        return server

    def db(self, name="alice.db"):
        return os.path.join(self.tmp, name)

    def command(self, server, jid="alice@localhost", tls="direct", db=None, program=EPODE, command="connect", extra=()):
        port = server.direct if tls == "direct" else server.starttls
        cmd = [program]
        cmd += [command, jid] if command == "connect" else [command]
        cmd += ["--host", "127.0.0.1", "--port", str(port), "--tls", tls, "--ca", server.ca,
                "--db", db or self.db(), "--json"]
        return cmd + list(extra)

    def env(self, password):
        env = dict(os.environ)
        env.pop("EPODE_PASSWORD", None)
        if password is not None:
            env["EPODE_PASSWORD"] = password
        return env

    def run_command(self, cmd, password, timeout=PATIENCE):
        p = subprocess.run(cmd, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=self.env(password),
                           timeout=timeout, check=False)
        return Result(p.returncode, p.stdout, p.stderr)

    def connect(self, server, *extra, password="alice-pw", timeout=PATIENCE, **kw):
        return self.run_command(self.command(server, extra=extra, **kw), password, timeout)

    def listen(self, server, *extra, password="alice-pw", **kw):
        listener = Listener(self.command(server, extra=("--listen",) + extra, **kw), self.env(password))

        def end():
            if listener.proc.poll() is None:
                listener.kill()
        self.addCleanup(end)
        return listener

    def measured(self, waits, measure, rounds=5):
        """A busy machine only adds to what is measured: one of the rounds has to be right."""
        seen = []
        for _ in range(rounds):
            seen.append(measure())
            if abs(seen[-1] - waits) <= 0.3:
                return
        self.fail(f"{waits} expected, measured {seen}")

    def inbox(self, db=None):
        """(archive id, body) of everything stored that has a text, in order, read without epode."""
        with sqlite3.connect(f"file:{db or self.db()}?mode=ro", uri=True, timeout=5) as c:
            return c.execute("SELECT archive_id, body FROM message WHERE body IS NOT NULL ORDER BY pos").fetchall()

    def bodies(self, db=None):
        return [body for _, body in self.inbox(db)]


class ArchiveCase(Case):
    """A test that compares stores with the server's archive."""

    def dump(self, server, owner="alice@localhost"):
        path = os.path.join(self.tmp, f"dump-{time.monotonic_ns()}")
        server.say(f"archive-dump {owner} {path}")
        with open(path, encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def history(self, db=None):
        r = self.run_command([EPODE, "history", "--all", "--json", "--db", db or self.db()], None)
        self.assertEqual(r.code, 0, r.err)
        return r.objects

    def equal(self, server, db=None, complete=True):
        """The store's ids are the archive's, in order; a store with a hole below holds the newest of them."""
        want = [m["id"] for m in self.dump(server) if m.get("body")]
        got = [m["archive_id"] for m in self.history(db)]
        self.assertEqual(len(got), len(set(got)), "an archive id is there twice")
        if not complete:
            want = want[-len(got):]
        self.assertEqual(got, want)

    def filled(self, count, *args):
        server = self.serve(*args)
        server.say(f"archive-add alice@localhost bob@localhost {count}")
        return server

    def send(self, to, server, text, jid="alice@localhost", db=None):
        return [EPODE, "send", f"{to}@localhost", text, "--jid", jid, "--host", "127.0.0.1", "--port",
                str(server.direct), "--tls", "direct", "--ca", server.ca, "--db", db or self.db(f"other-{jid}.db"), "--json"]


def main():
    program = unittest.main(exit=False, verbosity=1)
    # A subtest that fails is a failure of its test, counted once.
    broken = program.result.failures + program.result.errors
    failed = len({getattr(test, "test_case", test).id() for test, _ in broken})
    print(f"{program.result.testsRun - failed} passed, {failed} failed", flush=True)
    raise SystemExit(1 if failed else 0)
