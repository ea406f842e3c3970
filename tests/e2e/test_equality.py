"""Whatever happens during a catch-up, the store ends up with what the server's archive holds: each id once, in its
order. The archive is read by the server's own dump, the store by epode history.

EPODE_SEED begins the random numbers; what they chose is printed."""
import os
import random
import re
import signal
import sqlite3
import subprocess

import harness

SEED = int(os.environ.get("EPODE_SEED", "1"))
MESSAGES, PAGE = 700, 50
ALL = ("--limit", "0")


class Equality(harness.ArchiveCase):
    def victim(self, server, plan, *extra, db=None, boot=None):
        """Runs to its end, or to where the plan kills it; true: it was killed."""
        env = self.env("alice-pw")
        env["EPODE_VICTIM"] = plan
        if boot:
            env.update(EPODE_BOOT=boot, EPODE_IMAGE=(db or self.db()) + ".image")
        p = harness.Listener(self.command(server, db=db, program=harness.VICTIM, extra=ALL + extra), env)
        code = p.wait()
        self.assertIn(code, (0, -signal.SIGKILL), p.out.seen + p.err.seen)
        return code != 0

    def resumable(self, db):
        with sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=5) as c:
            there = c.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'sm'").fetchone()[0]
            return bool(there and c.execute("SELECT count(*) FROM sm").fetchone()[0])

    def served(self, *args, count=MESSAGES, **kw):
        server = self.serve("--feature", f"mam-page-max={PAGE}", *args, **kw)
        server.say(f"archive-add alice@localhost bob@localhost {count}")
        return server

    def whole(self, server, db=None):
        """Connects until there is no hole, then once more for what has come live; the first summary."""
        first = self.connect(server, *ALL, db=db).summary
        if first["holes"]:
            self.connect(server, "--fill", "10000", db=db).summary
        last = self.connect(server, db=db).summary
        self.assertEqual(last["holes"], [])
        self.equal(server, db)
        return first

    # --- at every place

    def killed_once(self, server, site, k):
        """Killed at one place; the session is resumed, so both sides still count the same, and everything comes."""
        db = self.db(f"{site}-{k}.db")
        died = self.victim(server, f"{site}:{k}", db=db)
        if died and os.path.exists(db):
            expected = self.resumable(db)
            s = self.whole(server, db)
            self.assertEqual(s["resumed"], expected, (site, k, s["fallbacks"]))
        server.say("forget-sm")
        return died

    def test_killed_at_commits_and_writes_of_a_catch_up_the_session_goes_on_and_everything_comes(self):
        server = self.served()
        for site, step in (("commit-before", 1), ("commit-after", 1), ("write-before", 3), ("write-after", 3)):
            k = 1
            while self.killed_once(server, site, k):
                k += step
            print(f"{site}: killed at places up to {k - 1}, in steps of {step}", flush=True)
            self.assertGreater(k, 6)

    def test_cut_at_any_byte(self):
        rng = random.Random(SEED)
        server = self.served()
        listener = self.listen(server, *ALL, db=self.db("size.db"))
        listener.until(lambda o: o.get("synced_ms") is not None)
        size = max(c["bytes_out"] for c in server.say("dump")["connections"])
        listener.stop()
        places = sorted(rng.randrange(300, size) for _ in range(16))
        print(f"EPODE_SEED={SEED}: cut at {places} of {size}", flush=True)
        for at in places:
            with self.subTest(cut=at):
                db = self.db(f"cut-{at}.db")
                server.fault("cut-at", f"+1:{at}")
                self.connect(server, *ALL, db=db)
                server.fault("cut-at", "off")
                self.whole(server, db)

    # --- killed in the middle, and then something happens

    def nothing(self, server):
        return server

    def session_lost(self, server):
        server.say("forget-sm")
        return server

    def tokens_expired(self, server):
        server.say("forget-sm")
        server.say("expire-tokens")
        return server

    def restarted(self, server):
        """The same archive, another process; nothing of its sessions is left."""
        server.close()
        return self.serve("--feature", f"mam-page-max={PAGE}", directory=server.dir)

    def smaller_pages(self, server):
        server.feature("mam-page-max", "7")
        return server

    def larger_pages(self, server):
        server.feature("mam-page-max", "250")
        return server

    def more_came(self, server):
        server.message("while it was dead")
        server.say(f"archive-add alice@localhost bob@localhost {3 * PAGE + 1}")
        return server

    def the_rest_and_a_lost_session(self, server):
        return self.session_lost(self.more_came(server))

    EVENTS = ("nothing", "session_lost", "tokens_expired", "restarted", "smaller_pages", "larger_pages", "more_came",
              "the_rest_and_a_lost_session")

    def test_killed_in_the_middle_and_then(self):
        rng = random.Random(SEED)
        for name in self.EVENTS:
            site, k = rng.choice(("write-before", "write-after")), rng.randrange(10, 50)
            with self.subTest(name):
                server = self.served(count=2400, directory=self.directory(name))
                db = self.db(name + ".db")
                died = self.victim(server, f"{site}:{k}", db=db)
                self.assertTrue(died)
                held = self.held(db)
                server = getattr(self, name)(server)
                s = self.whole(server, db)
                print(f"EPODE_SEED={SEED}: {name}: killed at {site}:{k} with {held} held, resumed: {s['resumed']}", flush=True)
                self.assertEqual(s["resumed"], name in ("nothing", "smaller_pages", "larger_pages", "more_came"))

    def directory(self, name):
        path = os.path.join(self.tmp, name + ".server")
        os.mkdir(path)
        return path

    def held(self, db):
        with sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=5) as c:
            return c.execute("SELECT count(*) FROM message").fetchone()[0]

    def test_killed_in_the_middle_and_then_the_archive_is_purged(self):
        """What is gone from the archive stays readable below what it has."""
        for keep in (0, 100):
            server = self.served()
            db = self.db(f"purge-{keep}.db")
            self.victim(server, "write-after:9", db=db)
            server.say("forget-sm")
            server.say(f"archive-purge alice@localhost {keep}")
            server.say("archive-add alice@localhost bob@localhost 130")
            for _ in range(2):
                self.assertEqual(self.connect(server, *ALL, db=db).summary["holes"], [])
            want = [m["id"] for m in self.dump(server)]
            got = [m["archive_id"] for m in self.history(db)]
            self.assertEqual(len(got), len(set(got)))
            self.assertEqual(got[-len(want):], want)

    def test_the_power_fails_in_the_middle(self):
        """What was not synced is gone; what is left goes on, after a reboot too."""
        server = self.served()
        for boot in ("boot-1", "boot-2"):
            for k in range(8, 14):
                with self.subTest(boot=boot, commit=k):
                    db = self.db(f"power-{boot}-{k}.db")
                    self.assertTrue(self.victim(server, f"power:{k}", db=db, boot="boot-1"))
                    self.victim(server, "", db=db + ".image", boot=boot)
                    s = self.whole(server, db + ".image")
                    self.assertFalse(s["resumed"])
                    server.say("forget-sm")

    # --- while others send

    def sender(self, server, text, db):
        cmd = self.send("bob", server, text, db=self.db(db))
        return subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=self.env("alice-pw"))

    def test_a_peer_a_second_device_and_this_one_send_during_it(self):
        server = self.served("--rtt", "10")
        second, db = "second.db", self.db()
        self.connect(server, "--no-sync", db=self.db(second)).summary
        cmd = [harness.EPODE, "chat", "bob@localhost", "--jid", "alice@localhost", "--host", "127.0.0.1", "--port",
               str(server.direct), "--tls", "direct", "--ca", server.ca, "--db", db, "--json", *ALL]
        this = subprocess.Popen(cmd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.env("alice-pw"))
        for n in range(12):
            this.stdin.write(f"from this device {n}\n")
            this.stdin.flush()
            server.message(f"from the peer {n}")
            if n % 4 == 0:
                self.assertEqual(self.sender(server, f"from the second device {n}", second).wait(20), 0)
        out, _ = this.communicate(timeout=40)
        self.assertEqual(this.returncode, 0, out)
        self.whole(server, db)
        bodies = [m["body"] for m in self.history(db)]
        for n in range(12):
            self.assertEqual(bodies.count(f"from this device {n}"), 1)
            self.assertEqual(bodies.count(f"from the peer {n}"), 1)
        ours = [int(re.search(r"\d+", b)[0]) for b in bodies if b.startswith("from this device")]
        self.assertEqual(ours, sorted(ours))


if __name__ == "__main__":
    harness.main()
