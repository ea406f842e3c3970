"""Rooms through the program: their archives and what is said live, each message once and in order, whatever is cut."""
import subprocess

import harness

ROOM = "den@rooms.localhost"


class Occupant(harness.Listener):
    """epode join --listen, with a pipe to say something."""
    stdin = subprocess.PIPE

    def says(self, text):
        self.proc.stdin.write(text + "\n")
        self.proc.stdin.flush()

    def joined(self):
        return self.until(lambda o: "occupants" in o)


class Rooms(harness.ArchiveCase):
    def join_command(self, server, jid, *extra):
        return [harness.EPODE, "join", ROOM, "--jid", jid, "--host", "127.0.0.1", "--port", str(server.direct), "--tls",
                "direct", "--ca", server.ca, "--db", self.db(jid + ".db"), "--json", *extra]

    def join(self, server, jid, *extra):
        return self.run_command(self.join_command(server, jid, *extra), jid.split("@")[0] + "-pw")

    def occupant(self, server, jid, *extra):
        who = Occupant(self.join_command(server, jid, "--listen", *extra), self.env(jid.split("@")[0] + "-pw"))

        def end():
            if who.proc.poll() is None:
                who.kill()
            who.proc.stdin.close()
        self.addCleanup(end)
        return who

    def held(self, jid):
        r = self.run_command([harness.EPODE, "history", "--all", "--archive", ROOM, "--json", "--db",
                              self.db(jid + ".db")], None)
        self.assertEqual(r.code, 0, r.err)
        return [(m["archive_id"], m["body"]) for m in r.objects]

    def said(self, server):
        return [(m["id"], m["body"]) for m in self.dump(server, ROOM) if m.get("body")]

    def whole(self, server, *jids):
        """Each store is the room's archive: each message once, in order."""
        want = self.said(server)
        for jid in jids:
            self.assertEqual(self.held(jid), want, jid)

    def serve_room(self, count=0):
        server = self.serve(users=("alice:alice-pw", "bob:bob-pw", "carol:carol-pw"))
        server.say("room-create den")
        if count:
            server.say(f"archive-add {ROOM} dave {count}")
        return server

    def test_history_says_who_said_it_and_knows_a_room_by_its_jid(self):
        server = self.serve_room()
        for nick in ("dave", "eve"):
            server.say(f"room-say {ROOM} {nick} hello")
        self.assertEqual(self.join(server, "alice@localhost").code, 0)
        p = subprocess.run([harness.EPODE, "history", ROOM, "--db", self.db("alice@localhost.db")], capture_output=True, text=True,
                           check=True)
        self.assertEqual([line.split("  ", 1)[1] for line in p.stdout.splitlines()],
                         [f"< {ROOM}/dave: hello", f"< {ROOM}/eve: hello"])

    def test_two_thousand_and_three_who_talk_while_connections_break(self):
        jids = ("alice@localhost", "bob@localhost", "carol@localhost")
        server = self.serve_room(2000)
        present = {jid: self.occupant(server, jid, "--limit", "0") for jid in jids}
        for who in present.values():
            who.joined()
        for n in range(30):
            for jid, who in present.items():
                who.says(f"{jid} {n}")
            if n % 10 == 4:
                server.say("drop-connections hard")
            if n == 15:
                server.say(f"room-forget {ROOM} bob")
                server.say("drop-connections hard")
            if n == 20:
                present["carol@localhost"].kill()
                server.say(f"room-say {ROOM} dave while carol is gone")
                present["carol@localhost"] = self.occupant(server, "carol@localhost")
                present["carol@localhost"].joined()
        for reader in jids:
            for writer in jids:
                if reader != writer:
                    present[reader].message(f"{writer} 29", 40)
        for who in present.values():
            self.assertEqual(who.stop(), 0)
        for jid in jids:
            password = jid.split("@")[0] + "-pw"
            self.assertEqual(self.connect(server, jid=jid, db=self.db(jid + ".db"), password=password).code, 0)
        said = [body for _, body in self.said(server)]
        self.assertEqual(len(said), len(set(said)), "a message was said twice")
        for jid in jids:
            own = [int(body.split()[1]) for body in said if body.startswith(jid)]
            self.assertEqual(own, sorted(own))
        self.whole(server, *jids)

    def test_killed_again_and_again_a_message_is_said_once(self):
        server = self.serve_room(50)
        for n in range(6):
            who = self.occupant(server, "alice@localhost")
            who.joined()
            who.says(f"mine {n}")
            who.message(f"mine {n}")
            server.say(f"room-say {ROOM} bob other {n}")
            who.message(f"other {n}")
            who.kill()
        self.assertEqual(self.join(server, "alice@localhost").code, 0)
        self.connect(server, db=self.db("alice@localhost.db"))
        said = [body for _, body in self.said(server) if body.startswith("mine")]
        self.assertEqual(said, [f"mine {n}" for n in range(6)])
        self.whole(server, "alice@localhost")

    def test_who_is_there_is_printed_and_a_refusal_is_an_error(self):
        server = self.serve_room()
        bob = self.occupant(server, "bob@localhost", "--nick", "builder")
        bob.joined()
        r = self.join(server, "alice@localhost", "--nick", "al")
        self.assertEqual(r.code, 0, r.err)
        told = [o for o in r.objects if "occupants" in o][0]
        self.assertEqual(sorted(o["nick"] for o in told["occupants"]), ["al", "builder"])
        self.assertEqual([o["nick"] for o in told["occupants"] if o["self"]], ["al"])
        r = self.join(server, "carol@localhost", "--nick", "builder")
        self.assertEqual((r.code, r.error["condition"]), (6, "conflict"))
        server.fault("room-refuse", "auth/forbidden")
        r = self.join(server, "carol@localhost")
        self.assertEqual((r.code, r.error["condition"], r.error["final"]), (6, "forbidden", True))

    def test_dropped_without_a_word_the_room_is_joined_again(self):
        server = self.serve_room(10)
        who = self.occupant(server, "alice@localhost")
        who.joined()
        server.say(f"room-forget {ROOM} alice")
        server.say(f"room-say {ROOM} bob unheard")
        server.say("drop-connections hard")
        who.until(lambda o: o.get("change") == "left" and o["left"] == "lost")
        who.until(lambda o: o.get("change") == "joined")
        who.message("unheard")
        server.say(f"room-say {ROOM} bob heard")
        who.message("heard")
        who.stop()
        self.whole(server, "alice@localhost")
        self.assertGreaterEqual(server.say("dump")["counters"]["self-pings"], 1)

    def test_the_accounts_archive_has_no_second_copy(self):
        server = self.serve_room()
        who = self.occupant(server, "alice@localhost")
        who.joined()
        who.says("mine")
        who.message("mine")
        server.say(f"room-say {ROOM} bob yours")
        who.message("yours")
        who.stop()
        self.connect(server, db=self.db("alice@localhost.db"))
        self.assertEqual(sorted(b for b in self.bodies(self.db("alice@localhost.db"))), ["mine", "yours"])


if __name__ == "__main__":
    harness.main()
