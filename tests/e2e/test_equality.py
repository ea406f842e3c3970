"""Whatever happens during a catch-up, the store ends up with what the server's archive holds: each id once, in its
order. The archive is read by the server's own dump, the store by epode history."""
import os
import signal
import sqlite3

import harness


class Equality(harness.ArchiveCase):
    def victim(self, server, plan, *extra, db=None):
        """Runs to its end, or to where the plan kills it; true: it was killed."""
        env = self.env("alice-pw")
        env["EPODE_VICTIM"] = plan
        cmd = self.command(server, db=db, program=harness.VICTIM, extra=("--limit", "0") + extra)
        p = harness.Listener(cmd, env)
        code = p.wait()
        self.assertIn(code, (0, -signal.SIGKILL), p.out.seen + p.err.seen)
        return code != 0

    def resumable(self, db):
        with sqlite3.connect(f"file:{db}?mode=ro", uri=True, timeout=5) as c:
            return c.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'sm'").fetchone()[0] == 1 and \
                c.execute("SELECT count(*) FROM sm").fetchone()[0] == 1

    def killed_once(self, server, site, k):
        """Killed at one place; the session is resumed, so both sides still count the same, and everything comes."""
        db = self.db(f"{site}-{k}.db")
        died = self.victim(server, f"{site}:{k}", db=db)
        if died and os.path.exists(db):
            expected = self.resumable(db)
            s = self.connect(server, "--limit", "0", db=db).summary
            self.assertEqual(s["resumed"], expected, (site, k, s["fallbacks"]))
            self.connect(server, "--fill", "2000", db=db).summary
            self.equal(server, db)
        server.say("forget-sm")
        return died

    def test_killed_at_commits_and_writes_of_a_catch_up_the_session_goes_on_and_everything_comes(self):
        server = self.filled(700, "--feature", "mam-page-max=50")
        for site, step in (("commit-before", 1), ("commit-after", 1), ("write-before", 2), ("write-after", 2)):
            k = 1
            while self.killed_once(server, site, k):
                k += step
            print(f"{site}: killed at every one of {k - 1}, in steps of {step}", flush=True)
            self.assertGreater(k, 6)


if __name__ == "__main__":
    harness.main()
