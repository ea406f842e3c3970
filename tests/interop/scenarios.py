"""What must hold against every server. Each scenario returns the session summary to show, or None."""

import time
import uuid

import catchup
import people
import roster
import room
import services
import strophe
from client import Account, Failed, expect
from servers import USERS

DELAY_S = 0.05  # each way
ROUNDS = 3      # of measuring, where the first ones were disturbed


class Place:
    """What a scenario works with: a server, a link to it, and a directory for accounts."""

    def __init__(self, program, server, link, directory):
        self.program, self.server, self.link, self.directory = program, server, link, directory

    def account(self, user, password=None, device=None):
        return Account(self.program, self.server, self.directory, user, password or USERS[user],
                       device or uuid.uuid4().hex[:8])


def expect_waits(s, xmpp):
    expect(s["waits"]["xmpp"] == xmpp, f"waits {s['waits']}, expected {xmpp} of XMPP; flights {s['flights']}, "
           f"fallbacks {s['fallbacks']}")


def expect_session(place, s):
    wanted = "bind2" if place.server.modern else "rfc6120"
    expect(s["bind"] == wanted, f"bind is {s['bind']}")
    for feature in ("carbons", "sm", "csi"):
        expect(s[feature] is True, f"{feature} is {s[feature]} ({s.get('why_not')})")
    expect(not s["resumed"], "resumed what was closed")


def expect_token(place, s):
    """Of who comes back."""
    if not place.server.modern:
        expect(s["token"] == "none", f"token is {s['token']}")
        return
    expect(s["token"] in ("used", "rotated"), f"token is {s['token']}")
    expect(s["mechanism"].startswith("HT-"), f"mechanism is {s['mechanism']}")


def expect_warm(place, s, xmpp):
    expect_session(place, s)
    expect_token(place, s)
    expect(s["fallbacks"] == [], f"fallbacks {s['fallbacks']}")
    expect_waits(s, xmpp)


def expect_new_token(place, s):
    wanted = "new" if place.server.modern else "none"
    expect(s["token"] == wanted, f"token is {s['token']}")


def cold_direct(place):
    s = place.account("alice").connect()
    expect_session(place, s)
    expect(s["mechanism"].startswith("SCRAM-"), f"mechanism is {s['mechanism']}")
    expect_new_token(place, s)
    return s


def warm_direct(place):
    alice = place.account("alice")
    alice.connect()
    s = alice.connect()
    expect_warm(place, s, place.server.warm_waits)
    return s


def always_warm(place):
    """Tokens are reused or follow each other for as long as the client comes back."""
    alice = place.account("alice")
    alice.connect()
    for _ in range(5):
        s = alice.connect()
        expect_warm(place, s, place.server.warm_waits)
    return s


def cold_starttls(place):
    s = place.account("alice").connect(tls="starttls")
    expect_session(place, s)
    return s


def warm_starttls(place):
    alice = place.account("alice")
    alice.connect(tls="starttls")
    s = alice.connect(tls="starttls")
    expect_warm(place, s, place.server.warm_waits + 1)
    return s


def no_fast_path(place):
    s = place.account("alice").connect(extra=["--no-fast-path"])
    expect_session(place, s)
    expect(s["token"] == "none", f"token is {s['token']}")
    return s


def message(place):
    """A message to a listening client is printed and stored once."""
    alice, bob, text = place.account("alice"), place.account("bob"), f"hello {uuid.uuid4().hex}"
    with alice.listen() as ear:
        s = ear.summary()
        sent = bob.send(alice.jid, text)
        expect(sent["state"] == "acknowledged", f"sent, but {sent}")
        ear.message(text)
        expect(ear.stop() == 0, f"exit code {ear.process.returncode}")
    expect_stored_once(alice, ear, text)
    return s


def expect_stored_once(account, ear, *texts):
    stored = account.stored()
    for text in texts:
        rows = [(id, xml) for id, xml in stored if f">{text}<" in xml]
        expect(len(rows) == 1, f"'{text}' is stored {len(rows)} times")
        expect(ear.count(text) <= 1, f"'{text}' was told {ear.count(text)} times")
        # Both servers archive and say so: what is stored is to be found again there.
        id, xml = rows[0]
        expect(id and f"id='{id}'" in xml, f"'{text}' is stored with the archive id {id}: {xml}")


