"""The archive's query rides behind authentication where the server bears it and does not name the archive's end."""
import harness


class Ahead(harness.Case):
    def warmed(self, *args, db=None):
        server = self.serve("--feature", "metadata=off", *args)
        server.say("archive-add alice@localhost bob@localhost 30")
        # The second start shows that the server bears a login sent ahead; the third may send more.
        self.connect(server, db=db).summary
        self.connect(server, db=db).summary
        return server

    def in_one_flight(self, s):
        self.assertIn("stanzas", s["flights"][-1]["held"])
        self.assertEqual((s["waits"]["xmpp"], s["fallbacks"], s["sm"]), (1, [], True))

    def test_up_to_a_page_of_news_is_there_after_the_same_wait_as_the_session(self):
        server = self.warmed("--rtt", "150")
        self.connect(server).summary
        for n in (0, 1, 40):
            if n:
                server.say(f"archive-add alice@localhost bob@localhost {n}")
            s = self.connect(server).summary
            self.in_one_flight(s)
            self.assertEqual((s["new_messages"], s["holes"]), (n, []))
            # Not a second round trip, which would cost 150 ms.
            self.assertLess(s["synced_ms"] - s["ready_ms"], 140)

    def test_what_rode_along_is_counted_and_the_session_can_be_resumed(self):
        server = self.warmed()
        for n in range(3):
            listener = self.listen(server)
            self.assertIn("stanzas", listener.ready()["flights"][-1]["held"])
            server.message(f"a{n}")
            listener.message(f"a{n}")
            listener.kill()
            server.message(f"b{n}")
            listener = self.listen(server)
            self.assertTrue(listener.ready()["resumed"])
            listener.message(f"b{n}")
            listener.stop()
        got = [b for b in self.bodies() if b[0] in "ab"]
        self.assertEqual(got, ["a0", "b0", "a1", "b1", "a2", "b2"])

    def test_a_strict_server_costs_one_attempt_and_is_remembered(self):
        server = self.warmed()
        server.feature("strict", "on")
        s = self.connect(server).summary
        self.assertEqual([f["what"] for f in s["fallbacks"]], ["stanzas-behind-authentication"])
        s = self.connect(server).summary
        self.assertEqual((s["fallbacks"], s["waits"]["xmpp"]), ([], 1))
        self.assertNotIn("stanzas", s["flights"][-1]["held"])

    def test_a_dead_token_takes_what_rode_behind_it_along_and_nothing_is_lost(self):
        for lenient in ("on", "off"):
            with self.subTest(lenient):
                db = self.db(lenient)
                server = self.warmed("--feature", f"lenient-unauth={lenient}", db=db)
                self.assertIn("stanzas", self.connect(server, db=db).summary["flights"][-1]["held"])
                server.say("forget-tokens")
                server.say("archive-add alice@localhost bob@localhost 3")
                s = self.connect(server, db=db).summary
                self.assertEqual((s["new_messages"], s["sm"], s["token"]), (3, True, "new"))
                server.message("after")
                s = self.connect(server, db=db).summary
                self.assertEqual(s["new_messages"], 1)
                self.assertIn("stanzas", s["flights"][-1]["held"])

    def test_where_the_bind_names_the_end_nothing_is_asked_ahead(self):
        server = self.serve()
        for _ in range(3):
            s = self.connect(server).summary
        self.assertNotIn("stanzas", s["flights"][-1]["held"])

    def test_a_message_in_the_outbox_leaves_on_such_a_start(self):
        server = self.warmed()
        self.connect(server).summary
        for n in range(3):
            cmd = [harness.EPODE, "send", "bob@localhost", f"out-{n}", "--jid", "alice@localhost", "--host", "127.0.0.1",
                   "--port", str(server.direct), "--tls", "direct", "--ca", server.ca, "--db", self.db(), "--json"]
            r = self.run_command(cmd, "alice-pw")
            self.assertEqual(r.objects[-1]["state"], "acknowledged", r.objects)


if __name__ == "__main__":
    harness.main()
