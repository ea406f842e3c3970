"""Presence and the block list: what other devices and contacts do is told as it happens, and kept where it is kept."""

import uuid

from client import Listener, expect
from raw import CLIENT, Raw, pump
from roster import facts, roster_set
from servers import USERS

BLOCKING = "urn:xmpp:blocking"


def raw(place, user, **how):
    return Raw(place.server, user, USERS[user], **how)


def watch(account):
    return Listener(account.argv("watch", "--jid", account.jid))


def until_presence(client, type):
    pump([client], lambda: any(s.tag == CLIENT + "presence" and s.get("type") == type for s in client.stanzas))


def befriend(place):
    """Alice and bob see each other (RFC 6121, 3)."""
    with raw(place, "alice", presence=True) as alice, raw(place, "bob", presence=True) as bob:
        for client in (alice, bob):
            client.iq("get", "<query xmlns='jabber:iq:roster'/>")
        for one, other in ((alice, bob), (bob, alice)):
            one.send(f"<presence type='subscribe' to='{other.jid}'/>")
            one.sent()
            until_presence(other, "subscribe")
            other.stanzas.clear()
            other.send(f"<presence type='subscribed' to='{one.jid}'/>")
            other.sent()


def part(place):
    for user, other in (("alice", "bob"), ("bob", "alice")):
        roster_set(place, user, f"{other}@localhost", subscription="remove")


def who_is_there(account, *peer):
    code, objects, errors = account.run(account.argv("presence", *peer, "--jid", account.jid))
    expect(code == 0, f"presence: exit code {code}: {errors}")
    return [(o["jid"].split("/")[0], o["show"], o["status"], o["priority"]) for o in objects]


def presence(place):
    """A contact that is there, changes and goes; the account's other device."""
    befriend(place)
    alice = place.account("alice")
    try:
        with raw(place, "bob") as bob, raw(place, "alice") as other:
            bob.send("<presence><show>dnd</show><status>busy</status><priority>3</priority></presence>")
            bob.sent()
            other.send("<presence><priority>-1</priority></presence>")
            other.sent()
            seen = who_is_there(alice, "bob@localhost")
            expect(seen == [("bob@localhost", "dnd", "busy", 3)], f"bob is {seen}")
            seen = who_is_there(alice)
            # Sessions of alice that were cut off may still be there, too.
            expect(("alice@localhost", "online", None, -1) in seen and ("bob@localhost", "dnd", "busy", 3) in seen,
                   f"there are {seen}")
            with watch(alice) as ear:
                ear.wait_for("bob", lambda o: o["event"] == "presence" and o["show"] == "dnd")
                bob.send("<presence><show>away</show></presence>")
                bob.sent()
                ear.wait_for("a change", lambda o: o["event"] == "presence" and o["show"] == "away")
                bob.send("<message type='chat' to='alice@localhost'><composing xmlns='http://jabber.org/protocol/chatstates'/>"
                         "</message>")
                bob.sent()
                ear.wait_for("a chat state", lambda o: o["event"] == "chat-state" and o["state"] == "composing")
                bob.close()
                ear.wait_for("bob gone", lambda o: o["event"] == "presence" and o["show"] == "offline" and
                             o["peer"] == "bob@localhost")
                expect(ear.stop() == 0, f"exit code {ear.process.returncode}")
    finally:
        part(place)


def block_list(place):
    """What another device blocks is told; what it did while nobody watched is there the next time."""
    alice, first, second = place.account("alice"), *(f"{uuid.uuid4().hex[:8]}@localhost" for _ in range(2))

    def change(what, jid):
        with raw(place, "alice") as other:
            other.iq("set", f"<{what} xmlns='{BLOCKING}'><item jid='{jid}'/></{what}>")

    def told(ear, jid, blocked):
        ear.wait_for(f"{jid} {blocked}", lambda o: o["event"] == "blocking" and o["peer"] == jid and o["blocked"] == blocked)

    change("block", first)
    with watch(alice) as ear:
        told(ear, first, True)
        change("block", second)
        told(ear, second, True)
        change("unblock", first)
        told(ear, first, False)
        expect(ear.stop() == 0, f"exit code {ear.process.returncode}")
    kept = set(facts(alice, "blocked"))
    expect(second in kept and first not in kept, f"kept: {kept}")
    change("unblock", second)
    with watch(alice) as ear:
        told(ear, second, False)
        expect(ear.stop() == 0, f"exit code {ear.process.returncode}")
    expect(not facts(alice, "blocked"), f"kept: {facts(alice, 'blocked')}")


SCENARIOS = [
    ("presence, chat states", presence),
    ("block list", block_list),
]
