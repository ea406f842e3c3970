"""What goes wrong outside of XMPP: each a typed error with one line of text, within its deadline."""
import os
import socket
import sqlite3
import threading
import time

import harness
from dns import Dns

DOMAIN = "example.test"


class Errors(harness.Case):
    def fails(self, result, code, status, final=None, text=None):
        self.assertEqual((result.code, result.error["status"]), (code, status), result.error)
        self.assertEqual(len(result.err.strip().splitlines()), 1, result.err)
        if final is not None:
            self.assertEqual(result.error["final"], final)
        if text:
            self.assertIn(text, result.error["text"])

    def at(self, host, port, *extra, ca="/nonexistent", jid="alice@localhost", db=None, password="alice-pw"):
        cmd = [harness.EPODE, "connect", jid, "--db", db or self.db(), "--json", "--ca", ca, "--tls", "direct"]
        if host:
            cmd += ["--host", host, "--port", str(port)]
        return self.run_command(cmd + list(extra), password)

    def by_name(self, records, ca, *extra, jid=f"alice@{DOMAIN}", db=None):
        dns = Dns(records)
        self.addCleanup(dns.close)
        cmd = [harness.EPODE, "connect", jid, "--db", db or self.db(), "--json", "--ca", ca, "--dns", dns.address]
        began = time.monotonic()
        result = self.run_command(cmd + list(extra), "alice-pw")
        return result, dns, time.monotonic() - began

    def test_a_wrong_password_is_final(self):
        server = self.serve()
        self.fails(self.connect(server, password="wrong"), 3, "EPODE_EAUTH", True, "password")
        listener = self.listen(server, password="wrong", db=self.db("other.db"))
        self.assertEqual(listener.wait(10), 3)

    def test_an_expired_or_foreign_certificate_is_final(self):
        for kind, text in (("expired", "expired"), ("foreign", "localhost")):
            server = self.serve("--cert", kind)
            for tls in ("direct", "starttls"):
                self.fails(self.connect(server, tls=tls, db=self.db(kind)), 4, "EPODE_ECERT", True)

    def test_an_authority_that_is_not_trusted_is_refused(self):
        server, other = self.serve(), self.serve()
        self.fails(self.at("127.0.0.1", server.direct, ca=other.ca), 4, "EPODE_ECERT", True)

    def test_a_server_that_ends_handshakes_for_tickets_is_met_without_them(self):
        early = ("--early-data", "--no-anti-replay", "--feature", "tls-0rtt=on")
        for options in ((), ("--tls12-only",), early):
            server, db = self.serve("--fatal-tickets", *options), self.db(f"{len(options)}.db")
            for how in ("direct", "starttls"):
                with self.subTest(options=options, how=how):
                    cold, warm, next = (self.connect(server, db=db, tls=how).summary for _ in range(3))
                    if how == "direct":
                        # What left with the ClientHello is said again with the next count.
                        lost = ["early-data"] if options == early else []
                        self.assertEqual([f["what"] for f in warm["fallbacks"]], ["ticket"] + lost)
                        self.assertEqual((warm["waits"]["tcp"], warm["waits"]["tls"] - cold["waits"]["tls"]), (2, 1))
                    # It is remembered: neither asked for nor used.
                    self.assertEqual((next["fallbacks"], next["waits"]["tcp"], next["tls"]["resumed"]), ([], 1, False))

    def test_a_ticket_from_another_trust_is_not_used(self):
        first, second = self.serve(), self.serve()
        self.connect(first).summary
        s = self.connect(second).summary
        self.assertFalse(s["tls"]["resumed"])
        self.assertIn("ticket", [f["what"] for f in s["fallbacks"]])
        # And with the old trust the new server is refused, ticket or not.
        self.fails(self.at("127.0.0.1", second.direct, ca=first.ca), 4, "EPODE_ECERT", True)

    def test_a_closed_port_is_refused_at_once(self):
        server = self.serve()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            began = time.monotonic()
            self.fails(self.at("127.0.0.1", s.getsockname()[1], ca=server.ca), 2, "EPODE_ECONNECT", False)
            self.assertLess(time.monotonic() - began, 10)  # far from the deadline that is the default

    def test_a_server_that_says_nothing_costs_the_deadline_and_no_more(self):
        server = self.serve()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            began = time.monotonic()
            self.fails(self.at("127.0.0.1", s.getsockname()[1], "--timeout", "1", ca=server.ca), 2, "EPODE_ETIMEOUT", False)
            self.assertLess(time.monotonic() - began, 10)

    def test_something_else_than_tls_is_a_tls_error(self):
        server = self.serve()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()

            def answer():
                c, _ = s.accept()
                c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                time.sleep(0.2)
                c.close()
            threading.Thread(target=answer, daemon=True).start()
            self.fails(self.at("127.0.0.1", s.getsockname()[1], ca=server.ca), 2, "EPODE_ETLS", False)

    def test_names_that_do_not_exist_or_cannot_be_asked(self):
        server = self.serve("--domain", DOMAIN)
        r, _, _ = self.by_name({}, server.ca)
        self.fails(r, 2, "EPODE_EDNS")
        broken = {(f"_xmpps-client._tcp.{DOMAIN}", "SRV"): "servfail", (f"_xmpp-client._tcp.{DOMAIN}", "SRV"): "servfail",
                  (DOMAIN, "A"): ["127.0.0.1"]}
        r, _, _ = self.by_name(broken, server.ca)
        self.fails(r, 2, "EPODE_EDNS", False)
        none = {(f"_xmpps-client._tcp.{DOMAIN}", "SRV"): [(0, 0, 0, ".")],
                (f"_xmpp-client._tcp.{DOMAIN}", "SRV"): [(0, 0, 0, ".")]}
        r, _, _ = self.by_name(none, server.ca)
        self.fails(r, 2, "EPODE_EDNS")
        silent = {(f"_xmpps-client._tcp.{DOMAIN}", "SRV"): "silent", (f"_xmpp-client._tcp.{DOMAIN}", "SRV"): "silent"}
        r, _, took = self.by_name(silent, server.ca, "--timeout", "2")
        self.assertIn(r.error["status"], ("EPODE_EDNS", "EPODE_ETIMEOUT"))
        self.assertLess(took, 4)

    def records(self, server, addresses):
        out = {(f"_xmpps-client._tcp.{DOMAIN}", "SRV"): [(1, 1, server.direct, f"xmpp.{DOMAIN}")],
               (f"_xmpp-client._tcp.{DOMAIN}", "SRV"): [(2, 1, server.starttls, f"xmpp.{DOMAIN}")]}
        for kind, values in addresses.items():
            out[(f"xmpp.{DOMAIN}", kind)] = values
        return out

    def test_discovery_is_remembered_between_processes(self):
        server = self.serve("--domain", DOMAIN)
        records = self.records(server, {"A": ["127.0.0.1"]})
        r, dns, _ = self.by_name(records, server.ca)
        self.assertEqual((r.summary["endpoint"]["port"], r.summary["waits"]["dns"]), (server.direct, 2))
        self.assertIn((f"_xmpps-client._tcp.{DOMAIN}", "SRV"), dns.asked)
        r, dns, _ = self.by_name(records, server.ca)
        self.assertEqual((r.summary["waits"]["dns"], r.summary["waits"]["xmpp"]), (0, 1))
        self.assertEqual(dns.asked, [])

    def test_a_black_hole_in_one_family_or_target_costs_a_moment(self):
        server = self.serve("--domain", DOMAIN)
        with socket.socket(socket.AF_INET6) as hole:
            hole.bind(("::1", server.direct))
            hole.listen(0)
            fill = []
            for _ in range(3):
                s = socket.socket(socket.AF_INET6)
                s.setblocking(False)
                s.connect_ex(("::1", server.direct))
                fill.append(s)
            time.sleep(0.1)
            r, _, took = self.by_name(self.records(server, {"A": ["127.0.0.1"], "AAAA": ["::1"]}), server.ca)
            self.assertEqual(r.summary["endpoint"]["address"], "127.0.0.1")
            self.assertLess(took, 5)
            for s in fill:
                s.close()

    def test_a_dead_first_target_is_passed_over(self):
        server = self.serve("--domain", DOMAIN)
        records = self.records(server, {"A": ["127.0.0.1"]})
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            records[(f"_xmpps-client._tcp.{DOMAIN}", "SRV")].insert(0, (0, 1, s.getsockname()[1], f"dead.{DOMAIN}"))
            records[(f"dead.{DOMAIN}", "A")] = ["127.0.0.1"]
            r, _, _ = self.by_name(records, server.ca)
            self.assertEqual(r.summary["endpoint"]["port"], server.direct)

    def test_an_international_domain_is_found_and_verified(self):
        server = self.serve("--domain", "xn--bcher-kva.test", "--feature", "sasl2=on")
        dns = {("_xmpps-client._tcp.xn--bcher-kva.test", "SRV"): [(1, 1, server.direct, "host.test")],
               ("host.test", "A"): ["127.0.0.1"]}
        r, asked, _ = self.by_name(dns, server.ca, jid="alice@bücher.test")
        self.assertIn(("_xmpps-client._tcp.xn--bcher-kva.test", "SRV"), asked.asked)
        # The server of the tests knows itself by the A-label only: TLS and certificate are right, the host is not.
        self.assertNotEqual(r.error["status"], "EPODE_ECERT")

    def test_files_that_are_no_store_are_left_alone(self):
        server = self.serve()
        cases = {"text": (b"this is no database, and must survive\n" * 200, "EPODE_ESTORE_CORRUPT")}
        path = self.db("newer.db")
        self.connect(server, db=path).summary
        with sqlite3.connect(path) as c:
            c.execute("PRAGMA user_version=9999")
        c.close()
        with open(path, "rb") as f:
            cases["newer"] = (f.read(), "EPODE_ESTORE_NEWER")
        for name, (content, status) in cases.items():
            path = self.db(f"{name}.db")
            with open(path, "wb") as f:
                f.write(content)
            self.fails(self.connect(server, db=path), 5, status)
            with open(path, "rb") as f:
                self.assertEqual(f.read(), content)
        self.fails(self.connect(server, db="/nonexistent/x.db"), 5, "EPODE_ESTORE")

    def test_the_store_is_for_its_owner_alone_and_no_secret_is_logged(self):
        server = self.serve()
        old = os.umask(0)
        try:
            self.connect(server).summary
        finally:
            os.umask(old)
        self.assertEqual(os.stat(self.db()).st_mode & 0o777, 0o600)
        with sqlite3.connect(self.db()) as c:
            secrets = [bytes(v) if isinstance(v, bytes) else v.encode() for (v,) in c.execute("SELECT data FROM secret")]
        r = self.connect(server, "-v", "-v")
        log = r.err.encode()
        self.assertIn(b"<authenticate", log)
        self.assertIn(b"****", log)
        self.assertNotIn(b"alice-pw", log)
        for secret in secrets:
            for part in secret.split(b" "):
                if len(part) > 15 and part.isascii():
                    self.assertNotIn(part, log)

    def test_wrong_usage_says_what_to_do(self):
        for args in (["connect"], ["connect", "no-jid"], ["send", "x"], ["forget", "alice@localhost"], ["nothing"],
                     ["connect", "a@b", "--port", "0"], ["connect", "a@b", "--tls", "maybe"]):
            r = self.run_command([harness.EPODE, *args, "--db", self.db("usage.db")], "x")
            self.assertEqual(r.code, 1, args)
            self.assertTrue(r.err.strip())


if __name__ == "__main__":
    harness.main()
