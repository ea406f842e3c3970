"""The roster through the program: read from the store, asked for with the rest, kept over kills."""
import harness


class Roster(harness.Case):
    def contacts(self, db=None):
        r = self.run_command([harness.EPODE, "roster", "--json", "--db", db or self.db()], None)
        self.assertEqual(r.code, 0, r.err)
        return {c["jid"]: (c["name"], c["subscription"]) for c in r.objects}

    def counters(self, server):
        return server.say("dump")["counters"]

    def test_what_connect_brought_is_read_without_a_connection(self):
        server = self.serve()
        server.say("roster-put alice bob@localhost both Bob")
        server.say("roster-put alice carol@localhost to")
        self.connect(server).summary
        want = {"bob@localhost": ("Bob", "both"), "carol@localhost": (None, "to")}
        self.assertEqual(self.contacts(), want)
        server.say("roster-put alice carol@localhost remove")
        server.close()
        self.assertEqual(self.contacts(), want)
        r = self.run_command([harness.EPODE, "roster", "--db", self.db("none.db"), "--json"], None)
        self.assertEqual((r.code, r.error["status"]), (5, "EPODE_ESTORE"))

    def test_the_roster_rides_behind_authentication_and_costs_no_wait(self):
        server = self.serve("--feature", "metadata=off", "--rtt", "50")
        server.say("roster-put alice bob@localhost both Bob")
        for _ in range(2):
            self.connect(server).summary
        server.say("reset-counters")
        server.say("roster-put alice bob@localhost both Robert")
        s = self.connect(server).summary
        self.assertIn("stanzas", s["flights"][-1]["held"])
        self.assertEqual((s["waits"]["xmpp"], s["fallbacks"], s["sm"]), (1, [], True))
        self.assertEqual(self.contacts(), {"bob@localhost": ("Robert", "both")})
        c = self.counters(server)
        self.assertEqual((c.get("roster-gets-with-version"), c.get("rosters-sent")), (1, None))
        self.assertEqual((c.get("disco-domain"), c.get("disco-account")), (None, None))

    def test_killed_before_the_answer_the_next_process_asks_again(self):
        server = self.serve()
        server.say("roster-put alice bob@localhost both Bob")
        server.fault("ignore-iq", "on")
        listener = self.listen(server, "--no-sync")
        listener.until(lambda o: o.get("state") == "connecting")
        for _ in range(200):
            if self.counters(server).get("roster-gets-with-version", 0) + self.counters(server).get("iqs", 0):
                break
        listener.kill()
        server.fault("ignore-iq", "off")
        s = self.connect(server).summary
        self.assertEqual(self.contacts(), {"bob@localhost": ("Bob", "both")})
        self.assertIn(s["resumed"], (True, False))

    def test_killed_again_and_again_the_roster_is_the_servers(self):
        server = self.serve()
        for n in range(6):
            listener = self.listen(server)
            server.say(f"roster-put alice c{n}@localhost both N{n}")
            if n:
                server.say(f"roster-put alice c{n - 1}@localhost remove")
            listener.ready()
            listener.kill()
            server.say(f"roster-put alice d{n}@localhost to")
        self.connect(server).summary
        want = {f"d{n}@localhost": (None, "to") for n in range(6)}
        want["c5@localhost"] = ("N5", "both")
        self.assertEqual(self.contacts(), want)


if __name__ == "__main__":
    harness.main()
