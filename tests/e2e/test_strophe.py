"""Sessions over a connection of libstrophe's (--transport strophe), and an application that changed one call. Which
libstrophe: that of LD_LIBRARY_PATH; tests/strophe/run plays this with another one."""
import difflib
import os
import signal
import sqlite3
import subprocess
import time

import harness
from dns import Dns

DOMAIN = "bridge.test"
STROPHE = ("--transport", "strophe")
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "samples", "strophe")
BINARIES = os.path.join(harness.BUILD, "samples")


class Bridge(harness.ArchiveCase):
    def over(self, server, *extra, **kw):
        return self.connect(server, *STROPHE, *extra, **kw)

    def test_starts(self):
        server = self.serve()
        for tls, legacy, cold, warm in (("direct", False, 3, 1), ("starttls", False, 4, 2), ("direct", True, 5, 3),
                                        ("starttls", True, 6, 4)):
            with self.subTest(tls=tls, legacy=legacy):
                db, extra = self.db(f"{tls}-{legacy}.db"), ("--no-sasl2",) if legacy else ()
                for waits in (cold, warm, warm):
                    s = self.over(server, *extra, tls=tls, db=db).summary
                    self.assertEqual(s["waits"]["xmpp"], waits, s["flights"])
                    self.assertEqual((s["transport"], s["fallbacks"], s["tls"]["version"]), ("strophe", [], None))
                    self.assertEqual((s["carbons"], s["sm"], s["csi"]), (True, True, True))
                    self.assertIn("tls-tickets", s["left_out"])
                self.assertEqual(s["token"], "none" if legacy else "used")

    def test_one_write_holds_the_whole_first_flight(self):
        log = os.path.join(self.tmp, "server.log")
        server = self.serve("--log", log)
        self.over(server).summary
        self.over(server).summary
        with open(log, encoding="utf-8", errors="replace") as f:
            first = [line for line in f if " 2 C: " in line][0]
        self.assertTrue("<stream:stream" in first and "<authenticate" in first and "<bind" in first, first)

    def test_errors_have_their_types(self):
        server = self.serve()
        r = self.over(server, password="wrong")
        self.assertEqual((r.code, r.error["status"], r.error["condition"]), (3, "EPODE_EAUTH", "not-authorized"))
        r = self.run_command(self.command(server, extra=STROPHE)[:-3] + ["--json", *STROPHE, "--ca", "/dev/null"], "alice-pw")
        self.assertEqual((r.code, r.error["status"], r.error["final"]), (4, "EPODE_ECERT", True), r.err)
        stranger = self.serve("--cert", "foreign")
        r = self.over(stranger)
        self.assertEqual((r.code, r.error["status"], r.error["final"]), (4, "EPODE_ECERT", True), r.err)
        r = self.over(server, "--port", str(server.starttls))
        self.assertEqual((r.code, r.error["status"]), (2, "EPODE_ETLS"))
        r = self.over(server, "--port", "1")
        self.assertEqual((r.code, r.error["status"]), (2, "EPODE_ECONNECT"))

    def found_by_names(self, server, records):
        """Summaries of two starts that DNS leads; the second one asks nothing."""
        dns = Dns(records)
        self.addCleanup(dns.close)
        cmd = [harness.EPODE, "connect", f"alice@{DOMAIN}", "--dns", dns.address, "--ca", server.ca, "--db", self.db("dns.db"),
               "--json", *STROPHE]
        first = self.run_command(cmd, "alice-pw").summary
        asked = len(dns.asked)
        second = self.run_command(cmd, "alice-pw").summary
        self.assertEqual(len(dns.asked), asked)
        self.assertEqual((second["waits"]["dns"], second["waits"]["xmpp"]), (0, 1))
        return first

    def test_names_lead_to_the_server_and_the_dead_ones_are_passed_by(self):
        server = self.serve("--domain", DOMAIN)
        s = self.found_by_names(server, {
            (f"_xmpps-client._tcp.{DOMAIN}", "SRV"): [(1, 1, 1, f"dead.{DOMAIN}"), (2, 1, server.direct, f"xmpp.{DOMAIN}")],
            (f"dead.{DOMAIN}", "A"): ["127.0.0.1"], (f"xmpp.{DOMAIN}", "A"): ["127.0.0.1"]})
        self.assertEqual((s["endpoint"]["host"], s["endpoint"]["port"]), (f"xmpp.{DOMAIN}", server.direct))
        self.assertEqual([(a["port"], a["won"]) for a in s["attempts"]], [(1, False), (server.direct, True)])
        self.assertIn("no connection", s["attempts"][0]["failure"])
        self.assertGreater(s["waits"]["dns"], 0)

    def test_a_name_that_nobody_knows_is_told_as_such(self):
        dns = Dns({})
        self.addCleanup(dns.close)
        r = self.run_command([harness.EPODE, "connect", f"alice@{DOMAIN}", "--dns", dns.address, "--db", self.db(), "--json",
                              *STROPHE], "alice-pw")
        self.assertEqual((r.code, r.error["status"]), (2, "EPODE_EDNS"), r.err)

    def test_the_other_commands_take_it_or_say_no(self):
        server = self.serve()
        self.over(server).summary
        at = ["--jid", "alice@localhost", "--host", "127.0.0.1", "--port", str(server.direct), "--tls", "direct", "--ca",
              server.ca, "--db", self.db(), "--json", *STROPHE]
        r = self.run_command([harness.EPODE, "presence", *at], "alice-pw")
        self.assertEqual(r.code, 0, r.err)
        r = self.run_command([harness.EPODE, "roster", "add", "carol@localhost", *at], "alice-pw")
        self.assertEqual(r.code, 0, r.err)
        r = self.run_command([harness.EPODE, "doctor", "alice@localhost", *at], "alice-pw")
        self.assertEqual(r.code, 1)
        self.assertIn("not for doctor", r.err)

    def test_an_archive_is_held_whole_whichever_way_it_came(self):
        server = self.filled(700)
        self.over(server, "--limit", "0").summary
        self.equal(server)
        server.say("archive-add alice@localhost bob@localhost 130")
        self.assertEqual(self.over(server).summary["new_messages"], 130)
        self.equal(server)
        server.say("archive-add alice@localhost bob@localhost 60")
        self.connect(server).summary
        server.say("archive-add alice@localhost bob@localhost 60")
        self.over(server).summary
        self.equal(server)

    def test_after_a_kill_nothing_is_lost_or_doubled(self):
        server = self.serve()
        for n in range(3):
            listener = self.listen(server, *STROPHE)
            self.assertEqual(listener.ready()["resumed"], n > 0)
            server.message(f"live {n}")
            listener.message(f"live {n}")
            listener.kill()
            server.message(f"away {n}")
        self.over(server).summary
        self.assertEqual(self.bodies(), [f"{when} {n}" for n in range(3) for when in ("live", "away")])

    def test_the_two_ways_share_a_session(self):
        server = self.serve()
        listener = self.listen(server, *STROPHE)
        listener.ready()
        listener.kill()
        listener = self.listen(server)
        self.assertTrue(listener.ready()["resumed"])
        listener.kill()
        listener = self.listen(server, *STROPHE)
        self.assertTrue(listener.ready()["resumed"])
        listener.stop()

    def once(self, server, site, k):
        """One kill while a message is sent; what was stored leaves with the next start. True: it was killed."""
        tag, db = f"{site}/{k}/", self.db(f"{site}.db")
        env = self.env("alice-pw")
        env["EPODE_VICTIM"] = f"{site}:{k}"
        p = harness.Listener([harness.VICTIM] + self.send("bob", server, tag + "1", db=db)[1:] + list(STROPHE), env)
        code = p.wait()
        self.assertIn(code, (0, -signal.SIGKILL), p.out.seen + p.err.seen)
        with sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=5) as c:
            kept = c.execute("SELECT count(*) FROM message WHERE body = ?", (tag + "1",)).fetchone()[0]
        r = self.run_command(self.send("bob", server, tag + "2", db=db) + list(STROPHE), "alice-pw")
        self.assertEqual(r.objects[-1]["state"], "acknowledged", r.err)
        want = [tag + "1"] * kept + [tag + "2"]
        for owner in ("alice@localhost", "bob@localhost"):
            self.assertEqual([m["body"] for m in self.dump(server, owner) if (m["body"] or "").startswith(tag)], want, owner)
        return code != 0

    def test_a_message_survives_a_kill_at_any_commit(self):
        server = self.serve()
        for site in ("commit-before", "commit-after"):
            self.over(server, db=self.db(f"{site}.db")).summary
            k = 1
            while self.once(server, site, k):
                k += 1
            print(f"{site}: killed at each of {k - 1}", flush=True)
            self.assertGreater(k, 3)


