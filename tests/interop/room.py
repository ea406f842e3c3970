"""A room with an archive: what was said before, while we are in, and while we were away; each once, in the room's order."""

import subprocess
import uuid

import services
from client import Listener, expect
from raw import CLIENT, Raw, pump
from servers import ROOMS, USERS

MUC = "http://jabber.org/protocol/muc"


class Occupant(Listener):
    stdin = subprocess.PIPE

    def says(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        self.message(text)  # as the room reflects it

    def joined(self):
        return self.wait_for("the room", lambda o: "occupants" in o)


def enter(place, room):
    """Bob, who makes the room as its default is (XEP-0045, 10.1.2)."""
    bob = Raw(place.server, "bob", USERS["bob"])
    bob.send(f"<presence to='{room}/bob'><x xmlns='{MUC}'/></presence>")
    pump([bob], lambda: any(s.tag == CLIENT + "presence" and s.get("from") == f"{room}/bob" for s in bob.stanzas))
    bob.iq("set", f"<query xmlns='{MUC}#owner'><x xmlns='jabber:x:data' type='submit'/></query>", to=room)
    return bob


def says(bob, room, *bodies):
    for body in bodies:
        bob.message(room, body, "groupchat")
    bob.sent()


def occupant(alice, room):
    who = Occupant(alice.argv("join", room, "--jid", alice.jid, "--limit", "300", extra=("--listen",)))
    who.joined()
    return who


def room_whole(place):
    """Killed in the middle; the judge reads the room's archive by itself."""
    room, alice = f"{uuid.uuid4().hex[:8]}@{ROOMS}", place.account("alice")
    with enter(place, room) as bob:
        says(bob, room, *(f"before {n}" for n in range(120)))
        with occupant(alice, room) as who:
            says(bob, room, "live 0", "live 1")
            who.message("live 1")
            who.says("mine")
            who.kill()
        says(bob, room, *(f"away {n}" for n in range(70)))
        with occupant(alice, room) as who:
            says(bob, room, "live 2")
            who.message("live 2")
            who.says("mine again")
            expect(who.stop() == 0, f"exit code {who.process.returncode}")
        alice.connect()
        want = bob.archive(room)
    code, objects, errors = alice.run([alice.program, "history", "--all", "--archive", room, "--json", "--db", alice.db])
    expect(code == 0, f"history: exit code {code}: {errors}")
    held = [(o["archive_id"], o["body"]) for o in objects]
    expect(len(want) == 195, f"the room's archive has {len(want)} of 195")
    expect(held == want, f"{len(held)} held, {len(want)} in the archive; missing {sorted(set(want) - set(held))[:3]}, "
           f"more {sorted(set(held) - set(want))[:3]}")
    return None


def room_password(place):
    """Given once: a process that died comes back with it, until the room asks for another one."""
    room, alice = f"{uuid.uuid4().hex[:8]}@{ROOMS}", place.account("alice")

    def ask_for(bob, secret):
        fields = {"FORM_TYPE": f"{MUC}#roomconfig", "muc#roomconfig_passwordprotectedroom": "1",
                  "muc#roomconfig_roomsecret": secret}
        form = "".join(f"<field var='{k}'><value>{v}</value></field>" for k, v in fields.items())
        bob.iq("set", f"<query xmlns='{MUC}#owner'><x xmlns='jabber:x:data' type='submit'>{form}</x></query>", to=room)

    with enter(place, room) as bob:
        ask_for(bob, "sesame")
        wrong = services.ask(alice, "room", room, "alice", "wrong")
        expect(not wrong["joined"] and wrong["error"]["condition"] == "not-authorized", f"with a wrong one: {wrong}")
        for command in (("room", room, "alice", "sesame"), ("rooms", "-", "-")):
            came = services.ask(alice, *command)
            expect(came["joined"] and came["room"] == room, f"{command[0]}: {came}")
        ask_for(bob, "simsim")
        came = services.ask(alice, "rooms", "-", "-")
        expect(not came["joined"] and came["error"]["condition"] == "not-authorized", f"with the old one: {came}")


SCENARIOS = [("room, killed within", room_whole), ("room with a password", room_password)]
