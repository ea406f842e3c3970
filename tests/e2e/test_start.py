"""Starts: cold, warm, resumed; what the client says of its waits, checked from outside."""
import harness


class Start(harness.Case):
    def warm(self, summary, waits):
        self.assertEqual(summary["bind"], "bind2")
        self.assertIn(summary["token"], ("used", "rotated"))
        self.assertTrue(summary["carbons"] and summary["sm"] and summary["csi"])
        self.assertEqual(summary["waits"]["xmpp"], waits)
        self.assertEqual(summary["fallbacks"], [])

    def test_a_second_start_is_ready_in_one_wait_on_direct_tls(self):
        server = self.serve()
        cold = self.connect(server).summary
        self.assertEqual((cold["waits"]["xmpp"], cold["token"]), (3, "new"))
        warm = self.connect(server).summary
        self.warm(warm, 1)
        self.assertTrue(warm["tls"]["resumed"])
        self.assertEqual(warm["waits"], {"total": 3, "dns": 0, "tcp": 1, "tls": 1, "xmpp": 1})

    def test_a_second_start_is_ready_in_two_waits_on_starttls(self):
        server = self.serve()
        self.assertEqual(self.connect(server, tls="starttls").summary["waits"]["xmpp"], 4)
        self.warm(self.connect(server, tls="starttls").summary, 2)

    def test_the_reported_waits_are_those_measured_from_outside(self):
        if harness.is_sanitized():
            print("not measured: a sanitizer's own time would be", flush=True)
            self.skipTest("sanitizers")
        near, far = self.serve(), self.serve("--rtt", "100")
        for tls in ("direct", "starttls"):
            times = {}
            for name, server in (("near", near), ("far", far)):
                # The best of three: what a loaded machine adds is not the protocol's.
                for n in range(3):
                    for start in ("cold", "warm"):
                        s = self.connect(server, tls=tls, db=self.db(f"{name}-{tls}-{n}.db")).summary
                        best = times.setdefault((name, start), s)
                        if s["ready_ms"] < best["ready_ms"]:
                            times[(name, start)] = s
            for start in ("cold", "warm"):
                a, b = times[("near", start)], times[("far", start)]
                self.assertEqual(a["waits"], b["waits"])
                # TCP's own handshake on loopback is not delayed by the server.
                expected = b["waits"]["total"] - b["waits"]["tcp"]
                measured = (b["ready_ms"] - a["ready_ms"]) / 100
                self.assertAlmostEqual(measured, expected, delta=0.3, msg=f"{tls} {start}")

    def test_rfc6120_only_servers_get_the_same_session(self):
        server = self.serve("--feature", "sasl2=off")
        cold = self.connect(server).summary
        self.assertEqual((cold["bind"], cold["carbons"], cold["sm"]), ("rfc6120", True, True))
        warm = self.connect(server).summary
        self.assertEqual((warm["bind"], warm["carbons"], warm["sm"]), ("rfc6120", True, True))
        self.assertEqual(warm["waits"]["xmpp"], 3)

    def test_bind2_without_inline_features_still_has_them_when_ready(self):
        server = self.serve("--feature", "carbons-inline=off", "--feature", "sm-inline=off",
                            "--feature", "csi-inline=off")
        for _ in range(2):
            s = self.connect(server).summary
            self.assertEqual((s["bind"], s["carbons"], s["sm"], s["csi"]), ("bind2", True, True, True))

    def test_what_is_not_had_says_why(self):
        server = self.serve("--feature", "sm=off", "--feature", "csi=off")
        s = self.connect(server, "--no-carbons").summary
        self.assertEqual(s["why_not"], {"carbons": "not-wanted", "sm": "not-offered", "csi": "not-offered"})

    def test_the_first_start_without_password_says_so_and_later_ones_need_none(self):
        server = self.serve()
        r = self.connect(server, password=None)
        self.assertEqual((r.code, r.error["status"], r.error["final"]), (3, "EPODE_EAUTH", True))
        self.assertIn("password", r.error["text"])
        self.connect(server).summary
        self.assertEqual(self.connect(server, password=None).summary["token"], "used")

    def test_plain_needs_leave_and_never_follows_something_stronger(self):
        server = self.serve("--feature", "mechanisms=PLAIN")
        r = self.connect(server)
        self.assertEqual(r.error["status"], "EPODE_EAUTH")
        self.assertEqual(self.connect(server, "--allow-plain", db=self.db("plain.db")).summary["mechanism"], "PLAIN")
        server.feature("mechanisms", "SCRAM-SHA-256 PLAIN")
        self.connect(server, "--no-fast-path", db=self.db("scram.db")).summary
        server.feature("mechanisms", "PLAIN")
        r = self.connect(server, "--allow-plain", "--no-fast-path", db=self.db("scram.db"))
        self.assertEqual((r.error["status"], r.error["final"]), ("EPODE_EDOWNGRADE", True))

    def test_forgetting_what_was_remembered_allows_a_weaker_server(self):
        server = self.serve()
        self.connect(server, "--no-fast-path").summary
        server.feature("mechanisms", "SCRAM-SHA-1")
        self.assertEqual(self.connect(server, "--no-fast-path").error["status"], "EPODE_EDOWNGRADE")
        forget = self.run_command([harness.EPODE, "forget", "alice@localhost", "--facts", "--db", self.db(), "--json"], None)
        self.assertEqual(forget.code, 0)
        self.assertEqual(self.connect(server, "--no-fast-path").summary["mechanism"], "SCRAM-SHA-1")

    def test_tls12_has_its_own_channel_binding(self):
        server = self.serve("--tls12-only")
        for token in ("new", "used"):
            s = self.connect(server).summary
            self.assertEqual((s["tls"]["version"], s["token"]), ("TLSv1.2", token))
            self.assertTrue(s["mechanism"].endswith("-PLUS") or s["mechanism"].startswith("HT-"))

    def test_config_version_is_sent_back_and_a_change_costs_one_negotiation(self):
        server = self.serve("--feature", "config-version=on")
        self.connect(server).summary
        self.assertEqual(self.connect(server).summary["waits"]["xmpp"], 1)
        server.feature("idle-seconds", "600")
        s = self.connect(server).summary
        self.assertEqual(s["waits"]["xmpp"], 2)
        self.assertEqual(s["fallbacks"], [{"what": "pipelined-authentication", "why": "config-version-mismatch"}])
        self.assertEqual(self.connect(server).summary["waits"]["xmpp"], 1)

    def test_tokens_rotate_and_both_work_until_the_new_one_was_used(self):
        server = self.serve("--feature", "token-rotation=always")
        self.assertEqual(self.connect(server).summary["token"], "new")
        for _ in range(4):
            s = self.connect(server).summary
            self.assertEqual((s["token"], s["waits"]["xmpp"]), ("rotated", 1))

    def test_a_token_past_half_of_its_life_is_renewed(self):
        server = self.serve("--feature", "token-seconds=150", "--feature", "token-rotation=never")
        self.assertEqual(self.connect(server).summary["token"], "new")
        self.assertEqual(self.connect(server).summary["token"], "used")


if __name__ == "__main__":
    harness.main()
