"""Servers that change, forget, refuse, fall silent, lie: the next connect succeeds or says what is wrong."""
import time

import harness


class Faults(harness.Case):
    def warmed(self, *args):
        server = self.serve(*args)
        self.connect(server).summary
        return server

    def fell_back(self, summary, what):
        self.assertIn(what, [f["what"] for f in summary["fallbacks"]])

    def test_a_forgotten_token_costs_scram_on_the_same_stream(self):
        server = self.warmed()
        server.say("forget-tokens")
        s = self.connect(server).summary
        self.assertEqual((s["mechanism"][:5], s["token"], s["waits"]["tcp"]), ("SCRAM", "new", 1))
        self.assertEqual(s["fallbacks"], [{"what": "token", "why": "not-authorized"}])
        self.assertEqual(self.connect(server).summary["waits"]["xmpp"], 1)

    def test_an_expired_token_is_not_even_tried_and_keys_do_without_the_password(self):
        server = self.serve("--feature", "token-seconds=30")
        self.connect(server).summary
        s = self.connect(server, password=None).summary
        self.assertEqual((s["mechanism"][:5], s["fallbacks"]), ("SCRAM", []))

    def test_pipelining_that_is_refused_is_given_up_and_remembered(self):
        for mode in ("drop", "error", "hang"):
            with self.subTest(mode):
                server = self.serve()
                db = self.db(f"{mode}.db")
                self.connect(server, db=db).summary
                server.fault("no-pipelining", mode)
                began = time.monotonic()
                s = self.connect(server, db=db).summary
                self.assertLess(time.monotonic() - began, 20)
                self.fell_back(s, "pipelined-authentication")
                again = self.connect(server, db=db).summary
                self.assertEqual((again["fallbacks"], again["waits"]["xmpp"]), ([], 2))

    def test_a_strict_server_is_served_without_a_fallback(self):
        server = self.warmed("--feature", "strict=on")
        self.assertEqual(self.connect(server).summary["waits"]["xmpp"], 1)

    def test_silence_after_the_header_ends_with_the_deadline(self):
        server = self.serve("--fault", "silent-after-header=on")
        r = self.connect(server, "--timeout", "2")
        self.assertEqual((r.code, r.error["status"], r.error["final"]), (2, "EPODE_ETIMEOUT", False))
        self.assertIn("features", r.error["text"])

    def test_a_server_that_lost_sasl2_is_served_by_rfc6120(self):
        server = self.warmed()
        server.feature("sasl2", "off")
        s = self.connect(server).summary
        self.assertEqual(s["bind"], "rfc6120")
        self.assertTrue(s["fallbacks"])
        self.assertEqual(self.connect(server).summary["fallbacks"], [])

    def test_a_server_that_gained_sasl2_is_used_with_it(self):
        server = self.serve("--feature", "sasl2=off")
        self.connect(server).summary
        server.feature("sasl2", "on")
        self.connect(server).summary
        self.assertEqual(self.connect(server).summary["bind"], "bind2")

    def test_a_server_that_lost_fast_or_a_mechanism_is_served_with_what_it_has(self):
        server = self.warmed()
        server.feature("fast", "off")
        self.assertEqual(self.connect(server).summary["mechanism"][:5], "SCRAM")
        server.feature("mechanisms", "SCRAM-SHA-256-PLUS SCRAM-SHA-256")
        self.assertEqual(self.connect(server).summary["mechanism"], "SCRAM-SHA-256-PLUS")

    def test_without_the_servers_proof_there_is_no_session(self):
        for fault in ("wrong-server-signature", "no-server-signature"):
            server = self.serve("--fault", f"{fault}=on")
            self.assertEqual(self.connect(server, db=self.db(fault)).error["status"], "EPODE_EAUTH")
        for fault in ("wrong-responder", "no-responder"):
            server = self.serve()
            self.connect(server, db=self.db(fault)).summary
            server.fault(fault, "on")
            self.assertEqual(self.connect(server, db=self.db(fault)).error["status"], "EPODE_EAUTH")

    def test_failures_that_pass_keep_the_token(self):
        server = self.warmed()
        server.fault("temporary-auth-failure", "on")
        r = self.connect(server)
        self.assertEqual((r.error["status"], r.error["condition"], r.error["final"]),
                         ("EPODE_EAUTH", "temporary-auth-failure", False))
        server.fault("temporary-auth-failure", "off")
        self.assertEqual(self.connect(server).summary["token"], "used")

    def test_conditions_in_a_wrong_namespace_are_understood(self):
        server = self.warmed("--fault", "failure-namespace=on")
        server.say("forget-tokens")
        self.assertEqual(self.connect(server).summary["token"], "new")
        r = self.connect(server, password="wrong", db=self.db("other.db"))
        self.assertEqual((r.error["condition"], r.error["final"]), ("not-authorized", True))

    def test_xml_that_xmpp_forbids_ends_the_stream(self):
        for what in ("malformed", "dtd", "comment", "entity", "pi"):
            with self.subTest(what):
                server = self.serve("--fault", f"inject-features={what}")
                r = self.connect(server, db=self.db(what))
                self.assertEqual((r.code, r.error["status"]), (6, "EPODE_EPROTO"))

    def test_a_second_success_is_a_protocol_error(self):
        server = self.serve("--fault", "second-success=on")
        listener = self.listen(server)
        event = listener.until(lambda o: o.get("state") in ("offline", "connecting") and o["why"])
        self.assertIn("does not belong here", event["why"])
        listener.kill()

    def test_a_lost_session_is_replaced_by_a_new_one(self):
        server = self.serve()
        listener = self.listen(server)
        listener.ready()
        listener.kill()
        server.say("forget-sm")
        s = self.connect(server).summary
        self.assertEqual((s["bind"], s["resumed"], s["waits"]["xmpp"]), ("bind2", False, 1))
        self.fell_back(s, "resumption")

    def test_a_count_that_cannot_be_right_ends_the_old_session_for_good(self):
        server = self.serve()
        listener = self.listen(server)
        listener.ready()
        listener.kill()
        server.fault("sm-h-offset", "1000")
        listener = self.listen(server)
        listener.until(lambda o: o.get("why") and "count" in o["why"])
        server.fault("sm-h-offset", "0")
        self.assertEqual(listener.ready()["bind"], "bind2")
        listener.kill()

    def test_a_connection_that_is_cut_is_made_again_and_resumed(self):
        server = self.serve()
        listener = self.listen(server)
        listener.ready()
        for n in range(3):
            server.say("drop-connections hard")
            server.message(f"while-away-{n}")
            again = listener.ready()
            self.assertTrue(again["resumed"])
            listener.message(f"while-away-{n}")
        listener.stop()
        self.assertEqual(self.bodies(), [f"while-away-{n}" for n in range(3)])

    def test_a_cut_at_any_place_of_the_start_is_survived(self):
        server = self.serve()
        self.connect(server).summary
        for at in range(1, 2600, 97):
            server.fault("cut-at", f"+1:{at}")
            r = self.connect(server)
            if not any("bind" in o for o in r.objects):
                self.assertIn(r.error["status"], ("EPODE_ECONNECT", "EPODE_ETLS"), f"cut at {at}: {r.objects}")
                self.assertFalse(r.error["final"])
            server.fault("cut-at", "off")
            self.connect(server).summary

    def test_two_clients_of_one_installation_do_not_fight(self):
        server = self.serve()
        first = self.listen(server)
        first.ready()
        r = self.connect(server)
        self.assertEqual((r.code, r.error["status"]), (5, "EPODE_EBUSY"))
        first.stop()


if __name__ == "__main__":
    harness.main()
