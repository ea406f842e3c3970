"""TLS early data: the login leaves with the ClientHello; what a replay of it can do, and what a refusal of it costs."""
import re
import signal
import socket
import socketserver
import threading

import harness

COUNT = re.compile(rb"<fast xmlns='urn:xmpp:fast:0' count='(\d+)'")


class Recorder:
    """Passes connections on to the server, and keeps what the client sent first. With replay_first the server gets a
    copy of it on a connection of its own before the client's is passed on."""

    def __init__(self, port):
        self.port, self.first, self.replay_first = port, [], False
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                flight = self.request.recv(65536)
                outer.first.append(flight)
                if outer.replay_first:
                    outer.replay(flight)
                with socket.create_connection(("127.0.0.1", outer.port)) as up:
                    up.sendall(flight)
                    back = threading.Thread(target=outer.pump, args=(up, self.request))
                    back.start()
                    outer.pump(self.request, up)
                    back.join(5)

        class Listener(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.listen = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def pump(self, source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def replay(self, flight):
        """What the server has to say to it."""
        with socket.create_connection(("127.0.0.1", self.port)) as s:
            s.sendall(flight)
            s.settimeout(5)
            try:
                return s.recv(65536)
            except OSError:
                return b""

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Early(harness.ArchiveCase):
    def serve_early(self, *args):
        return self.serve("--early-data", *args)

    def early(self, summary, total=2):
        self.assertTrue(summary["tls"]["early_data"])
        self.assertEqual((summary["waits"]["total"], summary["fallbacks"]), (total, []))
        self.assertIn(summary["token"], ("used", "rotated"))
        return summary

    def counts(self, log):
        with open(log, "rb") as f:
            return [int(n) for n in COUNT.findall(f.read())]

    def test_the_session_is_ready_after_one_wait_behind_the_tcp_handshake(self):
        server = self.serve_early()
        cold = self.connect(server).summary
        self.assertFalse(cold["tls"]["early_data"])
        for _ in range(3):
            s = self.early(self.connect(server).summary)
            self.assertEqual((s["mechanism"], s["bind"]), ("HT-SHA-512-ENDP", "bind2"))
            self.assertEqual(s["waits"], {"total": 2, "dns": 0, "tcp": 1, "tls": 0, "xmpp": 1})

    def test_that_wait_is_the_one_measured_from_outside(self):
        near, far = self.serve_early(), self.serve_early("--rtt", "100")
        best = {"near": 1e9, "far": 1e9}
        for name, server in (("near", near), ("far", far)):
            self.connect(server, db=self.db(name)).summary

        def measure():
            for name, server in (("near", near), ("far", far)):
                for _ in range(3):
                    s = self.early(self.connect(server, db=self.db(name)).summary)
                    best[name] = min(best[name], s["ready_ms"])
            return (best["far"] - best["near"]) / 100
        self.measured(1, measure)

    def test_with_starttls_and_pipelining_as_well(self):
        server = self.serve_early("--feature", "pipelining=on")
        self.connect(server, tls="starttls").summary
        for _ in range(2):
            s = self.early(self.connect(server, tls="starttls").summary)
            self.assertEqual(s["waits"], {"total": 2, "dns": 0, "tcp": 1, "tls": 0, "xmpp": 1})

    def test_a_session_is_resumed_by_early_data(self):
        server = self.serve_early()
        self.connect(server).summary
        listener = self.listen(server)
        listener.ready()
        server.message("before")
        listener.message("before")
        listener.kill()
        server.message("between")
        s = self.connect(server).summary
        # The ticket was taken by the one that was killed, if it had not stored its own yet.
        self.assertEqual((s["bind"], s["waits"]["xmpp"]), ("resumed", 1))
        self.assertEqual(self.bodies(), ["before", "between"])

    def test_stanzas_stand_behind_the_finished_and_cost_the_one_wait_that_they_need(self):
        server = self.serve_early("--feature", "metadata=off", "--rtt", "100")
        server.say("archive-add alice@localhost bob@localhost 9")
        for _ in range(3):
            s = self.connect(server).summary

        def measure():
            server.say("archive-add alice@localhost bob@localhost 3")
            s = self.early(self.connect(server).summary)
            self.assertEqual((s["new_messages"], s["sm"]), (3, True))
            return (s["synced_ms"] - s["ready_ms"]) / 100
        self.measured(1, measure)
        self.equal(server)

    def test_where_it_is_rejected_the_login_is_said_again_at_no_wait_beyond_the_handshake(self):
        server = self.serve_early()
        for _ in range(2):
            self.connect(server).summary
        # A restarted server knows no ticket of the time before.
        server.restart()
        s = self.connect(server).summary
        self.assertEqual(s["fallbacks"], [{"what": "early-data", "why": "rejected"}])
        self.assertEqual((s["token"], s["waits"]["total"], s["tls"]["early_data"]), ("used", 3, False))
        self.early(self.connect(server).summary)

    def test_it_is_sent_only_where_it_is_offered_and_allowed(self):
        server = self.serve_early("--feature", "tls-0rtt=off")
        for _ in range(3):
            s = self.connect(server).summary
        self.assertEqual((s["mechanism"], s["tls"]["early_data"], s["tls"]["resumed"]), ("HT-SHA-512-EXPR", False, True))
        server.feature("tls-0rtt", "on")
        # The token that is held is of no use for it: another one is asked for.
        self.assertEqual([self.connect(server).summary["token"] for _ in range(3)], ["used", "rotated", "used"])
        self.early(self.connect(server).summary)
        s = self.connect(server, "--no-early-data").summary
        self.assertEqual((s["tls"]["early_data"], s["token"], s["waits"]["total"]), (False, "used", 3))

    def test_a_replay_is_refused_by_its_count_and_does_no_harm(self):
        server = self.serve_early("--no-anti-replay")
        recorder = Recorder(server.direct)
        self.addCleanup(recorder.close)
        server.direct = recorder.listen
        for _ in range(2):
            s = self.connect(server).summary
        self.early(s)
        flight = recorder.first[-1]
        before = server.say("dump")["counters"]
        for _ in range(3):
            recorder.replay(flight)
        after = server.say("dump")["counters"]
        self.assertEqual(after["replays-refused"] - before.get("replays-refused", 0), 3)
        self.assertEqual(after["sessions"], before["sessions"])
        self.early(self.connect(server).summary)

    def test_a_replay_that_came_first_costs_one_wait_and_not_the_token(self):
        server = self.serve_early("--no-anti-replay")
        recorder = Recorder(server.direct)
        self.addCleanup(recorder.close)
        server.direct = recorder.listen
        self.connect(server).summary
        recorder.replay_first = True
        s = self.connect(server).summary
        self.assertTrue(s["tls"]["early_data"])
        self.assertEqual(s["fallbacks"], [{"what": "early-data", "why": "not-authorized"}])
        self.assertEqual((s["token"], s["waits"]["total"]), ("used", 3))
        recorder.replay_first = False
        self.early(self.connect(server).summary)

    def test_a_count_never_repeats_also_when_killed(self):
        log = self.db("server.log")
        server = self.serve_early("--log", log)
        self.connect(server).summary
        for n in range(12):
            listener = self.listen(server)
            if n % 3:
                listener.ready()
            listener.kill()
            self.connect(server).summary
        counts = self.counts(log)
        self.assertGreater(len(counts), 16)
        self.assertEqual(len(counts), len(set(counts)))

    def test_a_count_never_repeats_when_killed_at_any_commit_or_write_of_a_start(self):
        log = self.db("server.log")
        server = self.serve_early("--log", log)
        self.connect(server).summary
        for site in ("commit-before", "commit-after", "write-before", "write-after"):
            k = 1
            while self.dies_at(server, f"{site}:{k}"):
                # Another start may have a ticket of its own, and so early data, before the next one is killed.
                self.connect(server).summary
                k += 1
            self.assertGreater(k, 2, site)
        counts = self.counts(log)
        self.assertGreater(len(counts), 16)
        self.assertEqual(len(counts), len(set(counts)))

    def dies_at(self, server, plan):
        env = self.env("alice-pw")
        env["EPODE_VICTIM"] = plan
        victim = harness.Listener(self.command(server, program=harness.VICTIM), env)
        return victim.wait() == -signal.SIGKILL

    def test_a_dead_token_in_early_data_is_asked_once_more_and_then_the_password_goes_on(self):
        server = self.serve_early()
        self.connect(server).summary
        server.say("forget-tokens")
        s = self.connect(server).summary
        self.assertEqual([f["what"] for f in s["fallbacks"]], ["early-data", "token"])
        self.assertEqual((s["token"], s["bind"]), ("new", "bind2"))
        self.early(self.connect(server).summary)


if __name__ == "__main__":
    harness.main()