def killed(place):
    """Killed, a message meanwhile, resumed: nothing lost, nothing doubled."""
    alice, bob = place.account("alice"), place.account("bob")
    before, during, after = (f"{when} {uuid.uuid4().hex}" for when in ("before", "during", "after"))
    with alice.listen() as ear:
        ear.summary()
        bob.send(alice.jid, before)
        ear.message(before)
        ear.kill()
    bob.send(alice.jid, during)
    with alice.listen() as ear:
        s = ear.summary()
        expect(s["resumed"] is True and s["bind"] == "resumed", f"not resumed: bind {s['bind']}, {s['fallbacks']}")
        expect_waits(s, place.server.resumed_waits)
        ear.message(during)
        bob.send(alice.jid, after)
        ear.message(after)
        expect(ear.stop() == 0, f"exit code {ear.process.returncode}")
    expect_stored_once(alice, ear, before, during, after)
    return s


def restarted(place):
    """The server ends and starts again, and has forgotten what could be resumed: the client comes back by itself."""
    alice, bob = place.account("alice"), place.account("bob")
    before, after = (f"{when} {uuid.uuid4().hex}" for when in ("before", "after"))
    with alice.listen() as ear:
        ear.summary()
        bob.send(alice.jid, before)
        ear.message(before)
        place.server.end()
        place.server.run()
        s = ear.summary(again=True)
        expect_session(place, s)
        bob.send(alice.jid, after)
        ear.message(after)
        expect_token(place, s)
        expect(ear.stop() == 0, f"exit code {ear.process.returncode}")
    expect_stored_once(alice, ear, before, after)
    return s


def wrong_password(place):
    code, objects, _ = place.account("alice", "not the password").run_connect()
    expect_refused(code, objects)


def forgotten(place):
    """After "forget --token" only the password counts, and a wrong one is refused on a known server, too."""
    alice = place.account("alice")
    alice.connect()
    alice.forget("--token")
    eve = place.account("alice", "not the password", device=alice.device)
    code, objects, _ = eve.run_connect()
    expect_refused(code, objects)
    alice = place.account("alice", device=alice.device)
    s = alice.connect()
    expect_session(place, s)
    expect_new_token(place, s)
    return s


def expect_refused(code, objects):
    error = objects[-1].get("error", {}) if objects else {}
    expect(code != 0, "exit code 0")
    expect(error.get("status") == "EPODE_EAUTH", f"error is {error}")
    expect(error.get("final") is True, "the error is not final")
    expect(error.get("condition") == "not-authorized", f"condition is {error.get('condition')}")


def measured(place, tls):
    """Its own count of waits against a clock: ready times over a line with and without delay."""
    alice = place.account("alice")
    port = getattr(place.server, tls)
    near, far = place.link.to_near(port), place.link.to_far(port)
    alice.connect(tls=tls, to=near)  # endpoint facts are per host and port
    alice.connect(tls=tls, to=far)
    ready, s = {near: [], far: []}, {}
    for _ in range(ROUNDS):
        for to in (near, far):
            for _ in range(3):
                s[to] = alice.connect(tls=tls, to=to)
                ready[to].append(s[to]["ready_ms"])
        waits = s[far]["waits"]
        own = waits["total"] if place.link.counts_tcp else waits["total"] - waits["tcp"]
        # What else this machine does only adds to a time: the least is the nearest.
        least = {to: min(times) for to, times in ready.items()}
        seen = (least[far] - least[near]) / (2000 * DELAY_S)
        if abs(seen - own) <= 0.3:
            break
    expect(abs(seen - own) <= 0.3, f"says {own} waits ({waits}), but the clock says {seen:.2f}: "
           f"{least[near]:.1f} ms without delay, {least[far]:.1f} ms with; flights {s[far]['flights']}")
    s[far]["note"] = f"{own} waits said, {seen:.2f} measured"
    return s[far]


