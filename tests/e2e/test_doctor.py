"""epode doctor: each thing that can be wrong is found and named, a login that works is the exit code, and nothing of
the user's is touched."""
import os
import socket
import subprocess

import harness
from dns import Dns

DOMAIN = "example.test"


class Doctor(harness.Case):
    def doctor(self, server, *extra, tls="direct", password="alice-pw", jid="alice@localhost", port=None, ca=None):
        port = port or (server.direct if tls == "direct" else server.starttls)
        cmd = [harness.EPODE, "doctor", jid, "--host", "127.0.0.1", "--port", str(port), "--tls", tls, "--ca", ca or server.ca,
               "--json", *extra]
        return self.report(cmd, password)

    def report(self, cmd, password="alice-pw"):
        r = self.run_command(cmd, password)
        self.assertEqual(len(r.objects), 1, (r.objects, r.err))
        self.assertNotIn("alice-pw", str(r.objects) + r.err)
        return r, r.objects[0]

    def by_name(self, records, ca, *extra, ttl=300, tls="auto"):
        dns = Dns(records, ttl)
        self.addCleanup(dns.close)
        return self.report([harness.EPODE, "doctor", f"alice@{DOMAIN}", "--dns", dns.address, "--ca", ca, "--tls", tls, "--json", *extra])

    def marks(self, o, check):
        return [c["mark"] for c in o["checks"] if c["check"] == check]

    def text(self, o, check):
        return " | ".join(c["text"] for c in o["checks"] if c["check"] == check)

    def finds(self, o, check, mark, *words):
        """One finding of that mark, with these words, and with advice if something is wrong."""
        found = [c for c in o["checks"] if c["check"] == check and c["mark"] == mark]
        self.assertTrue(found, f"no {check} {mark} in {[(c['check'], c['mark'], c['text']) for c in o['checks']]}")
        for word in words:
            self.assertTrue(any(word in c["text"] for c in found), (word, found))
        if mark in ("warn", "bad"):
            self.assertTrue(all(c["advice"] for c in found), found)

    def healthy(self, o, *but):
        wrong = [c for c in o["checks"] if c["mark"] in ("warn", "bad") and c["check"] not in but]
        self.assertEqual(wrong, [])

    def test_a_good_server_has_nothing_wrong_and_each_way_in_works(self):
        server = self.serve("--feature", "mam-page-max=250")
        for tls in ("direct", "starttls"):
            with self.subTest(tls=tls):
                r, o = self.doctor(server, tls=tls)
                self.healthy(o)
                self.assertEqual((r.code, o["login"]), (0, True))
                self.assertEqual([s["path"] for s in o["logins"]], ["login-cold", "login-warm", "login-resumed", "login-rfc6120"])
                cold, warm, resumed, legacy = o["logins"]
                self.assertEqual((cold["bind"], cold["token"]), ("bind2", "new"))
                self.assertIn(warm["token"], ("used", "rotated"))
                self.assertEqual(warm["waits"]["xmpp"], 1 if tls == "direct" else 2)
                self.assertTrue(resumed["resumed"])
                self.assertEqual((legacy["bind"], legacy["token"]), ("rfc6120", "none"))
                for check in ("tls-resumption", "nagle", "sasl2", "bind2", "fast", "channel-binding", "one-wait", "carbons", "sm", "csi",
                              "archive", "certificate-names", "certificate-dates", "certificate-chain"):
                    self.assertEqual(self.marks(o, check), ["ok"], check)
                self.assertEqual(o["counts"]["ok"], sum(c["mark"] == "ok" for c in o["checks"]))

    def test_certificates_that_are_wrong_are_named_for_what_is_wrong(self):
        for kind, check, word in (("expired", "certificate-expired", "ended"), ("foreign", "certificate-name", "foreign.invalid")):
            with self.subTest(kind=kind):
                r, o = self.doctor(self.serve("--cert", kind))
                self.finds(o, check, "bad", word)
                self.finds(o, "login-cold", "bad", "EPODE_ECERT")
                self.assertEqual((r.code, o["login"]), (4, False))
        server, other = self.serve(), self.serve()
        r, o = self.doctor(server, ca=other.ca)
        self.finds(o, "certificate-chain", "bad", "not trusted")
        self.assertEqual(r.code, 4)

    def test_a_certificate_that_ends_soon_is_a_warning(self):
        r, o = self.doctor(self.serve("--cert", "soon"))
        self.finds(o, "certificate-soon", "warn", "days")
        self.assertEqual(r.code, 0)

    def test_one_certificate_behind_two_ports_is_told_once(self):
        server = self.serve("--domain", DOMAIN)
        _, o = self.by_name(self.records(server), server.ca)
        self.assertEqual(len(self.marks(o, "certificate-dates")), 1)
        self.assertEqual(len(self.marks(o, "tls-version")), 2)

    def test_what_a_server_lacks_for_one_wait_is_said(self):
        for switch, check, missing in (("sasl2", "sasl2", "SASL2"), ("bind2", "bind2", "Bind 2"), ("fast", "fast", "FAST"),
                                       ("sm-inline", "resume-inline", "inline resumption"), ("carbons-inline", "bind2", "carbons")):
            with self.subTest(switch=switch):
                r, o = self.doctor(self.serve("--feature", f"{switch}=off"))
                self.finds(o, check, "warn")
                if switch != "sm-inline":
                    self.finds(o, "one-wait", "warn", missing)
                self.assertEqual(r.code, 0)

    def test_what_a_session_lacks_is_said(self):
        r, o = self.doctor(self.serve("--feature", "sm=off", "--feature", "csi=off", "--feature", "carbons=off", "--fault", "no-mam=on"))
        for check in ("sm", "csi", "carbons"):
            self.finds(o, check, "warn", "not-offered" if check != "carbons" else "carbons")
        self.finds(o, "archive", "warn", "no message archive")
        self.finds(o, "private-nodes", "ok")
        _, o = self.doctor(self.serve("--feature", "pep=off"))
        self.finds(o, "private-nodes", "warn", "bookmarks")
        self.assertEqual(r.code, 0)

    def test_what_wakes_phones_is_said(self):
        _, o = self.doctor(self.serve("--feature", "idle-seconds=90"))
        self.finds(o, "battery", "warn", "every 90 s")
        _, o = self.doctor(self.serve())
        self.assertEqual(self.marks(o, "battery"), [])
        self.finds(o, "kept", "ok", "waits 600 s")
        self.finds(o, "dead-links", "note", "8 s after")
        self.finds(o, "push", "ok", "XEP-0357")

    def test_what_ends_with_a_link_is_said(self):
        _, o = self.doctor(self.serve("--feature", "sm-max=60", "--feature", "push=off"))
        self.finds(o, "kept", "warn", "waits 60 s")
        self.finds(o, "push", "warn", "no push")
        _, o = self.doctor(self.serve("--feature", "sm-resume=off"))
        self.finds(o, "kept", "warn", "ends with its link")

    def test_the_archives_page_limit_is_found(self):
        server = self.serve()
        server.say("archive-add alice@localhost bob@localhost 120")
        _, o = self.doctor(server)
        self.finds(o, "archive-page", "warn", "pages of 50 ")

    def test_weak_authentication_is_said(self):
        server = self.serve("--feature", "mechanisms=PLAIN", "--feature", "fast=off")
        r, o = self.doctor(server)
        self.finds(o, "scram", "warn")
        self.finds(o, "login-cold", "bad", "PLAIN")
        self.assertEqual((r.code, o["login"]), (3, False))
        r, o = self.doctor(server, "--allow-plain")
        self.assertEqual((r.code, o["logins"][0]["mechanism"]), (0, "PLAIN"))
        _, o = self.doctor(self.serve("--feature", "mechanisms=SCRAM-SHA-1"))
        self.finds(o, "channel-binding", "warn", "tls-exporter")
        _, o = self.doctor(self.serve("--feature", "mechanisms=SCRAM-SHA-1", "--feature", "cb-list=off"))
        self.finds(o, "channel-binding", "warn", "no channel binding")

    def test_tls_that_costs_more_is_said(self):
        _, o = self.doctor(self.serve("--tls12-only"))
        self.finds(o, "tls-version", "warn", "TLSv1.2")
        _, o = self.doctor(self.serve("--no-tickets"))
        self.finds(o, "tls-no-tickets", "warn")
        _, o = self.doctor(self.serve("--stale-tickets"))
        self.finds(o, "tls-tickets-unusable", "warn", "full handshake")
        _, o = self.doctor(self.serve("--fatal-tickets"))
        self.finds(o, "tls-tickets-fatal", "bad", "alert")
        self.assertFalse(o["logins"][1]["tls"]["resumed"])
        _, o = self.doctor(self.serve("--early-data"))
        self.finds(o, "tls-early-data", "ok", "16384")
        _, o = self.doctor(self.serve("--feature", "tls-0rtt=on"))
        self.finds(o, "tls-early-data", "warn")

    def test_a_servers_nagle_is_found(self):
        _, o = self.doctor(self.serve("--nagle"))
        self.finds(o, "nagle", "warn", "Nagle")

    def test_a_server_that_falls_silent_is_told_from_one_that_is_not_there(self):
        r, o = self.doctor(self.serve("--fault", "silent-after-header=on"), "--timeout", "1")
        self.finds(o, "stream-silent", "bad")
        self.finds(o, "features", "bad")
        self.finds(o, "login-cold", "bad", "EPODE_ETIMEOUT")
        self.assertEqual((r.code, o["login"]), (2, False))
        server = self.serve()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            r, o = self.doctor(server, port=s.getsockname()[1])
            self.finds(o, "tcp", "bad", "refused")
            self.assertEqual((r.code, o["login"]), (2, False))
            s.listen()
            r, o = self.doctor(server, "--timeout", "1", port=s.getsockname()[1])
            self.finds(o, "tls-silent", "bad")
            self.assertEqual(r.code, 2)

    def test_the_wrong_kind_of_port_is_found(self):
        server = self.serve()
        r, o = self.doctor(server, "--timeout", "1", port=server.starttls)
        self.assertTrue(self.marks(o, "tls") + self.marks(o, "tls-silent"))
        self.assertEqual(r.code, 2)

    def test_stream_errors_are_told_with_their_condition(self):
        r, o = self.doctor(self.serve(), jid="alice@elsewhere.test")
        self.finds(o, "stream-error", "bad", "host-unknown")
        self.assertFalse(o["login"])
        self.assertNotEqual(r.code, 0)

    def test_wrong_or_missing_passwords(self):
        server = self.serve()
        r, o = self.doctor(server, password="wrong")
        self.finds(o, "login-cold", "bad", "EPODE_EAUTH")
        self.assertEqual((r.code, o["login"]), (3, False))
        r, o = self.doctor(server, password=None)
        self.finds(o, "login-none", "note", "nothing to log in with")
        self.assertEqual((r.code, o["login"]), (3, False))
        self.healthy(o, "archive-page")

    def test_a_certificate_is_a_way_in_too(self):
        server = self.serve("--client-cert", "alice", "--feature", "mechanisms=EXTERNAL SCRAM-SHA-256", "--feature", "fast=off")
        r, o = self.doctor(server, "--cert", os.path.join(server.dir, "client-alice.pem"), password=None)
        self.assertEqual((r.code, o["login"]), (0, True))
        self.assertEqual({s["mechanism"] for s in o["logins"]}, {"EXTERNAL"})

    def records(self, server, **more):
        out = {(f"_xmpps-client._tcp.{DOMAIN}", "SRV"): [(1, 1, server.direct, f"xmpp.{DOMAIN}")],
               (f"_xmpp-client._tcp.{DOMAIN}", "SRV"): [(2, 1, server.starttls, f"xmpp.{DOMAIN}")],
               (f"xmpp.{DOMAIN}", "A"): ["127.0.0.1"]}
        out.update(more)
        return out

    def test_no_record_and_no_answer_are_told_apart(self):
        server = self.serve("--domain", DOMAIN)
        direct, starttls = (f"_xmpps-client._tcp.{DOMAIN}", "SRV"), (f"_xmpp-client._tcp.{DOMAIN}", "SRV")
        records = self.records(server)
        del records[direct]
        r, o = self.by_name(records, server.ca)
        self.finds(o, "dns-srv-direct", "warn", "no SRV record")
        self.finds(o, "dns-srv-starttls", "ok", f"xmpp.{DOMAIN}", "for 300 s")
        self.assertEqual(r.code, 0)
        records[direct] = "servfail"
        _, o = self.by_name(records, server.ca)
        self.finds(o, "dns-srv-failed", "bad", "SERVFAIL")
        records[direct] = [(0, 0, 0, ".")]
        _, o = self.by_name(records, server.ca)
        self.finds(o, "dns-srv-refused", "note", "not offered")
        records[direct] = "silent"
        _, o = self.by_name(records, server.ca)
        self.finds(o, "dns-srv-failed", "bad", "no answer")
        r, o = self.by_name({}, server.ca)
        self.finds(o, "dns-no-srv", "note")
        self.finds(o, "dns-no-address", "bad", "no such name")
        self.assertEqual((r.code, o["login"]), (2, False))
        self.assertTrue(self.marks(o, "dns-no-address"))

    def test_short_lives_and_dead_addresses_are_found_beside_good_ones(self):
        server = self.serve("--domain", DOMAIN)
        records = self.records(server)
        records[(f"_xmpps-client._tcp.{DOMAIN}", "SRV")].append((5, 1, 1, f"dead.{DOMAIN}"))
        records[(f"dead.{DOMAIN}", "A")] = ["127.0.0.1"]
        r, o = self.by_name(records, server.ca, ttl=30)
        self.finds(o, "dns-ttl", "warn", "30 s")
        self.assertEqual(sorted(self.marks(o, "tcp")), ["bad", "ok", "ok"])
        self.assertEqual(r.code, 0)

    def test_the_guide_shows_what_is_looked_at(self):
        r, o = self.by_name(self.records(server := self.serve("--domain", DOMAIN)), server.ca)
        self.assertEqual(r.code, 0)
        with open(os.path.join(os.path.dirname(__file__), "..", "..", "docs", "seeing.md"), encoding="utf-8") as f:
            shown = f.read()
        missing = {c["area"] for c in o["checks"] if not c["area"].startswith("127.0.0.1")} - set(shown.splitlines())
        self.assertEqual(missing, set(), "docs/seeing.md is of another day")

    def test_the_users_store_is_left_alone(self):
        server = self.serve()
        self.connect(server).summary
        with open(self.db(), "rb") as f:
            before = f.read()
        env = self.env("alice-pw")
        env.update(XDG_DATA_HOME=os.path.join(self.tmp, "data"), HOME=self.tmp)
        for db in ([], ["--db", self.db()]):
            subprocess.run([harness.EPODE, "doctor", "alice@localhost", "--host", "127.0.0.1", "--port", str(server.direct), "--tls",
                            "direct", "--ca", server.ca, "--json", *db], env=env, check=True, capture_output=True, timeout=60)
        self.assertEqual(os.listdir(self.tmp), [os.path.basename(self.db())])
        with open(self.db(), "rb") as f:
            self.assertEqual(f.read(), before)

    def test_people_get_marks_and_advice_and_no_colours_into_a_file(self):
        server = self.serve("--cert", "soon")
        p = subprocess.run([harness.EPODE, "doctor", "alice@localhost", "--host", "127.0.0.1", "--port", str(server.direct), "--tls",
                            "direct", "--ca", server.ca], env=self.env("alice-pw"), capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((p.returncode, p.stderr), (0, ""))
        self.assertNotIn("\033", p.stdout)
        self.assertIn("  warn  the certificate ends in ", p.stdout)
        self.assertIn("\n        -> renew it now", p.stdout)
        self.assertIn("\nA login works: ", p.stdout)

    def test_what_is_no_jid_is_a_usage_error(self):
        r = self.run_command([harness.EPODE, "doctor", "a@b@c", "--json"], "x")
        self.assertEqual((r.code, r.error["status"]), (1, "EPODE_EINVAL"))
        r = self.run_command([harness.EPODE, "doctor", "--json"], "x")
        self.assertEqual(r.code, 1)


if __name__ == "__main__":
    harness.main()
