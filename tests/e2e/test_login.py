"""Logins: what is asked for and when, certificates, OAuth, second factors, upgrades, downgrades, other hosts."""
import os

import harness
import terminal

WEAK = "SCRAM-SHA-256"
EVERY = ("SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1")


class Login(harness.Case):
    def on_terminal(self, server, *extra, env=None):
        cmd = self.command(server, extra=extra)
        cmd.remove("--json")
        try:
            t = terminal.Terminal(cmd, {**self.env(None), **(env or {})}, columns=100, rows=40)
        except OSError as e:
            print(f"not tested, there is no terminal to be had: {e}", flush=True)
            self.skipTest(str(e))
        self.addCleanup(t.close)
        return t

    def counter(self, server, name):
        return server.say("dump")["counters"].get(name, 0)

    # ---- the password

    def test_the_terminal_is_asked_only_when_nothing_else_will_do(self):
        server = self.serve()
        t = self.on_terminal(server)
        t.until(lambda t: "password:" in t.text())
        t.type("alice-pw\n")
        t.until(lambda t: "mechanism" in t.text() or "SCRAM" in t.text())
        self.assertNotIn("alice-pw", t.text())
        t = self.on_terminal(server)
        t.until(lambda t: "HT-SHA" in t.text())
        self.assertNotIn("password", t.text())

    def test_a_wrong_password_is_asked_for_once_more(self):
        server = self.serve()
        t = self.on_terminal(server)
        t.until(lambda t: "password:" in t.text())
        t.type("wrong\n")
        t.until(lambda t: "once more:" in t.text())
        t.type("alice-pw\n")
        t.until(lambda t: "SCRAM" in t.text())

    def test_a_password_that_was_changed_is_found_out_by_token_and_keys(self):
        server = self.serve()
        self.assertEqual(self.connect(server).summary["token"], "new")
        server.say("user alice new-pw")
        server.say("forget-tokens")
        r = self.connect(server)
        self.assertEqual((r.code, r.error["status"], r.error["condition"], r.error["final"]),
                         (3, "EPODE_EAUTH", "not-authorized", True))
        s = self.connect(server, password="new-pw").summary
        self.assertEqual(s["token"], "new")

    def test_keys_without_the_password_end_where_the_salt_is_new(self):
        server = self.serve("--feature", "fast=off")
        self.connect(server).summary
        server.say("user alice new-pw")
        r = self.connect(server, password=None)
        self.assertEqual((r.error["status"], r.error["final"]), ("EPODE_EAUTH", True))
        self.assertIn("password", r.error["text"])

    # ---- the second factor, upgrades

    def test_a_second_factor_from_the_terminal_and_from_the_variable(self):
        server = self.serve("--feature", "second-factor=123456")
        t = self.on_terminal(server, env={"EPODE_PASSWORD": "alice-pw"})
        t.until(lambda t: "second factor:" in t.text())
        t.type("123456\n")
        t.until(lambda t: "SCRAM" in t.text())
        os.environ["EPODE_SECOND_FACTOR"] = "123456"
        self.addCleanup(os.environ.pop, "EPODE_SECOND_FACTOR", None)
        s = self.connect(server, db=self.db("other.db")).summary
        self.assertEqual(s["token"], "new")
        # Its token stands for both.
        os.environ["EPODE_SECOND_FACTOR"] = "wrong"
        self.assertEqual(self.connect(server, db=self.db("other.db")).summary["token"], "used")
        r = self.connect(server, db=self.db("third.db"))
        self.assertEqual((r.error["status"], r.error["condition"], r.error["final"]),
                         ("EPODE_EAUTH", "not-authorized", True))
        os.environ.pop("EPODE_SECOND_FACTOR")
        r = self.connect(server, db=self.db("third.db"))
        self.assertEqual((r.code, r.error["status"], r.error["final"]), (3, "EPODE_ECANCELLED", True))

    def test_no_stanza_rides_behind_a_login_where_tasks_were_seen(self):
        server = self.serve("--feature", "second-factor=123456", "--feature", "metadata=off", "--feature", "strict=on")
        os.environ["EPODE_SECOND_FACTOR"] = "123456"
        self.addCleanup(os.environ.pop, "EPODE_SECOND_FACTOR", None)
        for _ in range(4):
            s = self.connect(server).summary
            self.assertEqual(s["fallbacks"], [])
            self.assertNotIn("stanzas", [f for f in s["flights"] if "authenticate" in f["held"]][0]["held"])

    def test_an_upgrade_brings_the_stronger_hash(self):
        server = self.serve("--feature", "upgrades=SCRAM-SHA-512", "--feature", "fast=off")
        first = self.connect(server).summary
        self.assertEqual((first["mechanism"], self.counter(server, "upgrades")), ("SCRAM-SHA-256-PLUS", 1))
        self.assertEqual(self.connect(server, password=None).summary["mechanism"], "SCRAM-SHA-512-PLUS")
        self.assertEqual(self.connect(server, db=self.db("other.db")).summary["mechanism"], "SCRAM-SHA-512-PLUS")
        self.assertEqual(self.counter(server, "upgrades"), 1)

    def test_secrets_of_tasks_are_not_logged(self):
        server = self.serve("--feature", "second-factor=123456", "--feature", "upgrades=SCRAM-SHA-512")
        os.environ["EPODE_SECOND_FACTOR"] = "123456"
        self.addCleanup(os.environ.pop, "EPODE_SECOND_FACTOR", None)
        r = self.connect(server, "--verbose", "--verbose")
        self.assertIn("<task-data", r.err)
        self.assertEqual(self.counter(server, "upgrades"), 1)
        for secret in ("123456", "MTIzNDU2", "alice-pw", "</hash>"):
            self.assertNotIn(secret, r.err)

    # ---- certificates and OAuth

    def test_a_certificate_logs_in_over_everything(self):
        server = self.serve("--client-cert", "alice", "--feature", f"mechanisms=EXTERNAL {WEAK}", "--feature", "fast=off",
                            "--feature", "pipelining=on")
        pem = os.path.join(server.dir, "client-alice.pem")
        for sasl2 in ("on", "off"):
            server.feature("sasl2", sasl2)
            for tls in ("direct", "starttls"):
                db = self.db(f"{sasl2}-{tls}.db")
                for _ in range(3):
                    s = self.connect(server, "--cert", pem, password=None, tls=tls, db=db).summary
                    self.assertEqual((s["mechanism"], s["fallbacks"]), ("EXTERNAL", []))
                # RFC 6120's second header and all behind it go in the same write (XEP-0305), STARTTLS with TLS's first.
                self.assertEqual(s["waits"]["xmpp"], 1)

    def test_a_ticket_of_another_certificate_is_not_used(self):
        server = self.serve("--client-cert", "alice", "--feature", f"mechanisms=EXTERNAL {WEAK}", "--feature", "fast=off")
        pem = os.path.join(server.dir, "client-alice.pem")
        self.assertEqual(self.connect(server, "--cert", pem, password=None).summary["mechanism"], "EXTERNAL")
        self.assertTrue(self.connect(server, "--cert", pem, password=None).summary["tls"]["resumed"])
        s = self.connect(server).summary
        self.assertEqual((s["tls"]["resumed"], s["mechanism"]), (False, WEAK))
        self.assertIn({"what": "ticket", "why": "EPODE_ECERT"}, s["fallbacks"])

    def test_files_of_a_certificate_that_cannot_be_used(self):
        server = self.serve("--client-cert", "alice")
        r = self.connect(server, "--cert", os.path.join(self.tmp, "nothing.pem"))
        self.assertEqual((r.code, r.error["status"], r.error["final"]), (1, "EPODE_EINVAL", True))
        r = self.connect(server, "--key", os.path.join(server.dir, "client-alice.pem"))
        self.assertEqual((r.code, r.error["status"]), (1, "EPODE_EINVAL"))

    def test_an_oauth_token(self):
        server = self.serve("--feature", "mechanisms=OAUTHBEARER", "--feature", "oauth-token=good-token", "--feature", "fast=off")
        path = os.path.join(self.tmp, "token")
        for token, code in (("good-token", 0), ("bad-token", 3)):
            with open(path, "w", encoding="utf-8") as f:
                f.write(token + "\n")
            for sasl2 in ("on", "off"):
                server.feature("sasl2", sasl2)
                for _ in range(2):
                    r = self.connect(server, "--oauth-file", path, "--verbose", "--verbose", password=None)
                    self.assertEqual(r.code, code)
                    self.assertNotIn(token, r.err)
        self.assertEqual((r.error["status"], r.error["condition"], r.error["final"]), ("EPODE_EAUTH", "not-authorized", True))
        self.assertIn("invalid_token", r.error["text"])

    # ---- downgrades

    def first_and_later(self, server, fault, value, first):
        """Somebody in between from the beginning, and somebody who comes later."""
        server.fault(fault, value)
        self.assertEqual(self.connect(server, "--no-fast-path", db=self.db("first.db")).error["status"], first)
        server.fault(fault, "off")
        self.connect(server, "--no-fast-path", db=self.db("later.db")).summary
        server.fault(fault, value)
        return self.connect(server, "--no-fast-path", db=self.db("later.db"))

    def test_mechanisms_that_are_taken_out_without_a_hash(self):
        server = self.serve("--feature", "fast=off")
        # At first only the server can notice: our y flag says that we saw none (RFC 5802, 6).
        server.fault("shown-cb-types", "none")
        r = self.first_and_later(server, "shown-mechanisms", "SCRAM-SHA-1", "EPODE_EAUTH")
        self.assertEqual((r.code, r.error["status"], r.error["final"]), (3, "EPODE_EDOWNGRADE", True))
        self.assertGreaterEqual(self.counter(server, "downgrades-detected"), 1)

    def test_mechanisms_that_are_taken_out_with_a_hash(self):
        server = self.serve("--feature", "scram-downgrade-hash=on", "--feature", "fast=off")
        for shown in ("SCRAM-SHA-1-PLUS SCRAM-SHA-1", EVERY, "SCRAM-SHA-1"):
            r = self.first_and_later(server, "shown-mechanisms", shown, "EPODE_EDOWNGRADE")
            self.assertEqual((r.error["status"], r.error["final"]), ("EPODE_EDOWNGRADE", True))

    def test_channel_binding_types_that_are_changed_without_a_hash(self):
        server = self.serve("--feature", "fast=off")
        r = self.first_and_later(server, "shown-cb-types", "tls-bogus", "EPODE_EDOWNGRADE")
        self.assertEqual((r.error["status"], r.error["final"]), ("EPODE_EDOWNGRADE", True))

    def test_channel_binding_types_that_are_changed_with_a_hash(self):
        server = self.serve("--feature", "scram-downgrade-hash=on", "--feature", "fast=off")
        for shown in ("tls-bogus", "tls-server-end-point", "none"):
            r = self.first_and_later(server, "shown-cb-types", shown, "EPODE_EDOWNGRADE")
            self.assertEqual((r.error["status"], r.error["final"]), ("EPODE_EDOWNGRADE", True))

    def test_types_without_mechanisms_are_suspect(self):
        server = self.serve("--feature", "fast=off", "--feature", f"mechanisms={WEAK}")
        server.fault("shown-cb-types", "tls-exporter tls-server-end-point")
        self.assertEqual(self.connect(server).error["status"], "EPODE_EDOWNGRADE")

    def test_the_hash_says_that_a_server_means_it(self):
        server = self.serve("--feature", "scram-downgrade-hash=on")
        for sasl2 in ("on", "off"):
            server.feature("sasl2", sasl2)
            server.feature("mechanisms", EVERY)
            db = self.db(f"{sasl2}.db")
            self.assertEqual(self.connect(server, "--no-fast-path", db=db).summary["mechanism"], "SCRAM-SHA-512-PLUS")
            server.feature("mechanisms", "SCRAM-SHA-1")
            s = self.connect(server, "--no-fast-path", db=db).summary
            self.assertEqual(s["mechanism"], "SCRAM-SHA-1")

    def test_pins_are_forgotten_alone(self):
        server = self.serve("--feature", "fast=off")
        self.connect(server).summary
        server.feature("mechanisms", WEAK)
        self.assertEqual(self.connect(server).error["status"], "EPODE_EDOWNGRADE")
        cmd = [harness.EPODE, "forget", "alice@localhost", "--pins", "--db", self.db(), "--json"]
        r = self.run_command(cmd, None)
        self.assertEqual((r.code, r.objects), (0, [{"facts": False, "token": False, "pins": True, "session": False}]))
        s = self.connect(server).summary
        self.assertEqual(s["mechanism"], WEAK)

    # ---- what may not come before success

    def test_a_stanza_before_success_is_a_protocol_error(self):
        server = self.serve()
        for sasl2 in ("on", "off"):
            server.feature("sasl2", sasl2)
            server.fault("early-stanza", "on")
            r = self.connect(server, db=self.db(f"{sasl2}.db"))
            self.assertEqual((r.code, r.error["status"], r.error["final"]), (6, "EPODE_EPROTO", False))
            self.assertEqual(self.bodies(self.db(f"{sasl2}.db")), [])
            server.fault("early-stanza", "off")
            self.connect(server, db=self.db(f"{sasl2}.db")).summary
            # Nor in front of the answer to a token.
            server.fault("early-stanza", "1")
            r = self.connect(server, db=self.db(f"{sasl2}.db"))
            self.assertEqual([f["why"] for f in r.summary["fallbacks"]], ["EPODE_EPROTO"])

    # ---- other hosts

    def test_another_host_is_followed_within_bounds_and_only_inside_of_tls(self):
        server = self.serve()
        there = self.serve(directory=server.dir)
        server.fault("see-other-host", f"127.0.0.1:{there.direct}")
        s = self.connect(server).summary
        self.assertEqual((s["endpoint"]["port"], s["fallbacks"][0]), (there.direct, {"what": "host", "why": "see-other-host"}))
        # In clear it could be anybody who says so.
        r = self.connect(server, tls="starttls", db=self.db("starttls.db"))
        self.assertEqual((r.code, r.error["status"], r.error["condition"]), (6, "EPODE_ESTREAM", "see-other-host"))
        there.fault("see-other-host", f"127.0.0.1:{server.direct}")
        r = self.connect(server, db=self.db("loop.db"))
        self.assertEqual((r.code, r.error["status"], r.error["condition"]), (6, "EPODE_ELIMIT", "see-other-host"))

    def test_a_session_is_resumed_where_it_is_kept_or_where_discovery_says(self):
        server = self.serve()
        for location, host in ((f"localhost:{server.direct}", "localhost"), ("127.0.0.1:1", "127.0.0.1")):
            server.feature("sm-location", location)
            first = self.listen(server)
            first.ready()
            first.kill()
            s = self.connect(server, "--no-sync").summary
            self.assertTrue(s["resumed"])
            self.assertEqual(s["endpoint"]["host"], host)


if __name__ == "__main__":
    harness.main()
