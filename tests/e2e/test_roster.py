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

    def change(self, server, *args, who="alice"):
        cmd = self.command(server, command="roster", db=self.db(who + ".db"), extra=(*args, "--jid", who + "@localhost"))
        return self.run_command(cmd, who + "-pw")

    def test_it_is_changed_from_the_command_line(self):
        server = self.serve()
        r = self.change(server, "add", "bob@localhost", "Bob", "friends", "work")
        self.assertEqual((r.code, len(r.objects)), (0, 1), r.err)
        self.assertEqual((r.objects[0]["name"], r.objects[0]["groups"], r.objects[0]["ask"]), ("Bob", ["friends", "work"], True))
        r = self.change(server, "rename", "bob@localhost", "Robert")
        self.assertEqual((r.objects[0]["name"], r.objects[0]["groups"]), ("Robert", ["friends", "work"]))
        r = self.change(server, "groups", "bob@localhost", "family")
        self.assertEqual((r.objects[0]["name"], r.objects[0]["groups"]), ("Robert", ["family"]))
        self.assertEqual(self.contacts(), {"bob@localhost": ("Robert", "none")})
        self.assertEqual(self.change(server, "add", "alice@localhost", who="bob").objects[0]["ask"], True)
        r = self.change(server, "allow", "bob@localhost")
        self.assertEqual((r.code, r.objects[0]["subscription"]), (0, "from"))
        r = self.change(server, "deny", "bob@localhost")
        self.assertEqual((r.code, r.objects[0]["subscription"]), (0, "none"))
        r = self.change(server, "remove", "bob@localhost")
        self.assertEqual((r.code, r.objects), (0, []))
        self.assertEqual(self.contacts(), {})

    def test_what_cannot_be_changed_is_an_error(self):
        server = self.serve()
        self.assertEqual(self.change(server, "rename", "bob@localhost", "B").error["status"], "EPODE_EINVAL")
        self.assertEqual(self.change(server, "add", "not a jid@").error["status"], "EPODE_EINVAL")
        self.assertEqual(self.change(server, "dance", "bob@localhost").code, 1)
        server.fault("roster-error", "forbidden")
        r = self.change(server, "add", "bob@localhost")
        self.assertEqual((r.code, r.error["status"]), (6, "EPODE_ESTANZA"))

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