def carbons(place):
    """What one device of an account sends, the other one has."""
    alice, other, text = place.account("alice"), place.account("alice"), f"from my other device {uuid.uuid4().hex}"
    with alice.listen() as ear:
        s = ear.summary()
        other.send("bob@localhost", text)
        seen = ear.wait_for(f"the carbon '{text}'", lambda o: o.get("body") == text)
        expect(seen["outgoing"] is True and seen["peer"] == "bob@localhost", f"it came as {seen}")
        expect(ear.stop() == 0, f"exit code {ear.process.returncode}")
    return s


def silent(place):
    """A header and then nothing ends with its typed error, within the time that was given."""
    for tls in ("direct", "starttls"):
        began = time.monotonic()
        code, objects, _ = place.account("alice").run_connect(tls=tls, extra=["--timeout", "3"])
        error = objects[-1].get("error", {}) if objects else {}
        expect(code == 2 and error.get("status") == "EPODE_ETIMEOUT", f"exit code {code}, {error}")
        expect(error["final"] is False, "it is final")
        expect(time.monotonic() - began < 6, f"it took {time.monotonic() - began:.1f} s")


def examine(place, tls="direct"):
    account = place.account("alice")
    argv = account.argv("doctor", account.jid, tls=tls, extra=["--timeout", "5"])
    code, objects, errors = account.run(argv)
    expect(objects and "checks" in objects[0], f"exit code {code}: {errors}")
    return code, {c["check"]: c["mark"] for c in objects[0]["checks"]}, objects[0]


def doctor(place):
    """What the doctor finds is what these servers are known for."""
    for tls in ("direct", "starttls"):
        code, marks, o = examine(place, tls)
        wrong = [c for c in o["checks"] if c["mark"] == "bad"]
        expect(code == 0 and o["login"] and not wrong, f"exit code {code}, {wrong}")
        for check, mark in place.server.diagnosis.items():
            expect(marks.get(check) == mark, f"{check} is {marks.get(check)}, not {mark}")
    return o["logins"][1]


def doctor_silent(place):
    code, marks, o = examine(place)
    expect(code == 2 and not o["login"] and marks.get("stream-silent") == "bad", f"exit code {code}, {marks}")


LOGINS = [
    ("cold, direct TLS", cold_direct),
    ("warm, direct TLS", warm_direct),
    ("warm, five times more", always_warm),
    ("cold, STARTTLS", cold_starttls),
    ("warm, STARTTLS", warm_starttls),
    ("without the fast path", no_fast_path),
    ("message", message),
    ("carbons", carbons),
    ("killed and resumed", killed),
    ("server restarted", restarted),
    ("wrong password", wrong_password),
    ("forgotten, wrong, right", forgotten),
    ("doctor", doctor),
    ("measured, direct TLS", lambda place: measured(place, "direct")),
    ("measured, STARTTLS", lambda place: measured(place, "starttls")),
]
# Over libstrophe's connections; of servers without SASL2 the warm start waits as long as by our own.
BRIDGED = {"cold": cold_direct, "warm": always_warm, "warm, STARTTLS": warm_starttls, "message": message,
           "killed and resumed": killed, "server restarted": restarted, "wrong password": wrong_password}
SILENT = [("silent behind the header", silent), ("doctor, silent", doctor_silent)]


def of(kind):
    if kind.scenarios:
        return kind.scenarios
    if kind.silent:
        return SILENT
    return (LOGINS + catchup.of(kind) + roster.SCENARIOS + people.SCENARIOS + room.SCENARIOS + services.SCENARIOS +
            strophe.of(BRIDGED))


def run(name, scenario, place):
    """(None or what is wrong, summary or None, seconds)"""
    start = time.monotonic()
    try:
        return None, scenario(place), time.monotonic() - start
    except Failed as failure:
        return str(failure), None, time.monotonic() - start
    except Exception as failure:  # what was printed or stored is not what was promised
        return f"{type(failure).__name__}: {failure}", None, time.monotonic() - start
