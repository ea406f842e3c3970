"""The line of the benches and of tests/interop does what it says, and a client gets through one that loses packets."""
import os
import socket
import subprocess
import sys
import threading
import time

import harness

SUPPORT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support")
sys.path.insert(1, SUPPORT)
import link as links  # noqa: E402


def alone(test):
    """Skipped, aloud, where a TUN device of our own is not allowed."""
    def run(self):
        if not LINE_WORKS:
            self.skipTest("no network namespace or TUN device here")
        test(self)
    return run


def line_works():
    try:
        if not links.enter_namespace():
            return False
        links.Tun(0.001, 0.001, 0.0, 1).close()
        return True
    except (OSError, subprocess.SubprocessError) as error:
        print(f"test_link: {error}", file=sys.stderr)
        return False


class Echo:
    """Answers each connection's first bytes, and notes when they came."""

    def __init__(self):
        self.server = socket.create_server(("0.0.0.0", 0))
        self.port, self.came = self.server.getsockname()[1], []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            data = connection.recv(100)
            self.came.append(time.monotonic())
            connection.sendall(data)
            connection.close()


class Line(harness.Case):
    def line(self, *args, **kw):
        line = links.open_link(*args, **kw)
        self.addCleanup(line.close)
        return line

    def echoed(self, echo, to):
        """Seconds for the connect, for the way there, and for all of the echo."""
        began = time.monotonic()
        with socket.create_connection(to, 20) as s:
            connected = time.monotonic()
            s.sendall(b"x")
            s.recv(1)
        return connected - began, echo.came[-1] - connected, time.monotonic() - connected

    @alone
    def test_each_direction_has_its_delay_and_a_handshake_has_both(self):
        line, echo = self.line(0.02, 0.08), Echo()
        self.addCleanup(echo.server.close)
        far = [self.echoed(echo, line.to_far(echo.port)) for _ in range(5)]
        near = [self.echoed(echo, line.to_near(echo.port)) for _ in range(5)]
        handshake, there, both = (min(f[i] for f in far) for i in range(3))
        for least, expected in ((handshake, 0.1), (there, 0.02), (both, 0.1)):
            self.assertGreaterEqual(least, expected * 0.95)
        self.assertLess(there, both / 2)
        self.assertLess(min(n[0] for n in near), handshake / 2)

    @alone
    def test_a_client_gets_through_a_line_that_loses_packets(self):
        line = self.line(0.005, loss=0.1, seed=7)
        server = self.serve("--listen", line.here)
        server.say("archive-add alice@localhost bob@localhost 200")
        port = line.to_far(server.direct)[1]
        for _ in range(3):
            r = self.run_command([harness.EPODE, "connect", "alice@localhost", "--host", line.far, "--port", str(port), "--tls", "direct",
                                  "--ca", server.ca, "--db", self.db(), "--json", "--timeout", "60"], "alice-pw", 90)
            self.assertIsNotNone(r.summary["synced_ms"])
        self.assertEqual(len(self.bodies()), 200)
        self.assertGreater(line.there.lost + line.back.lost, 0)

    @alone
    def test_the_same_seed_loses_the_same_share(self):
        lost = []
        for _ in range(2):
            written = []
            far = links.Line(FakeLoop(), written.append, 0.0, 0.25, links.random.Random(3))
            for n in range(1000):
                far.put(n)
            self.assertEqual(written, sorted(written))
            self.assertEqual(len(written) + far.lost, 1000)
            lost.append(far.lost)
        self.assertEqual(lost[0], lost[1])
        self.assertTrue(200 < lost[0] < 300, lost)


class FakeLoop:
    def time(self):
        return 0.0

    def call_at(self, _when, _run):
        raise AssertionError("nothing waits on a line without delay")


LINE_WORKS = line_works()

if __name__ == "__main__":
    harness.main()
