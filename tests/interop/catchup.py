"""Catch-up against real servers: what the store holds is what the server's archive holds, each message once, in its
order. The archive is filled and read by a client of its own."""

import random
import threading
import time
import uuid

from client import TIMEOUT_S, expect
from raw import Raw, pump
from servers import USERS

MISSED, MEANWHILE = 1000, 500
MAM_QUERY = "<query xmlns='urn:xmpp:mam:2'"
EVERYTHING = ("--limit", "0")


def enter(place, user, **how):
    return Raw(place.server, user, USERS[user], **how)


def exchange(place, count, presence):
    """count messages, half from bob to alice and half the other way round, all at once."""
    with enter(place, "alice", presence=presence) as alice, enter(place, "bob", presence=True) as bob:
        run = uuid.uuid4().hex
        for n in range(count // 2):
            bob.message(alice.jid, f"in {n} <&> {run}")
            alice.message(bob.jid, f"out {n} \u00e9\U0001f600 {run}")
        pump([alice, bob], lambda: not alice.out and not bob.out, 60)
        for side in (alice, bob):
            side.sent()


def archive_of(place, user, at_least=0):
    """A recipient's copy may be written a little after its sender was answered."""
    with enter(place, user) as judge:
        deadline = time.monotonic() + 20
        while True:
            rows = judge.archive()
            if len(rows) >= at_least:
                return rows
            expect(time.monotonic() < deadline, f"the server's archive has {len(rows)} of {at_least} messages")
            time.sleep(0.2)


def until_archived(place, user, bodies):
    """The archive ids of these, which are among the newest."""
    with enter(place, user) as judge:
        deadline = time.monotonic() + 20
        while True:
            rows = {body: id for id, body in judge.newest()}
            if all(body in rows for body in bodies):
                return [rows[body] for body in bodies]
            expect(time.monotonic() < deadline, "the server did not archive what was sent")
            time.sleep(0.2)


def fill(place):
    """Once for every server: the scenarios share it."""
    if not getattr(place, "filled", False):
        exchange(place, place.server.archived, presence=True)
        archive_of(place, "alice", place.server.archived)
        place.filled = True


def history(account):
    code, objects, errors = account.run([account.program, "history", "--all", "--json", "--db", account.db])
    expect(code == 0, f"history: exit code {code}: {errors}")
    return [(o["archive_id"], o["body"]) for o in objects]


def expect_equal(place, account):
    want, got = archive_of(place, "alice"), history(account)
    expect(all(id for id, _ in got), f"without an archive id: {[b for id, b in got if not id][:5]}")
    ids = [id for id, _ in got]
    expect(len(set(ids)) == len(ids), f"{len(ids) - len(set(ids))} archive ids are there twice")
    missing, more = set(want) - set(got), set(got) - set(want)
    expect(not missing and not more, f"{len(missing)} are missing {sorted(missing)[:3]}, "
           f"{len(more)} are not the archive's {sorted(more)[:3]}")
    wrong = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b), None)
    expect(wrong is None, f"another order from {wrong} on: {want[wrong or 0]}, stored {got[wrong or 0]}")
    return len(want)


def expect_synced(s):
    expect(s["holes"] == [], f"holes {s['holes']}")
    expect(s["synced_ms"] is not None, "not synced")


def catch_up(place, account):
    """Everything; a note of what it took."""
    s = account.connect(extra=EVERYTHING)
    expect_synced(s)
    seconds = (s["synced_ms"] - s["ready_ms"]) / 1000
    s["note"] = f"{s['new_messages']} in {seconds:.2f} s"
    return s


def first(place):
    fill(place)
    alice = place.account("alice")
    s = catch_up(place, alice)
    expect_equal(place, alice)
    return s


def while_three_send(place):
    """A peer, another device and this one send before, during and after a catch-up."""
    fill(place)
    alice, other = place.account("alice"), place.account("alice")
    catch_up(place, alice)
    alice.send("bob@localhost", "own, before")
    exchange(place, MISSED, presence=False)  # the server has half of them in its offline storage, too
    senders = [threading.Thread(target=exchange, args=(place, MEANWHILE, True)),
               threading.Thread(target=lambda: [other.send("bob@localhost", f"other device {n}") for n in range(5)])]
    for sender in senders:
        sender.start()
    alice.send("bob@localhost", "own, during")
    s = alice.connect(extra=EVERYTHING)
    alice.send("bob@localhost", "own, during, again")
    for sender in senders:
        sender.join()
    alice.send("bob@localhost", "own, after")
    last = catch_up(place, alice)
    total = expect_equal(place, alice)
    expect_own(alice)
    s["note"] = f"{s['new_messages']} + {last['new_messages']} of {total}"
    return s


def expect_own(account):
    stored = history(account)
    for text in ("own, before", "own, during", "own, during, again", "own, after"):
        ids = [id for id, body in stored if body == text]
        expect(len(ids) == 1 and ids[0], f"'{text}' is there with the archive ids {ids}")


