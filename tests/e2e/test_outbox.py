"""Outgoing messages through kills: whatever was stored before the process died leaves later, once where the server keeps
an archive, in order, and the store knows its place in it."""
import signal
import sqlite3

import harness

SITES = ("commit-before", "commit-after", "write-before", "write-after")
NO_ARCHIVE = ("--fault", "no-mam=on", "--feature", "account-mam=off", "--feature", "metadata=off")


class Outbox(harness.ArchiveCase):
    def victim(self, server, plan, text, db, to="bob", extra=()):
        """True: it was killed."""
        cmd = self.send(to, server, text, db=db)
        env = self.env("alice-pw")
        env["EPODE_VICTIM"] = plan
        p = harness.Listener([harness.VICTIM] + cmd[1:] + list(extra), env)
        code = p.wait()
        self.assertIn(code, (0, -signal.SIGKILL), p.out.seen + p.err.seen)
        return code != 0

    def sent(self, server, text, db, to="bob", extra=()):
        r = self.run_command(self.send(to, server, text, db=db) + list(extra), "alice-pw")
        self.assertEqual(r.code, 0, r.err)
        self.assertEqual(r.objects[-1]["state"], "acknowledged")

    def stored(self, db, text):
        with sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=5) as c:
            return c.execute("SELECT count(*) FROM message WHERE body = ?", (text,)).fetchone()[0]

    def told(self, server, owner, tag):
        """(body, id) of what the archive has of a scenario, in its order."""
        return [(m["body"], m["message-id"]) for m in self.dump(server, owner) if (m["body"] or "").startswith(tag)]

    def once(self, server, site, k, variant, extra, forget):
        """One kill while a message is sent, then another message: what was stored has left, in order."""
        tag = f"{variant}/{site}/{k}/"
        db = self.db(f"{variant}-{site}.db")
        if k == 1:
            self.connect(server, db=db).summary
        died = self.victim(server, f"{site}:{k}", tag + "1", db, extra=extra)
        kept = self.stored(db, tag + "1")
        self.assertLessEqual(kept, 1)
        if forget:
            server.say("forget-sm")
        self.sent(server, tag + "2", db, extra=extra)
        self.connect(server, *extra, db=db).summary
        want = [tag + "1"] * kept + [tag + "2"]
        for owner in ("alice@localhost", "bob@localhost"):
            self.assertEqual([body for body, _ in self.told(server, owner, tag)], want, owner)
        return died

    def every_kill(self, variant, extra=(), forget=False):
        server = self.serve()
        for site in SITES:
            k = 1
            while self.once(server, site, k, variant, extra, forget):
                k += 1
            print(f"{variant}, {site}: killed at each of {k - 1}", flush=True)
            self.assertGreater(k, 3)
            db = self.db(f"{variant}-{site}.db")
            self.connect(server, "--limit", "0", db=db).summary
            self.same_ids(server, db)

    def same_ids(self, server, db):
        """Everything in the store has its archive id and stands in the archive's order."""
        got = [m["archive_id"] for m in self.history(db)]
        self.assertNotIn(None, got)
        known = set(got)
        self.assertEqual(got, [m["id"] for m in self.dump(server) if m["id"] in known and m.get("body")])

    def test_killed_at_every_commit_and_write_each_message_is_there_once(self):
        self.every_kill("sm")

    def test_the_same_when_the_session_is_lost_in_between(self):
        self.every_kill("lost", forget=True)

    def test_the_same_without_stream_management(self):
        self.every_kill("no-sm", extra=("--no-sm",))

    def test_without_an_archive_each_is_there_at_least_once_under_one_id(self):
        for forget in (False, True):
            server = self.serve(*NO_ARCHIVE)
            for site in SITES:
                db = self.db(f"plain-{forget}-{site}.db")
                self.connect(server, db=db).summary
                k, died = 1, True
                while died:
                    died = self.at_least_once(server, db, f"{site}:{k}", forget)
                    k += 1
                self.assertGreater(k, 3)

    def at_least_once(self, server, db, plan, forget):
        tag = f"{plan}/"
        died = self.victim(server, plan, tag + "1", db)
        kept = self.stored(db, tag + "1")
        if forget:
            server.say("forget-sm")
        self.sent(server, tag + "2", db)
        for owner in ("alice@localhost", "bob@localhost"):
            told = self.told(server, owner, tag)
            first = [n for n, (body, _) in enumerate(told) if body == tag + "1"]
            second = [n for n, (body, _) in enumerate(told) if body == tag + "2"]
            self.assertEqual((len(first) >= 1, len(second)), (kept == 1, 1), told)
            self.assertTrue(not first or max(first) < second[0], told)
            self.assertEqual(len(set(told)), kept + 1, "the id is not the same")
        return died

    def test_what_could_not_leave_leaves_with_the_next_connection_in_order_per_conversation(self):
        server = self.serve(users=("alice:alice-pw", "bob:bob-pw", "carol:carol-pw"))
        db = self.db()
        self.connect(server).summary
        for n in range(6):
            cmd = self.send(("bob", "carol")[n % 2], server, f"late-{n}", db=db)
            cmd[cmd.index("--port") + 1] = "1"
            self.assertEqual(self.run_command(cmd, "alice-pw").code, 2)
        self.sent(server, "last", db)
        self.connect(server).summary
        for owner, want in (("bob", ["late-0", "late-2", "late-4", "last"]), ("carol", ["late-1", "late-3", "late-5"])):
            self.assertEqual([m["body"] for m in self.dump(server, f"{owner}@localhost")], want)
        self.connect(server).summary
        self.equal(server)
        self.assertEqual({m["state"] for m in self.history()}, {"acknowledged"})

    def test_a_connection_alone_takes_along_what_waits(self):
        server = self.serve()
        self.connect(server).summary
        cmd = self.send("bob", server, "waiting", db=self.db())
        cmd[cmd.index("--port") + 1] = "1"
        self.assertEqual(self.run_command(cmd, "alice-pw").code, 2)
        self.connect(server).summary
        self.connect(server).summary
        self.assertEqual([m["body"] for m in self.dump(server, "bob@localhost")], ["waiting"])
        self.equal(server)

    def test_a_cut_at_every_place_of_the_stream_costs_nothing(self):
        server = self.serve()
        db = self.db()
        self.connect(server).summary
        size = max(c["bytes_out"] for c in server.say("dump")["connections"]) if server.say("dump")["connections"] else 6000
        want = []
        for n, at in enumerate(range(200, size + 2000, max(1, size // 25))):
            server.fault("cut-at", f"+1:{at}")
            self.run_command(self.send("bob", server, f"cut-{n}", db=db), "alice-pw")
            server.fault("cut-at", "off")
            want.append(f"cut-{n}")
            if n % 3 == 0:
                server.say("forget-sm")
        self.sent(server, "end", db)
        self.connect(server).summary
        self.assertEqual([m["body"] for m in self.dump(server, "bob@localhost")], want + ["end"])
        self.connect(server).summary
        self.equal(server)

    def test_a_refused_message_says_why(self):
        server = self.serve()
        r = self.run_command(self.send("nobody", server, "x", db=self.db()), "alice-pw")
        self.assertEqual((r.code, r.objects[-1]["state"]), (6, "failed"))
        self.assertEqual([m["reason"] for m in self.history()], ["service-unavailable"])


if __name__ == "__main__":
    harness.main()
