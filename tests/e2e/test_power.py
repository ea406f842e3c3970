"""The power fails in the middle of traffic: what the server was told is stored is on the disk."""
import os
import re
import signal
import sqlite3

import harness


class Power(harness.Case):
    COMMITS = 24

    def victim(self, server, db, plan, boot="boot-1"):
        env = self.env("alice-pw")
        env.update(EPODE_VICTIM=plan, EPODE_BOOT=boot, EPODE_IMAGE=db + ".image")
        return harness.Listener(self.command(server, db=db, program=harness.VICTIM, extra=("--listen",)), env)

    def acknowledged(self, log, since):
        """The last count that was confirmed to the server since a place in its log."""
        with open(log, encoding="utf-8", errors="replace") as f:
            f.seek(since)
            counts = re.findall(r"<a xmlns='urn:xmpp:sm:3' h='([0-9]+)'/>", f.read())
        return int(counts[-1]) if counts else None

    def lose(self, server, log, k):
        """Runs traffic until the power fails at the k-th commit; the path of what is left, the count that the
        server knows, and how many messages were sent. None: it was over before."""
        db = self.db(f"power-{k}.db")
        since = os.path.getsize(log)
        listener = self.victim(server, db, f"power:{k}")
        sent = 0
        try:
            listener.ready()
            for sent in range(1, 9):
                server.message(f"k{k}-m{sent}")
                listener.message(f"k{k}-m{sent}")
        except (AssertionError, OSError):
            pass
        if listener.proc.poll() is None:
            try:
                listener.wait(0.3)
            except Exception:
                listener.kill()
                return None
        self.assertEqual(listener.wait(), -signal.SIGKILL)
        return db + ".image", self.acknowledged(log, since), sent

    def test_nothing_that_was_acknowledged_is_missing_after_a_power_loss(self):
        log = self.db("server.log")
        server = self.serve("--log", log)
        told = 0
        for k in range(1, self.COMMITS + 1):
            with self.subTest(commit=k):
                left = self.lose(server, log, k)
                if left is None:
                    break
                image, acked, sent = left
                if acked is not None:
                    told += 1
                    self.check_image(image, acked)
                self.check_same_boot(server, image, k, sent)
                server.say("forget-sm")
        self.assertGreater(told, 5)

    def check_image(self, image, acked):
        with sqlite3.connect(f"file:{image}?mode=rw", uri=True) as c:
            h = c.execute("SELECT h_in FROM sm").fetchall()
        c.close()
        self.assertTrue(h and h[0][0] >= acked, f"the server was told {acked}, the disk says {h}")

    def check_same_boot(self, server, image, k, sent):
        """Resumed from what is left, each message is there once."""
        listener = self.victim(server, image, "")
        s = listener.ready()
        server.message(f"k{k}-last")
        listener.message(f"k{k}-last")
        listener.kill()
        # What an earlier round left unconfirmed comes as well.
        bodies = [b for b in self.bodies(image) if b.startswith(f"k{k}-")]
        self.assertEqual(len(bodies), len(set(bodies)))
        if s["resumed"]:
            self.assertEqual(bodies, [f"k{k}-m{n}" for n in range(1, sent + 1)] + [f"k{k}-last"])

    def test_after_a_reboot_the_session_is_not_resumed(self):
        server = self.serve()
        db = self.db()
        listener = self.victim(server, db, "", boot="boot-1")
        listener.ready()
        listener.kill()
        listener = self.victim(server, db, "", boot="boot-2")
        s = listener.ready()
        listener.kill()
        self.assertFalse(s["resumed"])
        self.assertIn({"what": "resumption", "why": "reboot"}, s["fallbacks"])


if __name__ == "__main__":
    harness.main()
