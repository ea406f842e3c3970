"""Drives the epode program, and reads its store without it."""

import json
import os
import queue
import signal
import sqlite3
import subprocess
import threading
import time

TIMEOUT_S = 180  # servers share the machine


class Failed(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failed(text)


class Account:
    """One user on one device: a database and a password file in directory."""

    def __init__(self, program, server, directory, user, password, device="one"):
        self.program, self.server = program, server
        self.jid, self.device = f"{user}@localhost", device
        self.db = os.path.join(directory, f"{user}-{device}.db")
        self.password_file = os.path.join(directory, f"{user}-{device}.password")
        with open(self.password_file, "w") as f:
            f.write(password + "\n")

    def argv(self, *command, tls="direct", to=None, extra=()):
        host, port = to or (self.server.addresses[0], getattr(self.server, tls))
        return [self.program, *command, "--db", self.db, "--password-file", self.password_file, "--host", host,
                "--port", str(port), "--ca", self.server.ca, "--tls", tls, "--json", *self.server.login, *extra]

    def run(self, argv):
        """(exit code, objects that were printed, standard error)"""
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT_S, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise Failed(f"nothing within {TIMEOUT_S} s: {' '.join(argv)}") from None
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr.strip()

    def run_connect(self, **how):
        return self.run(self.argv("connect", self.jid, **how))

    def connect(self, **how):
        code, objects, errors = self.run_connect(**how)
        expect(code == 0 and objects, f"exit code {code}: {errors or objects}")
        return objects[0]

    def send(self, peer, text):
        code, objects, errors = self.run(self.argv("send", peer, text, "--jid", self.jid))
        expect(code == 0, f"send: exit code {code}: {errors}")
        return objects[-1]

    def forget(self, *what):
        code, _, errors = self.run([self.program, "forget", self.jid, "--db", self.db, *what])
        expect(code == 0, f"forget: exit code {code}: {errors}")

    def listen(self, **how):
        return Listener(self.argv("connect", self.jid, "--listen", **how))

    def stored(self):
        """(archive id, stanza) of every stored message, in the order of arrival."""
        with sqlite3.connect(f"file:{self.db}?mode=ro", uri=True) as db:
            rows = db.execute("SELECT archive_id, xml FROM message WHERE body IS NOT NULL ORDER BY pos").fetchall()
        return [(id, xml.decode() if isinstance(xml, bytes) else xml) for id, xml in rows]


class Listener:
    """connect --listen, with what it prints."""

    stdin = subprocess.DEVNULL

    def __init__(self, argv):
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        stdin=self.stdin)
        self.lines = queue.Queue()
        self.seen = []
        self.errors = []
        threading.Thread(target=self.collect, daemon=True).start()
        threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True).start()

    def collect(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def wait_for(self, what, accept):
        for earlier in self.seen:
            if accept(earlier):
                return earlier
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                said = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            expect(said is not None, f"ended before {what}: {''.join(self.errors).strip()}")
            self.seen.append(said)
            if accept(said):
                return said
        raise Failed(f"{what} did not come; came: {self.seen}")

    def summary(self, again=False):
        """Of the first session; again: of the next one."""
        known = [o for o in self.seen if "waits" in o] if again else []
        return self.wait_for("the summary", lambda o: "waits" in o and o not in known)

    def message(self, text):
        return self.wait_for(f"the message '{text}'", lambda o: f">{text}<" in (o.get("xml") or ""))

    def count(self, text):
        return sum(f">{text}<" in (o.get("xml") or "") for o in self.seen)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed("does not end when it is interrupted") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
