"""jabberd 2, as Debian 12 has it: RFC 6120 with PLAIN inside TLS; no archive, no carbons, no stream management. What a client
must do without."""

import gzip
import os
import re
import sqlite3
import subprocess
import uuid

import people
import servers
from client import expect

PARTS = ("router", "sm", "c2s")


class Jabberd(servers.Server):
    release, package, user, name = "bookworm", "jabberd2", "jabber", "jabberd"
    modern, bears_stanzas = False, False
    login = ("--allow-plain",)
    processes = ()

    def place(self, path):
        """On this side of the chroot."""
        return os.path.join(self.root, path.lstrip("/"))

    def configure(self):
        """The package's own files, without their comments, with other paths and ports."""
        router, = servers.free_ports(1)
        for part in PARTS:
            with open(self.place(f"/etc/jabberd2/{part}.xml")) as f:
                text = re.sub(r"<!--.*?-->", "", f.read(), flags=re.DOTALL)
            text = re.sub(r"/var/(lib|run|log)/jabberd2/", f"{self.dir}/", text).replace("<port>5347<", f"<port>{router}<")
            if part == "sm":
                text = text.replace("localhost.localdomain", servers.DOMAIN)
                text = re.sub(r"<user>\s+<template>", "<user><auto-create/><template>", re.sub(r"\s+\n", "\n", text))
            if part == "c2s":
                text = re.sub(r"<id register-enable='mu'>[^<]*</id>",
                              f"<id pemfile='{self.dir}/both.pem'>{servers.DOMAIN}</id>", text)
                text = text.replace("<port>5222</port>", f"<port>{self.starttls}</port><ssl-port>{self.direct}</ssl-port>"
                                    f"<pemfile>{self.dir}/both.pem</pemfile>")
            self.write(f"{part}.xml", text)
        with gzip.open(self.place("/usr/share/doc/jabberd2/db-setup.sqlite.gz"), "rt") as f:
            tables = f.read()
        with sqlite3.connect(os.path.join(self.path, "sqlite.db")) as db:
            db.executescript(tables)
            db.executemany("INSERT INTO authreg(username, realm, password) VALUES (?, ?, ?)",
                           [(user, servers.DOMAIN, password) for user, password in servers.USERS.items()])

    def run(self):
        with open(os.path.join(self.path, "output.log"), "a") as log:
            self.processes = [subprocess.Popen(self.inside(f"/usr/sbin/jabberd2-{part}", "-c", f"{self.dir}/{part}.xml"),
                                               env=self.environment(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
                              for part in PARTS]
        self.process = self.processes[-1]
        for address in self.addresses:
            for port in (self.starttls, self.direct):
                self.wait_for(lambda a=address, p=port: self.listens(a, p))
        self.wait_for(self.is_ready)

    def is_ready(self):
        """The port listens before the part that has the accounts is there."""
        with open(os.path.join(self.path, "router.log")) as f:
            return f"[{servers.DOMAIN}] online" in f.read()

    def end(self):
        for self.process in reversed(self.processes):
            super().end()


def cold(place):
    s = place.account("alice").connect()
    expect((s["bind"], s["mechanism"]) == ("rfc6120", "PLAIN"), f"bind {s['bind']}, {s['mechanism']}")
    expect([f["what"] for f in s["fallbacks"]] == ["behind-bind"], f"fallbacks {s['fallbacks']}")
    expect(not (s["carbons"] or s["sm"] or s["csi"] or s["archive"]), "it has what the server has not")
    return s


def warm(place, tls):
    """What was learned once is not tried again."""
    alice = place.account("alice")
    alice.connect(tls=tls)
    s = alice.connect(tls=tls)
    expect(s["fallbacks"] == [], f"fallbacks {s['fallbacks']}")
    return s


def refused(place):
    """A password leaves for nobody who was not allowed to have it so."""
    alice = place.account("alice")
    code, objects, _ = alice.run([a for a in alice.argv("connect", alice.jid) if a != "--allow-plain"])
    error = objects[-1].get("error", {}) if objects else {}
    expect(code == 3 and error.get("status") == "EPODE_EAUTH" and error.get("final"), f"exit code {code}, {error}")


def messages(place):
    """Live, killed, and from the server's offline storage: each once, in its order."""
    alice, bob = place.account("alice"), place.account("bob")
    texts = [f"{when} {uuid.uuid4().hex}" for when in ("live", "missed", "missed, too", "live again")]
    with alice.listen() as ear:
        ear.summary()
        expect(bob.send(alice.jid, texts[0])["state"] == "acknowledged", "not acknowledged")
        ear.message(texts[0])
        ear.kill()
    for text in texts[1:3]:
        bob.send(alice.jid, text)
    with alice.listen() as ear:
        s = ear.summary()
        ear.message(texts[2])
        bob.send(alice.jid, texts[3])
        ear.message(texts[3])
        expect(ear.stop() == 0, f"exit code {ear.process.returncode}")
    code, objects, errors = alice.run([alice.program, "history", "--all", "--json", "--db", alice.db])
    expect(code == 0, f"history: exit code {code}: {errors}")
    got = [o["body"] for o in objects if o["body"] in texts]
    expect(got == texts, f"stored: {got}")
    return s


SCENARIOS = [
    ("cold, direct TLS", cold),
    ("warm, direct TLS", lambda place: warm(place, "direct")),
    ("warm, STARTTLS", lambda place: warm(place, "starttls")),
    ("refused without --allow-plain", refused),
    ("messages, live and missed", messages),
    # Not the roster's changes: its version is a time in seconds, and two changes in one second have the same.
    ("block list", people.block_list),
]
Jabberd.scenarios = SCENARIOS
servers.KINDS["jabberd"] = Jabberd