def count_queries(account):
    code, objects, errors = account.run_connect(extra=["--verbose", "--verbose"])
    expect(code == 0 and objects, f"exit code {code}: {errors[-500:]}")
    return objects[0], errors.count(MAM_QUERY)


def nothing_new(place):
    alice = place.account("alice")
    s, first_queries = count_queries(alice)
    expect(first_queries > 0, "the log shows no archive query of a first login")
    for _ in range(3):
        s, queries = count_queries(alice)
        expect(queries <= 1, f"{queries} archive queries where nothing was new")
        expect(s["synced_ms"] is not None and s["new_messages"] == 0, f"synced_ms {s['synced_ms']}, new {s['new_messages']}")
    s["note"] = f"{queries} queries, synced after {s['synced_ms']:.1f} ms"
    return s


def few_new(place):
    """From the third start on what is asked first rides behind the token, where the server bears that."""
    alice = place.account("alice")
    for _ in range(3):
        alice.connect()
    for start in range(3):
        texts = [f"new {n} {uuid.uuid4().hex}" for n in range(3)]
        with enter(place, "bob") as bob:
            for text in texts:
                bob.message(alice.jid, text)
            bob.sent()
        until_archived(place, "alice", texts)
        s = alice.connect()
        expect(s["new_messages"] == 3, f"{s['new_messages']} new messages, not 3")
        expect(s["token"] in ("used", "rotated") and s["waits"]["xmpp"] == 1, f"token {s['token']}, waits {s['waits']}, "
               f"flights {s['flights']}, fallbacks {s['fallbacks']}")
        held = [f["held"] for f in s["flights"]]
        if place.server.bears_stanzas:
            expect(any("stanzas" in h for h in held), f"no stanzas in {held}, fallbacks {s['fallbacks']}")
    s["note"] = f"held {held[-1]}, synced after {s['synced_ms']:.1f} ms"
    return s


def killed(place):
    fill(place)
    chance, alice = random.Random(1), place.account("alice")
    for _ in range(place.server.kills):
        with alice.listen(extra=EVERYTHING) as ear:
            time.sleep(chance.uniform(0.02, place.server.kill_within_s))
            ear.kill()
    held = len(history(alice))
    s = alice.connect(extra=EVERYTHING)
    for _ in range(20):
        if not s["holes"]:
            break
        s = alice.connect(extra=["--fill", "1000"])
    expect_synced(s)
    total = expect_equal(place, alice)
    s["note"] = f"held {held} of {total} before the last"
    return s


def unread(account, peer):
    code, objects, errors = account.run([account.program, "unread", "--json", "--db", account.db])
    expect(code == 0, f"unread: exit code {code}: {errors}")
    return sum(o["count"] for o in objects if o["peer"] == peer)


def expect_unread(account, peer, count):
    seen = unread(account, peer)
    expect(seen == count, f"{seen} unread, not {count}")


def from_carol(place, alice, count=10):
    """Archive ids of count new messages from carol, whose conversation alice's device then has."""
    run = uuid.uuid4().hex
    texts = [f"from carol {n} {run}" for n in range(count)]
    with enter(place, "carol") as carol:
        for text in texts:
            carol.message(alice.jid, text)
        carol.sent()
    ids = until_archived(place, "alice", texts)
    alice.connect()
    return ids


def displayed(place):
    """Another device told how far it displayed: one that was offline learns it at its next start."""
    alice, peer = place.account("alice"), "carol@localhost"
    ids = from_carol(place, alice)
    with enter(place, "alice") as device:
        device.publish_displayed(peer, ids[5])
        alice.connect()
        expect_unread(alice, peer, 4)
        device.publish_displayed(peer, ids[8])
    s = alice.connect()
    expect_unread(alice, peer, 1)
    return s


def displayed_live(place):
    """One that is there learns it at once (PEP, for which it has to ask with its capabilities)."""
    alice, peer = place.account("alice"), "carol@localhost"
    ids = from_carol(place, alice)
    with enter(place, "alice") as device, alice.listen() as ear:
        s = ear.summary()
        device.publish_displayed(peer, ids[6])
        deadline = time.monotonic() + TIMEOUT_S
        while unread(alice, peer) != 3 and time.monotonic() < deadline:
            time.sleep(0.1)
        expect(ear.stop() == 0, f"exit code {ear.process.returncode}")
    expect_unread(alice, peer, 3)
    return s


SCENARIOS = [
    ("catch-up of all", first),
    ("catch-up while three send", while_three_send),
    ("nothing new", nothing_new),
    ("a few new", few_new),
    ("killed while catching up", killed),
    ("displayed", displayed),
    ("displayed, live", displayed_live),
]


def of(kind):
    """Not what needs a login in one flight, and not what the server refuses."""
    left_out = ([] if kind.modern else [few_new]) + ([] if kind.publishes else [displayed, displayed_live])
    return [(name, play) for name, play in SCENARIOS if play not in left_out]