class Bot(harness.ArchiveCase):
    """samples/strophe: a bot of libstrophe's, and the same with one call changed."""

    def bot(self, name, server):
        env = dict(os.environ, EPODE_PASSWORD="alice-pw", EPODE_HOST="127.0.0.1", EPODE_PORT=str(server.direct), EPODE_CA=server.ca)
        cmd = [os.path.join(BINARIES, f"sample-{name}"), "alice@localhost"]
        if name == "bot_before":
            env["EPODE_PORT"] = str(server.starttls)  # libstrophe takes the port it is given for STARTTLS
        p = subprocess.Popen(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.tmp, env=env)

        def end():
            p.kill()
            p.wait()
            p.stdout.close()
            p.stderr.close()
        self.addCleanup(end)
        return p

    def replies(self, server):
        return [m["body"] for m in self.dump(server, "bob@localhost") if m["from"].startswith("alice@")]

    def echoes(self, name):
        server = self.serve()
        p = self.bot(name, server)
        self.assertEqual(p.stdout.readline(), "online\n")
        for n in range(3):
            server.message(f"hello {n}")
            self.assertEqual(p.stdout.readline(), f"echo: hello {n}\n")
        end = time.monotonic() + 10
        while len(self.replies(server)) < 3 and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(self.replies(server), [f"hello {n}" for n in range(3)])
        server.say("drop-connections soft")
        self.assertEqual(p.wait(20), 0)
        return server

    def test_before(self):
        self.echoes("bot_before")

    def test_after(self):
        server = self.echoes("bot_after")
        server.message("while it was away")
        p = self.bot("bot_after", server)
        self.assertEqual(p.stdout.readline(), "online\n")
        db = os.path.join(self.tmp, "bot.db")
        server.message("the end")
        for line in iter(p.stdout.readline, "echo: the end\n"):
            self.assertEqual(line, "echo: while it was away\n")  # kept for it, and handed over now
        p.kill()
        p.wait()
        self.connect(server, db=db).summary
        self.equal(server, db)

    def test_they_differ_by_few_lines(self):
        texts = []
        for name in ("bot_before.c", "bot_after.c"):
            with open(os.path.join(SOURCES, name), encoding="utf-8") as f:
                texts.append(f.read().splitlines())
        changed = [line for line in difflib.unified_diff(*texts, n=0, lineterm="") if line[0] in "+-" and line[:3] not in ("+++", "---")]
        self.assertLess(len(changed), 28, "\n".join(changed))
        self.assertTrue(all("xmpp_handler_add" not in line and "xmpp_run" not in line for line in changed))


if __name__ == "__main__":
    harness.main()
