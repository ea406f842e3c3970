"""Upload slots (XEP-0363) and push registration (XEP-0357): what the server gives and keeps is good for what it is for."""

import json
import os
import ssl
import subprocess
import urllib.request
import uuid

from client import TIMEOUT_S, expect
from raw import CLIENT, Raw, pump
from roster import facts
from servers import LARGEST, UPLOAD, USERS

PUBSUB = "{http://jabber.org/protocol/pubsub}"


def ask(account, *what):
    """What tests/interop/services.c prints of it."""
    program = os.path.join(os.path.dirname(os.path.dirname(account.program)), "tests", "epode-services")
    server = account.server
    argv = [program, account.jid, account.db, server.addresses[0], str(server.direct), server.ca, *map(str, what)]
    with open(account.password_file) as f:
        env = {**os.environ, "EPODE_PASSWORD": f.read().strip()}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=TIMEOUT_S + 30)
    expect(done.returncode == 0, f"{what}: exit code {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def http(place, method, url, data=None, headers=None):
    request = urllib.request.Request(url, data, headers or {}, method=method)
    with urllib.request.urlopen(request, timeout=30, context=ssl.create_default_context(cafile=place.server.ca)) as answer:
        return answer.status, answer.read()


def upload_slot(place):
    """A file put where the slot says is there to be got; what is too large is refused as that."""
    alice, file = place.account("alice"), uuid.uuid4().hex.encode() * 100
    for _ in range(2):  # the service is found, then remembered
        slot = ask(alice, "slot", "très cool & so on.txt", len(file))
        expect(slot.get("put") and slot.get("get") and slot["service"] == UPLOAD, f"the slot is {slot}")
        expect(slot["max"] == LARGEST, f"the largest file is {slot['max']}")
        status, _ = http(place, "PUT", slot["put"], file, {**slot["headers"], "Content-Type": "text/plain"})
        expect(status in (200, 201), f"PUT: {status}")
        status, got = http(place, "GET", slot["get"])
        expect(status == 200 and got == file, f"GET: {status}, {len(got)} of {len(file)} bytes")
        expect("upload" in facts(alice, "service"), "the service is not remembered")
    for account in (alice, place.account("alice")):  # by the service, and by what it said of itself
        large = ask(account, "slot", "large", LARGEST + 1)
        expect(large["error"]["status"] == "EPODE_ELIMIT" and large["max"] == LARGEST, f"too large: {large}")


def notified(bob, node):
    """The notification for this node, as it came."""
    for iq in bob.stanzas:
        publish = iq.find(f"{PUBSUB}pubsub/{PUBSUB}publish") if iq.tag == CLIENT + "iq" else None
        if publish is not None and publish.get("node") == node:
            return iq
    return None


def push_registration(place):
    """Who is registered is notified of what comes while nobody is there; who is not any more is not. Bob is the service."""
    alice, first, second = place.account("alice"), uuid.uuid4().hex, uuid.uuid4().hex
    with Raw(place.server, "bob", USERS["bob"]) as bob, Raw(place.server, "carol", USERS["carol"]) as carol:

        def expect_push(node):
            carol.message(alice.jid, f"for {node}")
            carol.sent()
            pump([bob], lambda: notified(bob, node) is not None)
            return notified(bob, node)

        answer = ask(alice, "push", bob.full, first, "the secret")
        expect(answer["done"], f"push: {answer}")
        values = [v.text for v in expect_push(first).iter("{jabber:x:data}value")]
        expect("the secret" in values, f"the publish options came as {values}")
        expect(ask(alice, "push", bob.full, second, "another")["done"], "a second registration was refused")
        answer = ask(alice, "unpush", bob.full, first)
        expect(answer["done"], f"unpush: {answer}")
        bob.stanzas.clear()
        expect_push(second)
        expect(notified(bob, first) is None, "notified of what was withdrawn")
        expect(ask(alice, "unpush", bob.full, second)["done"], "the second could not be withdrawn")
        alice.connect()


SCENARIOS = [
    ("upload slot", upload_slot),
    ("push registration", push_registration),
]
