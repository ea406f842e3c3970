"""The same over a connection of libstrophe's (--transport strophe), with this system's libstrophe and with 0.14, which
tests/strophe/library makes (EPODE_STROPHE_014 is its folder)."""

import os
import uuid

import catchup
from client import Account, expect
from servers import USERS


class Bridged(Account):
    library = None

    def argv(self, *command, **how):
        argv = super().argv(*command, **how) + ["--transport", "strophe"]
        return ["env", f"LD_LIBRARY_PATH={self.library}", *argv] if self.library else argv


class Bridge:
    """A place whose accounts come by libstrophe."""

    def __init__(self, place, library):
        self.place, self.library = place, library

    def __getattr__(self, name):
        return getattr(self.place, name)

    def account(self, user, password=None, device=None):
        account = Bridged(self.program, self.server, self.directory, user, password or USERS[user],
                          device or uuid.uuid4().hex[:8])
        account.library = self.library
        return account


def of_bridge(scenario, library):
    def play(place):
        s = scenario(Bridge(place, library))
        if s:
            expect(s["transport"] == "strophe", f"transport is {s['transport']}")
        return s
    return play


NEWEST = ("--limit", "300")


def newest(account, count):
    rows = catchup.history(account)[-count:]
    expect(len({id for id, _ in rows}) == len(rows) and all(id for id, _ in rows), "an archive id is missing, or there twice")
    return rows


def caught_up(place):
    """The newest, then what is new: the same as our own transport gets."""
    alice, judge = place.account("alice"), place.place.account("alice")
    catchup.exchange(place, 300, presence=True)
    alice.connect(extra=NEWEST)
    catchup.exchange(place, 40, presence=True)
    s = alice.connect()
    expect(s["synced_ms"] is not None, "not synced")
    judge.connect(extra=NEWEST)
    expect(newest(alice, 300) == newest(judge, 300), "the two stores differ")
    s["note"] = f"{s['new_messages']} new"
    return s


def outbox(place):
    """Each message that is sent, by one start each, is in both archives once, as another device reads them."""
    alice, run = place.account("alice"), uuid.uuid4().hex
    texts = [f"{n} of {run}" for n in range(3)]
    for text in texts:
        sent = alice.send("bob@localhost", text)
        expect(sent["state"] == "acknowledged", f"sent, but {sent}")
    for user in ("alice", "bob"):
        reader = place.place.account(user)
        reader.connect(extra=["--limit", "100"])
        found = [body for _, body in catchup.history(reader) if run in (body or "")]
        expect(found == texts, f"the archive of {user} has {found}")


def of(logins):
    """logins: the scenarios of our own transport that hold here as well, by name."""
    found = [("here", None)]
    if os.environ.get("EPODE_STROPHE_014"):
        found.append(("0.14", os.path.join(os.environ["EPODE_STROPHE_014"], "lib")))
    scenarios = list(logins.items()) + [("caught up", caught_up), ("outbox", outbox)]
    return [(f"strophe {version}: {name}", of_bridge(scenario, library))
            for version, library in found for name, scenario in scenarios]
