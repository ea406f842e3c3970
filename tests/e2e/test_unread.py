"""What is read, on several devices; and what others say about it in the account's name, which changes nothing."""
import os
import re
import sqlite3
import threading

import harness


class Unread(harness.ArchiveCase):
    def unread(self, db=None, peer="bob@localhost"):
        r = self.run_command([harness.EPODE, "unread", "--json", "--db", db or self.db()], None)
        for o in r.objects:
            if o["peer"] == peer:
                return o["count"], o["at_least"]
        return 0, False

    def chat(self, server, text="", db=None, jid="alice", peer="bob@localhost"):
        """Shows the conversation, which marks it as displayed."""
        cmd = [harness.EPODE, "chat", peer, "--jid", f"{jid}@localhost", "--host", "127.0.0.1", "--port",
               str(server.direct), "--tls", "direct", "--ca", server.ca, "--db", db or self.db(), "--json"]
        r = self.run_command(cmd, f"{jid}-pw")
        self.assertEqual((r.code, text), (0, ""), r.err)
        return r.objects

    def tell(self, server, *bodies, sender="bob@localhost"):
        for body in bodies:
            server.message(body, sender=sender)

    def test_what_one_device_displayed_is_read_on_the_other(self):
        server = self.serve()
        one, two = self.db("one.db"), self.db("two.db")
        for db in (one, two):
            self.connect(server, db=db).summary
        self.tell(server, "a", "b", "c")
        for db in (one, two):
            self.connect(server, db=db).summary
            self.assertEqual(self.unread(db), (3, False))
        self.chat(server, db=one)
        self.assertEqual(self.unread(one), (0, False))
        self.tell(server, "d", "e")
        for db in (one, two):
            self.connect(server, db=db).summary
        self.assertEqual(self.unread(one), (2, False))
        self.assertEqual(self.unread(two), self.unread(one))

    def test_a_device_that_is_connected_learns_it_at_once(self):
        server = self.serve()
        two = self.db("two.db")
        listener = self.listen(server, "--tag", "two", db=two)
        listener.ready()
        self.tell(server, "a", "b")
        listener.message("b")
        # The position is an archive id: the listening device has it with the message.
        self.chat(server)
        self.tell(server, "c")
        listener.message("c")
        self.assertEqual(self.unread(two), (1, False))
        listener.stop()

    def test_a_position_published_by_any_client_counts(self):
        server = self.filled(300)
        self.connect(server, "--limit", "0").summary
        ids = [m["id"] for m in self.dump(server)]
        came = [m["from"].startswith("bob@") for m in self.dump(server)]
        for at in (250, 260, 299):
            server.say(f"mds-publish alice bob@localhost {ids[at]}")
            self.connect(server).summary
            self.assertEqual(self.unread(), (sum(came[at + 1:]), False))
        server.say(f"mds-publish alice bob@localhost {ids[100]}")
        self.connect(server).summary
        self.assertEqual(self.unread(), (0, False), "a position went backwards")

    def test_with_a_position_below_what_is_held_the_number_is_a_lower_bound(self):
        server = self.filled(300)
        ids = [m["id"] for m in self.dump(server)]
        came = [m["from"].startswith("bob@") for m in self.dump(server)]
        server.say(f"mds-publish alice bob@localhost {ids[100]}")
        self.connect(server, "--limit", "0", db=self.db("whole.db")).summary
        self.connect(server, "--limit", "50", db=self.db("part.db")).summary
        held = len(self.history(self.db("part.db")))
        self.assertLess(held, 120)
        self.assertEqual(self.unread(self.db("whole.db")), (sum(came[101:]), False))
        self.assertEqual(self.unread(self.db("part.db")), (sum(came[-held:]), True))
        # With the hole filled down to the position both agree.
        self.connect(server, "--fill", "250", db=self.db("part.db")).summary
        self.assertEqual(self.unread(self.db("part.db")), self.unread(self.db("whole.db")))

    def test_our_own_answer_and_other_conversations_do_not_count(self):
        server = self.serve(users=("alice:alice-pw", "bob:bob-pw", "carol:carol-pw"))
        self.connect(server).summary
        self.tell(server, "a", "b")
        self.tell(server, "x", sender="carol@localhost")
        self.connect(server).summary
        self.assertEqual((self.unread(), self.unread(peer="carol@localhost")), ((2, False), (1, False)))
        self.chat(server)
        self.assertEqual((self.unread(), self.unread(peer="carol@localhost")), ((0, False), (1, False)))

    def test_forged_events_carbons_and_ids_change_nothing(self):
        for account_sid in ("on", "off"):
            with self.subTest(account_sid=account_sid):
                server = self.serve("--feature", f"account-sid={account_sid}")
                db = self.db(f"forged-{account_sid}.db")
                listener = self.listen(server, db=db)
                listener.ready()
                self.tell(server, "a", "b")
                listener.message("b")
                before = self.unread(db)
                ids = [m["id"] for m in self.dump(server)]
                for kind in ("forged-pep", "forged-carbon", "forged-mam", "forged-stanza-id"):
                    server.say(f"inject {kind} alice")
                for forger in ("mallory@localhost", "bob@localhost", "localhost"):
                    server.say(f"mds-forge {forger} alice bob@localhost {ids[-1]}")
                self.tell(server, "c")
                listener.message("c")
                self.assertEqual((before[0], self.unread(db)[0]), (2, 3))
                listener.stop()
                # What says "forged id" came as any message of mallory's; its id names nothing of ours.
                shown = [(m["peer"], m["body"], m["archive_id"]) for m in self.history(db)]
                self.assertEqual([s[1] for s in shown if s[0] == "bob@localhost"], ["a", "b", "c"])
                self.assertNotIn("forged-stanza-id", [s[2] for s in shown])
                self.connect(server, db=db).summary
                mine = [m["archive_id"] for m in self.history(db) if m["peer"] == "bob@localhost" and m["archive_id"]]
                self.assertEqual(mine, [m["id"] for m in self.dump(server)])

    def test_what_came_live_without_an_id_is_there_once_when_the_archive_is_read(self):
        for feature in ("account-sid=off", "stanza-id=off"):
            server = self.serve("--feature", feature)
            db = self.db(f"{feature}.db")
            listener = self.listen(server, db=db)
            listener.ready()
            self.tell(server, "a", "b")
            listener.message("b")
            listener.stop()
            self.connect(server, db=db).summary
            self.equal(server, db)

    def test_ids_in_our_name_that_the_server_lets_through_are_not_believed(self):
        server = self.serve("--feature", "account-sid=off", "--feature", "strip-stanza-id=off", "--feature",
                            "stanza-id=off")
        listener = self.listen(server)
        listener.ready()
        self.tell(server, "true")
        listener.message("true")
        server.fault("forged-stanza-id", "on")
        self.tell(server, "lie")
        listener.message("lie")
        listener.stop()
        server.fault("forged-stanza-id", "off")
        self.connect(server).summary
        self.equal(server)

    def test_equal_ids_of_a_sender_lose_nothing(self):
        """Ids and origin-ids are chosen by senders: two messages with the same ones are two messages."""
        server = self.filled(60)
        # Nothing of ours is waiting: what the archive holds is only read.
        with sqlite3.connect(os.path.join(server.dir, "state.db"), timeout=10) as c:
            for row, xml in c.execute("SELECT pos, xml FROM archive").fetchall():
                xml = re.sub(r" id='[mo]\d+-\w+'", " id='same'", xml)
                c.execute("UPDATE archive SET msgid = 'same', xml = ? WHERE pos = ?", (xml, row))
        c.close()
        self.connect(server, "--limit", "0").summary
        self.equal(server)
        self.assertEqual({m["id"] for m in self.history()}, {"same"})
        self.assertEqual(len(self.history()), 60)

    def test_two_devices_and_a_peer_send_during_a_long_catch_up(self):
        server = self.filled(2000)
        one, two, bob = self.db("one.db"), self.db("two.db"), self.db("bob.db")
        listeners = [self.listen(server, "--limit", "0", "--tag", name, db=db) for name, db in
                     (("one", one), ("two", two))]

        def chatter(jid, to, db):
            for n in range(15):
                r = self.run_command(self.send(to, server, f"{db[-8:]}-{n}", jid=f"{jid}@localhost", db=db) +
                                     ["--tag", db[-6:-3]], f"{jid}-pw")
                self.assertEqual(r.code, 0, r.err)
        threads = [threading.Thread(target=chatter, args=a) for a in
                   (("alice", "bob", self.db("third.db")), ("bob", "alice", bob))]
        for t in threads:
            t.start()
        for listener in listeners:
            listener.until(lambda o: o.get("synced_ms") is not None, 60)
        for t in threads:
            t.join()
        self.chat(server, db=self.db("third.db"))
        for listener in listeners:
            listener.stop()
        for db in (one, two, self.db("third.db")):
            self.connect(server, "--limit", "0", db=db).summary
        for db in (one, two):
            self.equal(server, db)
        # The third began in the middle and was gone each time before it had read all: there are holes.
        third = self.history(self.db("third.db"))
        self.assertEqual(sum(m["outgoing"] and m["archive_id"] is None for m in third), 0)
        self.assertEqual(sum((m["body"] or "").startswith("third.db-") for m in third), 15)
        held = {m["archive_id"] for m in third}
        self.assertEqual([m["archive_id"] for m in third], [m["id"] for m in self.dump(server) if m["id"] in held])
        for owner in ("alice@localhost", "bob@localhost"):
            bodies = [m["body"] for m in self.dump(server, owner) if m["body"] and m["body"][0] != "#"]
            self.assertEqual(len(bodies), len(set(bodies)))
            self.assertEqual([b for b in bodies if b.startswith("third.db")], [f"third.db-{n}" for n in range(15)])


if __name__ == "__main__":
    harness.main()
