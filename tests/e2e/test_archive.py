"""Catch-up: what the store holds is what the server's archive holds, each message once, in its order, whatever
happened on the way. The server's archive is read by the server's own dump, the store by epode history."""
import os
import pty
import random
import re
import sqlite3
import subprocess
import time

import harness

SEED = int(os.environ.get("EPODE_SEED", "1"))


class Archive(harness.ArchiveCase):
    def test_a_first_login_gets_everything_when_asked_for_everything(self):
        server = self.filled(1234)
        s = self.connect(server, "--limit", "0").summary
        self.assertEqual((s["new_messages"], s["holes"]), (1234, []))
        self.equal(server)

    def test_a_first_login_within_a_budget_leaves_a_known_hole(self):
        server = self.filled(500)
        s = self.connect(server, "--limit", "100").summary
        self.assertEqual(len(s["holes"]), 1)
        self.assertIsNone(s["holes"][0]["after_id"])
        self.assertEqual(len(self.history()), 100)
        self.equal(server, complete=False)

    def test_with_nothing_new_there_is_no_query_where_the_server_names_the_end(self):
        server = self.filled(30)
        self.connect(server).summary
        server.say("reset-counters")
        s = self.connect(server).summary
        self.assertEqual((s["new_messages"], s["holes"]), (0, []))
        self.assertEqual(server.say("dump")["counters"].get("mam-queries", 0), 0)
        server.feature("metadata", "off")
        server.say("reset-counters")
        self.connect(server).summary
        self.assertEqual(server.say("dump")["counters"]["mam-queries"], 1)

    def test_what_was_missed_is_fetched_whatever_its_size(self):
        server = self.filled(120)
        self.connect(server).summary
        for n in (1, 49, 50, 51, 320):
            server.say(f"archive-add alice@localhost bob@localhost {n}")
            s = self.connect(server).summary
            self.assertEqual((s["new_messages"], s["holes"]), (n, []))
            self.equal(server)

    def test_page_limits_may_change_and_be_small(self):
        server = self.filled(60, "--feature", "mam-page-max=7")
        self.connect(server, "--limit", "0").summary
        self.equal(server)
        server.feature("mam-page-max", "3")
        server.say("archive-add alice@localhost bob@localhost 20")
        self.connect(server).summary
        self.equal(server)

    def test_a_purged_archive_is_begun_anew_however_the_server_says_so(self):
        for way in ("item-not-found", "empty-complete", "from-start", "bad-request"):
            with self.subTest(way):
                server = self.filled(80, "--fault", f"unknown-id={way}")
                db = self.db(way)
                self.connect(server, db=db).summary
                server.say("archive-purge alice@localhost 0")
                server.say("archive-add alice@localhost bob@localhost 130")
                self.connect(server, "--limit", "0", db=db).summary
                now = {m["id"] for m in self.dump(server)}
                got = [m["archive_id"] for m in self.history(db)]
                self.assertEqual([i for i in got if i in now], [m["id"] for m in self.dump(server)])
                self.assertEqual(len(got), len(set(got)))

    def test_forged_and_repeated_results_change_nothing(self):
        server = self.filled(90, "--fault", "mam-forged=all", "--fault", "mam-repeat-page=on")
        self.connect(server, "--limit", "0", timeout=30)
        ids = {m["id"] for m in self.dump(server)}
        self.assertTrue({m["archive_id"] for m in self.history()} <= ids)

    def test_results_without_complete_or_in_the_wrong_order_or_unstable_lose_nothing(self):
        for fault in ("mam-no-complete=on", "mam-stable=false"):
            with self.subTest(fault):
                server = self.filled(110)
                db = self.db(fault)
                self.connect(server, "--limit", "60", db=db).summary
                name, value = fault.split("=")
                server.fault(name, value)
                server.say("archive-add alice@localhost bob@localhost 70")
                self.connect(server, db=db)
                server.fault(name, "off")
                self.connect(server, db=db).summary
                self.equal(server, db, complete=False)

    def test_a_server_that_never_says_complete_is_asked_for_the_start_once(self):
        server = self.filled(110, "--fault", "mam-no-complete=on")
        self.assertTrue(self.connect(server, "--limit", "60").summary["holes"])
        for _ in range(2):  # what is left, and that there is nothing more
            left = self.connect(server, "--fill", "1000").summary["holes"]
        self.assertEqual(left, [])
        self.equal(server)

    def test_a_server_without_an_archive_is_served_with_what_comes_live(self):
        server = self.serve("--fault", "no-mam=on", "--feature", "account-mam=off", "--feature", "metadata=off")
        listener = self.listen(server)
        listener.ready()
        server.message("only-live")
        listener.message("only-live")
        listener.stop()
        self.assertEqual([m["body"] for m in self.history()], ["only-live"])

    def test_live_messages_take_their_place_and_our_own_get_their_ids(self):
        server = self.filled(40)
        listener = self.listen(server)
        listener.ready()
        for n in range(5):
            server.message(f"in-{n}")
            r = self.run_command(self.send("bob", server, f"out-{n}"), "alice-pw")
            self.assertEqual(r.code, 0, r.err)
        listener.message("in-4")
        listener.kill()
        self.connect(server).summary
        self.equal(server)

    def test_what_was_archived_and_not_delivered_is_found(self):
        server = self.filled(10)
        listener = self.listen(server)
        listener.ready()
        server.fault("archive-undelivered", "on")
        server.message("hidden")
        server.fault("archive-undelivered", "off")
        server.message("shown")
        listener.message("shown")
        listener.kill()
        self.connect(server).summary
        self.equal(server)

    def test_killed_at_random_places_of_a_long_catch_up_nothing_is_lost_or_doubled(self):
        rng = random.Random(SEED)
        server = self.filled(3000)
        print(f"EPODE_SEED={SEED}", flush=True)
        for _ in range(50):
            listener = self.listen(server, "--limit", "0")
            time.sleep(rng.uniform(0.005, 0.25))
            if rng.random() < 0.4:
                server.message(f"during-{rng.random()}")
            listener.kill()
            if rng.random() < 0.3:
                server.say("forget-sm")
        s = self.connect(server, "--limit", "0").summary
        self.connect(server, "--limit", "0").summary
        if s["holes"]:
            self.fill(server)
        self.equal(server)

    def fill(self, server):
        """A hole that a killed first login left is filled on demand."""
        for _ in range(100):
            if not self.connect(server, "--fill", "1000").summary["holes"]:
                return

    def test_an_inbox_of_earlier_days_takes_its_place_in_the_archive(self):
        server = self.filled(5)
        self.connect(server).summary
        newest = self.dump(server)[-1]
        with sqlite3.connect(self.db()) as c:
            for n, sid in enumerate((None, newest["id"])):
                mark = f"<stanza-id xmlns='urn:xmpp:sid:0' by='alice@localhost' id='{sid}'/>" if sid else ""
                c.execute("INSERT INTO inbox (owner, archive_id, received_ms, xml) VALUES ('alice@localhost', ?, 5, ?)",
                          (sid, f"<message from='carol@localhost' id='i{n}'><body>old {n}</body>{mark}</message>".encode()))
        c.close()
        self.connect(server).summary
        self.assertEqual([m["body"] for m in self.history() if m["body"].startswith("old")], ["old 0"])
        with sqlite3.connect(self.db()) as c:
            self.assertEqual(c.execute("SELECT count(*) FROM inbox").fetchone(), (0,))
        c.close()

    def test_a_clean_stop_in_the_middle_of_a_long_way_up_leaves_nothing_out(self):
        server = self.filled(300)
        self.connect(server, "--limit", "0").summary
        for n in range(3):
            server.say("archive-add alice@localhost bob@localhost 700")
            # It is stopped as soon as its message is acknowledged, while pages still come in.
            r = self.run_command(self.send("bob", server, f"in between {n}", db=self.db()), "alice-pw")
            self.assertEqual(r.code, 0, r.err)
        self.assertEqual(self.connect(server).summary["holes"], [])
        self.connect(server).summary
        self.equal(server)

    def on_terminal(self, cmd):
        """What a program says to people on standard error."""
        try:
            master, slave = pty.openpty()
        except OSError as e:
            print(f"not tested, there is no terminal to be had: {e}", flush=True)
            self.skipTest(str(e))
        p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave, env=self.env("alice-pw"))
        os.close(slave)
        said = b""
        try:
            while data := os.read(master, 65536):
                said += data
        except OSError:
            pass  # Linux says so when the last writer is gone
        os.close(master)
        self.assertEqual(p.wait(20), 0)
        return said.decode()

    def test_a_long_way_up_says_how_far_it_is(self):
        server = self.filled(100)
        self.connect(server).summary
        server.say("archive-add alice@localhost bob@localhost 900")
        cmd = self.command(server)
        cmd.remove("--json")
        told = [(int(a), int(b)) for a, b in re.findall(r"(\d+) of (\d+) messages", self.on_terminal(cmd))]
        self.assertGreater(len(told), 1)
        # What is read again at the join counts along.
        self.assertTrue(all(900 <= b <= 910 for _, b in told), told)
        self.assertEqual(told, sorted(told))
        self.equal(server)

    def test_what_a_server_inserts_late_below_the_end_is_found(self):
        """Ids are given when a message is routed, rows come later: ejabberd does that."""
        for late, skip in ((20, 5), (60, 80), (200, 300)):
            with self.subTest(late=late, skip=skip):
                server = self.filled(60)
                db = self.db(str(skip))
                # The first fill the time up to now, the others are of one moment.
                server.say("archive-add alice@localhost bob@localhost 100")
                server.say("archive-add alice@localhost bob@localhost 540")
                self.assertEqual(server.say(f"archive-withhold alice@localhost {late} {skip}")["withheld"], late)
                self.connect(server, "--limit", "0", db=db).summary
                self.assertEqual(len(self.history(db)), 700 - late)
                self.assertEqual(server.say("archive-release alice@localhost")["released"], late)
                server.message("the next one")
                self.connect(server, db=db).summary
                self.equal(server, db)

    def test_what_was_inserted_late_is_found_though_the_way_up_was_killed(self):
        server = self.filled(60)
        self.connect(server).summary
        server.say("archive-add alice@localhost bob@localhost 100")
        server.say("archive-add alice@localhost bob@localhost 900")
        server.say("archive-withhold alice@localhost 30 750")
        server.fault("mam-delay", "150")
        server.say("reset-counters")
        listener = self.listen(server)
        while server.say("dump")["counters"].get("mam-queries", 0) < 4:
            pass
        listener.kill()
        server.fault("mam-delay", "0")
        server.say("archive-release alice@localhost")
        server.message("the next one")
        self.assertEqual(self.connect(server, "--limit", "0").summary["holes"], [])
        self.equal(server)

    def test_people_are_shown_no_control_characters(self):
        server = self.serve()
        server.message("one \u009b31m two \u202e three")
        self.connect(server).summary
        for command in (["history", "bob@localhost"], ["search", "two"]):
            p = subprocess.run([harness.EPODE, *command, "--db", self.db()], capture_output=True, text=True, check=True)
            self.assertIn("one ?31m two ? three", p.stdout)

    def test_words_can_be_indexed_another_time(self):
        server = self.serve()
        server.message("needle")
        found = [harness.EPODE, "search", "needle", "--json", "--db", self.db()]
        self.connect(server, "--no-search").summary
        self.assertEqual(self.run_command(found, None).objects, [])
        self.connect(server).summary
        self.assertEqual([m["body"] for m in self.run_command(found, None).objects], ["needle"])

    def test_a_rooms_archive_is_kept_without_joining_it(self):
        server = self.filled(20)
        room = "den@rooms.localhost"
        server.say("room-create den")
        server.say(f"archive-add {room} bob@localhost 230")
        self.connect(server, "--limit", "0", "--follow", room).summary
        server.say("room-say den carol later")
        self.connect(server).summary
        r = self.run_command([harness.EPODE, "history", "--all", "--archive", room, "--json", "--db", self.db()], None)
        self.assertEqual([m["archive_id"] for m in r.objects], [m["id"] for m in self.dump(server, room) if m.get("body")])
        self.assertEqual(r.objects[-1]["body"], "later")
        self.equal(server)

    def test_a_cut_in_the_middle_of_a_page_is_resumed_and_finished(self):
        server = self.filled(400)
        for at in (2500, 4000, 9000, 20000, 33333, 60000):
            db = self.db(f"cut-{at}")
            server.fault("cut-at", f"+1:{at}")
            listener = self.listen(server, "--limit", "0", db=db)
            listener.until(lambda o: o.get("synced_ms") is not None, 30)
            listener.stop()
            server.fault("cut-at", "off")
            self.equal(server, db)


if __name__ == "__main__":
    harness.main()
