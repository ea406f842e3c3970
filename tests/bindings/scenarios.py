"""The scenarios that every binding has to pass, in C, Python and Swift: a driver program of each language plays them
against the reference server, by the protocol in README.md."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import shutil
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
import harness  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = os.environ.get("EPODE_PYTHON", sys.executable)


def drivers():
    """The command of each language that there is."""
    found = {"C": [os.path.join(harness.BUILD, "tests", "bindings-driver")], "Python": [PYTHON, str(HERE / "driver.py")]}
    swift = os.environ.get("EPODE_SWIFT_DRIVER", os.path.join(harness.BUILD, "swift", "epode-driver"))
    if os.path.exists(swift):
        found["Swift"] = [swift]
    else:
        print(f"scenarios: there is no {swift}: Swift is left out", flush=True)
    return found


class Driver(harness.Listener):
    """A driver that runs."""
    stdin = subprocess.PIPE

    def say(self, line):
        self.proc.stdin.write(line + "\n")
        self.proc.stdin.flush()

    def event(self, name, timeout=20, **members):
        def wanted(line):
            return line.get("event") == name and all(line.get(k) == v for k, v in members.items())
        for line in self.out.seen:
            if wanted(json.loads(line)):
                return json.loads(line)
        return self.until(wanted, timeout)

    def next(self, name, timeout=20, **members):
        """One that was not printed yet when this was called."""
        return self.until(lambda line: line.get("event") == name and all(line.get(k) == v for k, v in members.items()), timeout)

    def rest(self):
        """Every line that was printed, once it has ended."""
        while not self.out.lines.empty():
            self.out.next()
        return [json.loads(line) for line in self.out.seen]

    def wait(self, timeout=30):
        if not self.proc.stdin.closed:
            self.proc.stdin.close()
        return super().wait(timeout)


class Scenario(unittest.TestCase):
    """One server for each test; the language comes from the subclass."""
    command = None

    def setUp(self):
        self.tmp = tempfile.mkdtemp(prefix="epode-bindings-")
        self.addCleanup(shutil.rmtree, self.tmp, ignore_errors=True)
        self.server = harness.Server()
        self.addCleanup(self.server.close)

    def start(self, command, *extra, password="alice-pw", db="alice.db"):
        env = {k: v for k, v in os.environ.items() if k != "EPODE_PASSWORD"}
        if password is not None:
            env["EPODE_PASSWORD"] = password
        args = [*self.command, command, "--jid", "alice@localhost", "--host", "127.0.0.1", "--port",
                str(self.server.direct), "--ca", self.server.ca, "--db", os.path.join(self.tmp, db), *extra]
        driver = Driver(args, env)

        def end():
            if driver.proc.poll() is None:
                driver.proc.send_signal(signal.SIGKILL)
                driver.wait()
        self.addCleanup(end)
        return driver

    def run_to_end(self, command, *extra, code=0, **kw):
        """The driver's lines by the names of their events, the last of each."""
        driver = self.start(command, *extra, **kw)
        driver.proc.stdin.close()
        self.assertEqual(driver.wait(90), code, driver.rest())
        return {line["event"]: line for line in driver.rest()}

    def test_cold_start_then_a_warm_one_in_one_wait_without_a_password(self):
        cold = self.run_to_end("connect")["ready"]
        self.assertEqual((cold["bind"], cold["token"], cold["resumed"]), ("bind2", "new", False))
        self.assertTrue(cold["mechanism"].startswith("SCRAM-"))
        warm = self.run_to_end("connect", password=None)
        self.assertEqual(warm["ready"]["waits"]["xmpp"], 1)
        self.assertTrue(warm["ready"]["mechanism"].startswith("HT-"))
        self.assertIn("stopped", warm)

    def test_catch_up_of_many_messages(self):
        self.server.say("archive-add alice@localhost bob@localhost 500")
        end = self.run_to_end("catchup")["caughtup"]
        self.assertEqual(end["count"], 500)
        self.assertTrue(end["first"].startswith("#1 ") and end["last"].startswith("#500 "), end)
        self.assertGreater(end["synced_us"], 0)
        self.assertEqual(self.run_to_end("catchup")["caughtup"]["count"], 500)

    def test_send_is_acknowledged_and_arrives(self):
        driver = self.start("listen")
        driver.event("ready")
        driver.say("send bob@localhost hello, \u00fc and <tag> & \U0001f600")
        row = driver.event("sent")["row"]
        driver.event("delivery", row=row, state="acknowledged")
        driver.say("stop")
        self.assertEqual(driver.wait(), 0)
        dump = os.path.join(self.tmp, "dump")
        self.server.say(f"archive-dump bob@localhost {dump}")
        with open(dump, encoding="utf-8") as lines:
            self.assertEqual([json.loads(line)["body"] for line in lines], ["hello, \u00fc and <tag> & \U0001f600"])

    def test_killed_it_resumes_and_loses_nothing(self):
        driver = self.start("listen")
        driver.event("ready")
        driver.event("synced")
        self.server.message("before")
        driver.event("message", body="before")
        driver.kill()
        self.server.message("meanwhile")
        again = self.start("listen")
        self.assertTrue(again.event("ready")["resumed"])
        again.event("message", body="meanwhile")
        again.say("stop")
        self.assertEqual(again.wait(), 0)
        self.assertEqual(self.run_to_end("catchup")["caughtup"]["count"], 2)

    def test_dropped_it_resumes(self):
        driver = self.start("listen")
        driver.event("ready")
        driver.say("drop")
        self.assertEqual(driver.wait(), 0)
        ready = self.run_to_end("connect", password=None)["ready"]
        self.assertEqual((ready["resumed"], ready["bind"]), (True, "resumed"))

    def test_a_wrong_password_is_an_error_that_says_so(self):
        end = self.run_to_end("connect", password="wrong", code=1)["error"]
        self.assertEqual((end["status"], end["condition"], end["final"]), ("EPODE_EAUTH", "not-authorized", True))

    def test_a_cut_connection_is_told_and_resumed(self):
        driver = self.start("listen")
        driver.event("ready")
        self.server.say("drop-connections hard")
        self.assertEqual(driver.next("offline")["status"], "EPODE_ECONNECT")
        self.server.message("after the cut")
        self.assertTrue(driver.next("ready", timeout=40)["resumed"])
        driver.event("message", body="after the cut")
        driver.say("stop")
        self.assertEqual(driver.wait(), 0)

    def test_live_messages_are_counted(self):
        driver = self.start("count", "--count", "50", "--read")
        driver.event("ready")
        for i in range(50):
            self.server.message(f"number {i}")
        self.assertEqual(driver.event("counted")["n"], 50)
        self.assertEqual(driver.wait(), 0)

    def test_a_store_that_another_process_owns_is_refused(self):
        driver = self.start("listen")
        driver.event("ready")
        self.assertEqual(self.run_to_end("connect", code=1)["error"]["status"], "EPODE_EBUSY")
        driver.say("stop")
        self.assertEqual(driver.wait(), 0)


def main():
    """Of the languages that are named, or of all."""
    made = {}
    for language, command in drivers().items():
        if sys.argv[1:] and language not in sys.argv[1:]:
            continue
        made[language] = type(f"{language}Scenario", (Scenario,), {"command": command})
    suite = unittest.TestSuite()
    for cls in made.values():
        suite.addTests(unittest.defaultTestLoader.loadTestsFromTestCase(cls))
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    failed = len({test.id() for test, _ in result.failures + result.errors})
    print(f"{result.testsRun - failed} passed, {failed} failed", flush=True)
    raise SystemExit(1 if failed or not result.testsRun else 0)


if __name__ == "__main__":
    main()
