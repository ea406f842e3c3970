"""A client that is killed with SIGKILL, at every commit and every write to its socket: the session goes on and each
message is stored once."""
import os
import signal
import unittest

import harness


class Kill(harness.Case):
    def victim(self, server, plan, *extra, db=None):
        env = self.env("alice-pw")
        env["EPODE_VICTIM"] = plan
        listener = harness.Listener(self.command(server, db=db, program=harness.VICTIM, extra=("--listen",) + extra), env)

        def end():
            if listener.proc.poll() is None:
                listener.kill()
        self.addCleanup(end)
        return listener

    def drive(self, server, listener, tag, first):
        """Sends two messages once it is ready and waits until it has them or is dead; true: it is dead."""
        try:
            listener.ready()
            for n in (first, first + 1):
                server.message(f"{tag}m{n}")
            listener.message(f"{tag}m{first + 1}")
        except (AssertionError, OSError):
            return True
        return False

    def test_after_a_kill_the_session_is_resumed_and_nothing_is_lost_or_doubled(self):
        server = self.serve()
        listener = self.listen(server)
        listener.ready()
        server.message("one")
        listener.message("one")
        listener.kill()
        server.message("two")
        server.message("three")
        listener = self.listen(server)
        self.assertTrue(listener.ready()["resumed"])
        listener.message("three")
        listener.stop()
        self.assertEqual(self.bodies(), ["one", "two", "three"])

    def every_site(self, scenario):
        """Kills at the first, second, ... commit and write until the scenario is through before it is hit."""
        for site in ("commit-before", "commit-after", "write-before", "write-after"):
            k = 1
            while scenario(site, k):
                k += 1
            print(f"{site}: killed at each of {k - 1}", flush=True)
            self.assertGreater(k, 3)

    def test_killed_at_every_commit_and_every_write_the_session_still_goes_on(self):
        server = self.serve()
        self.every_site(lambda site, k: self.once(server, site, k))

    def test_killed_at_every_commit_and_every_write_of_a_first_start_the_next_one_works(self):
        server = self.serve()
        self.every_site(lambda site, k: self.first(server, site, k))

    def first(self, server, site, k):
        db = self.db(f"first-{site}-{k}.db")
        listener = self.victim(server, f"{site}:{k}", db=db)
        try:
            listener.ready()
            died = False
            listener.proc.send_signal(signal.SIGTERM)
        except AssertionError:
            died = True
        died = listener.wait() == -signal.SIGKILL or died
        s = self.connect(server, db=db).summary
        self.assertTrue(s["sm"] and s["carbons"])
        self.connect(server, db=db).summary
        return died

    def once(self, server, site, k):
        tag = f"{site}-{k}-"
        db = self.db(f"{tag}.db")
        listener = self.listen(server, db=db)
        listener.ready()
        listener.kill()
        server.message(f"{tag}m0")
        listener = self.victim(server, f"{site}:{k}", db=db)
        died = self.drive(server, listener, tag, 1)
        sent = 3
        if died:
            self.assertEqual(listener.wait(), -signal.SIGKILL)
        else:
            listener.kill()
        server.message(f"{tag}m{sent}")
        listener = self.listen(server, db=db)
        self.assertTrue(listener.ready()["resumed"], "the session was lost")
        listener.message(f"{tag}m{sent}")
        listener.kill()
        got = [b.removeprefix(tag) for b in self.bodies(db) if b.startswith(tag)]
        # If it died before it was ready, the two in the middle were never sent.
        self.assertIn(got, (["m0", "m1", "m2", "m3"], ["m0", "m1", "m3"], ["m0", "m3"]))
        server.say("forget-sm")
        os.unlink(db)
        return died


if __name__ == "__main__":
    harness.main()
