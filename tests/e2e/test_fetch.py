"""The errand of a push: in time, with little memory, and without a lock left behind."""
import sqlite3
import subprocess

import harness


class Fetch(harness.ArchiveCase):
    def fetch(self, server, seconds, **kw):
        return self.run_command(self.command(server, command="fetch", extra=("alice@localhost", "--timeout", str(seconds)), **kw),
                                "alice-pw")

    def remembered(self, *args):
        server = self.serve(*args)
        server.message("first")
        self.connect(server).summary
        return server

    def free(self):
        """Another process writes to the file at once: no lock is held, and no owner is left."""
        with sqlite3.connect(self.db(), timeout=0) as c:
            c.execute("BEGIN IMMEDIATE")
            self.assertEqual(c.execute("SELECT count(*) FROM lease").fetchone(), (0,))
            c.rollback()

    def test_five_hundred_messages_on_a_long_line_in_twenty_seconds(self):
        server = self.remembered("--rtt", "200")
        server.say("archive-add alice@localhost bob@localhost 500")
        r = self.fetch(server, 20)
        self.assertEqual((r.code, r.objects[0]["complete"], r.objects[0]["new_messages"]), (0, True, 500))
        self.free()
        self.equal(server)

    def test_one_second_is_kept_and_the_next_one_brings_the_rest(self):
        server = self.remembered("--rtt", "400")
        server.say("archive-add alice@localhost bob@localhost 500")
        r = self.fetch(server, 1)
        self.assertEqual((r.code, r.objects[0]["complete"]), (2, False))
        self.free()
        self.assertTrue(self.fetch(server, 30).objects[0]["complete"])
        self.equal(server)

    def test_killed_in_the_middle_nothing_is_locked_and_nothing_is_lost(self):
        server = self.remembered("--rtt", "100")
        server.say("archive-add alice@localhost bob@localhost 500")
        cmd = self.command(server, command="fetch", extra=("alice@localhost", "--timeout", "20"))
        for wait in (0.15, 0.3, 0.45):
            p = subprocess.Popen(cmd, env=self.env("alice-pw"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                p.wait(wait)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
            with sqlite3.connect(self.db(), timeout=0) as c:
                c.execute("BEGIN IMMEDIATE")
                c.rollback()
        self.assertEqual(self.fetch(server, 20).code, 0)
        self.equal(server)

    def private_kb(self, pid):
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                return sum(int(line.split()[1]) for line in f if line.startswith("Private_"))
        except (OSError, ValueError):
            return 0

    def peak_of(self, server, *extra, **kw):
        """Private memory of a fetch that gets everything."""
        cmd = self.command(server, command="fetch", extra=("alice@localhost", "--timeout", "20", *extra), **kw)
        p = subprocess.Popen(cmd, env=self.env("alice-pw"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        peak = 0
        while p.poll() is None:
            peak = max(peak, self.private_kb(p.pid))
        out = p.stdout.read()
        p.stdout.close()
        self.assertEqual(p.returncode, 0, out)
        self.assertGreater(peak, 500)
        return peak

    def test_it_needs_less_than_sixteen_megabytes_of_private_memory(self):
        server = self.remembered("--rtt", "20")
        peak = 0
        for _ in range(3):  # looked at from outside, the highest moment can be missed
            server.say("archive-add alice@localhost bob@localhost 500 400")
            server.say("forget-sm")  # nothing of this was delivered: a session that is resumed would not ask
            peak = max(peak, self.peak_of(server))
        self.assertEqual(self.run_command(self.command(server, db=self.db("low"), extra=("--limit", "1")), "alice-pw").code, 0)
        server.say("archive-add alice@localhost bob@localhost 500 400")
        low = self.peak_of(server, "--low-memory", db=self.db("low"))
        print(f"private memory of a fetch of 500 messages: {peak} kB at most, {low} kB with --low-memory", flush=True)
        if not harness.is_sanitized():
            self.assertLess(peak, 16 * 1024)
            self.assertLess(low, peak)
        server.say("forget-sm")
        self.assertEqual(self.fetch(server, 20).code, 0)
        self.equal(server)


if __name__ == "__main__":
    harness.main()
