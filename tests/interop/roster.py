"""Rosters and capabilities: what another client did is there, and what did not change is not asked for."""

import sqlite3
import time
import uuid

from client import TIMEOUT_S, expect
from raw import Raw
from servers import USERS

ROSTER = "jabber:iq:roster"


def roster_set(place, user, jid, inside="", **attrs):
    with Raw(place.server, user, USERS[user]) as raw:
        text = "".join(f" {name}='{value}'" for name, value in attrs.items())
        raw.iq("set", f"<query xmlns='{ROSTER}'><item jid='{jid}'{text}>{inside}</item></query>")


def contacts(account):
    code, objects, errors = account.run([account.program, "roster", "--db", account.db, "--json"])
    expect(code == 0, f"roster: exit code {code}: {errors}")
    return {c["jid"]: (c["name"], c["groups"]) for c in objects}


def facts(account, kind):
    with sqlite3.connect(f"file:{account.db}?mode=ro", uri=True) as db:
        return dict(db.execute("SELECT key, data FROM fact WHERE kind = ?", (kind,)).fetchall())


def changes(place):
    """What was added, changed and removed by another client meanwhile is there after the next start."""
    alice, jid = place.account("alice"), f"{uuid.uuid4().hex[:8]}@localhost"
    roster_set(place, "alice", jid, "<group>work</group>", name="One")
    alice.connect()
    expect(contacts(alice).get(jid) == ("One", ["work"]), f"the roster is {contacts(alice)}")
    roster_set(place, "alice", jid, "<group>work</group><group>&lt;friends&gt;</group>", name="Two")
    alice.connect()
    expect(contacts(alice).get(jid) == ("Two", ["<friends>", "work"]), f"the roster is {contacts(alice)}")
    version = facts(alice, "roster-ver").get("")
    expect(version, "no version of the roster is kept")
    s = alice.connect()
    expect(facts(alice, "roster-ver").get("") == version, "another version, and nothing was changed")
    roster_set(place, "alice", jid, subscription="remove")
    alice.connect()
    expect(jid not in contacts(alice), f"the roster is {contacts(alice)}")
    return s


def live(place):
    """A change while connected is there without asking, in a resumed session too."""
    alice, jid = place.account("alice"), f"{uuid.uuid4().hex[:8]}@localhost"
    with alice.listen() as ear:
        s = ear.summary()
        ear.kill()
    roster_set(place, "alice", jid, name="While away")
    with alice.listen() as ear:
        expect(ear.summary()["resumed"], "not resumed")
        roster_set(place, "alice", jid, name="While there")
        deadline = time.monotonic() + TIMEOUT_S
        while contacts(alice).get(jid) != ("While there", []) and time.monotonic() < deadline:
            time.sleep(0.05)
        expect(contacts(alice).get(jid) == ("While there", []), f"the roster is {contacts(alice)}")
        expect(ear.stop() == 0, f"exit code {ear.process.returncode}")
    roster_set(place, "alice", jid, subscription="remove")
    return s


def capabilities(place):
    """The server's answer fits its hash, so that it is kept; the account's is kept with it."""
    alice = place.account("alice")
    alice.connect()
    s = alice.connect()
    domain, account = facts(alice, "disco"), facts(alice, "account-disco")
    expect(len(domain) == 1, f"kept of the server: {list(domain)}")
    key = next(iter(domain))
    expect(key.startswith("sha-"), f"kept of the server under {key}")
    expect(b"\x1furn:xmpp:ping\x1f" in domain[key], "the server does not know ping")
    expect(account["alice@localhost"].startswith(key.encode()), "the account's is of another version")
    return s


SCENARIOS = [
    ("roster, changes", changes),
    ("roster, live and resumed", live),
    ("capabilities", capabilities),
]
