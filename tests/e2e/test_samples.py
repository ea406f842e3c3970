"""The small samples do what they say."""
import os
import subprocess

import harness

SAMPLES = os.path.join(harness.BUILD, "samples")


class Samples(harness.Case):
    def env_of(self, server, store="sample.db"):
        env = dict(os.environ, EPODE_JID="alice@localhost", EPODE_PASSWORD="alice-pw", EPODE_STORE=self.db(store),
                   EPODE_HOST="127.0.0.1", EPODE_PORT=str(server.direct), EPODE_CA=server.ca)
        return env

    def sample(self, name, server, *args, stdin="", **kw):
        path = os.path.join(SAMPLES, "sample-" + name)
        return subprocess.run([path, *args], input=stdin, capture_output=True, text=True, timeout=harness.PATIENCE, check=False,
                              env=self.env_of(server, **kw))

    def running(self, name, server, *args):
        p = subprocess.Popen([os.path.join(SAMPLES, "sample-" + name), *args], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env_of(server))

        def end():
            p.kill()
            p.wait()
            for pipe in (p.stdin, p.stdout, p.stderr):
                pipe.close()
        self.addCleanup(end)
        return p

    def dump(self, server, owner="alice"):
        path = os.path.join(self.tmp, "dump.jsonl")
        server.say(f"archive-dump {owner}@localhost {path}")
        with open(path, encoding="utf-8") as f:
            return [harness.json.loads(line) for line in f]

    def bodies(self, server):
        return [m["body"] for m in self.dump(server)]

    def test_timeline_shows_what_a_start_sent_and_the_second_one_is_shorter(self):
        server = self.serve()
        first, second = (self.sample("timeline", server) for _ in range(2))
        self.assertEqual((first.returncode, second.returncode), (0, 0), first.stderr + second.stderr)
        self.assertIn("ready as alice@localhost/", second.stdout)
        xmpp = [sum(line.startswith("xmpp") for line in r.stdout.splitlines()) for r in (first, second)]
        self.assertEqual(xmpp, [3, 1])

    def test_echo_says_back_what_it_is_told_and_once_only_but_not_history(self):
        server = self.serve()
        server.say("archive-add alice@localhost bob@localhost 30")
        p = self.running("echo", server)
        self.assertIn("here as", p.stderr.readline())
        server.message("one")
        self.until(lambda: self.bodies(server)[30:] == ["one", "one"])
        p.kill()
        p.wait()
        server.message("two")
        p = self.running("echo", server)
        self.until(lambda: self.bodies(server)[30:] == ["one", "one", "two", "two"])

    def test_echo_answers_once_whenever_it_is_killed(self):
        server = self.serve()
        server.say("archive-add alice@localhost bob@localhost 20")
        said = []

        def say(n):
            for _ in range(n):
                said.append(f"number {len(said)}")
                server.message(said[-1])

        def answers():
            return [m["body"] for m in self.dump(server, "bob") if m["from"].startswith("alice@")]
        p = self.running("echo", server)
        self.assertIn("here as", p.stderr.readline())
        say(1)
        self.until(lambda: answers() == said)
        for i in range(60):
            say(1 + i % 3)
            harness.time.sleep(0.001 * (i * 7 % 60))
            p.kill()
            p.wait()
            p = self.running("echo", server)
        say(1)
        self.until(lambda: answers()[-1] == said[-1])
        self.assertEqual(answers(), said)

    def until(self, holds, seconds=15):
        end = harness.time.monotonic() + seconds
        while not holds():
            self.assertLess(harness.time.monotonic(), end)
            harness.time.sleep(0.02)

    def test_history_goes_back_to_the_beginning_also_where_only_the_server_has_it(self):
        server = self.serve()
        server.say("archive-add alice@localhost bob@localhost 90")
        self.connect(server, "--limit", "30", db=self.db("sample.db")).summary
        r = self.sample("history", server, "bob@localhost", stdin="\n" * 10)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual([line[2:] for line in r.stdout.splitlines()], list(reversed(self.bodies(server))))

    def test_history_finds_what_is_below_that_of_others(self):
        server = self.serve()
        for peer, n in (("bob", 10), ("carol", 60), ("bob", 5)):
            server.say(f"archive-add alice@localhost {peer}@localhost {n}")
        self.connect(server, "--limit", "20", db=self.db("sample.db")).summary
        r = self.sample("history", server, "bob@localhost", stdin="\n" * 10)
        bodies = self.bodies(server)
        self.assertEqual([line[2:] for line in r.stdout.splitlines()], list(reversed(bodies[:10] + bodies[70:])))

    def test_badge_counts_what_is_unread(self):
        server = self.serve()
        p = self.running("badge", server)
        server.message("one")
        self.assertEqual(p.stdout.readline(), "1\n")
        server.message("two")
        self.assertEqual(p.stdout.readline(), "2\n")

    def test_wake_gets_what_is_new_and_leaves_no_owner(self):
        server = self.serve()
        server.message("first")
        r = self.sample("wake", server)
        self.assertEqual((r.returncode, r.stdout), (0, ""), r.stderr)  # it was there before the store
        server.message("second")
        r = self.sample("wake", server)
        self.assertEqual((r.returncode, r.stdout), (0, "bob@localhost: second\n"), r.stderr)
        with harness.sqlite3.connect(self.db("sample.db")) as c:
            self.assertEqual(c.execute("SELECT count(*) FROM lease").fetchone(), (0,))

    def test_every_loop_works(self):
        server = self.serve()
        server.message("hello")
        for name in ("loop_poll", "loop_glib", "loop_uv"):
            if not os.path.exists(os.path.join(SAMPLES, "sample-" + name)):
                print(f"left out: sample-{name} was not built, its library is not installed", flush=True)
                continue
            with self.subTest(loop=name):
                r = self.sample(name, server, store=name + ".db")
                self.assertEqual((r.returncode, r.stdout), (0, "synced\n"), r.stderr)

    def test_the_program_takes_the_same_variables(self):
        server = self.serve()
        epode = [os.path.join(SAMPLES, "epode"), "connect", "alice@localhost", "--db", self.db("cli.db"), "--json"]
        r = subprocess.run(epode, capture_output=True, text=True, timeout=harness.PATIENCE, check=False, env=self.env_of(server))
        self.assertEqual(r.returncode, 0, r.stderr)
        # What is given stands above them.
        env = dict(self.env_of(server), EPODE_HOST="nowhere.invalid", EPODE_PORT="1", EPODE_CA="/nowhere")
        given = ["--host", "127.0.0.1", "--port", str(server.direct), "--ca", server.ca]
        r = subprocess.run(epode + given, capture_output=True, text=True, timeout=harness.PATIENCE, check=False, env=env)
        self.assertEqual(r.returncode, 0, r.stderr)
        r = subprocess.run(epode, capture_output=True, text=True, timeout=harness.PATIENCE, check=False, env=dict(env, EPODE_PORT="x"))
        self.assertEqual((r.returncode, r.stderr), (1, "epode: 'x' is not a number from 1 to 65535\n"))

    def test_without_an_account_they_say_what_is_missing(self):
        r = subprocess.run([os.path.join(SAMPLES, "sample-timeline")], capture_output=True, text=True, check=False,
                           env={k: v for k, v in os.environ.items() if not k.startswith("EPODE_")})
        self.assertEqual(r.returncode, 1)
        self.assertIn("EPODE_JID", r.stderr)

    def hello(self, server, peer="bob@localhost", **env):
        return subprocess.run([os.path.join(SAMPLES, "hello"), "alice@localhost", peer, self.db(f"{peer}{len(env)}.db")],
                              capture_output=True, text=True, timeout=harness.PATIENCE, check=False, env=dict(self.env_of(server), **env))

    def test_hello_sends_its_message_or_says_why_not(self):
        server = self.serve()
        r = self.hello(server)
        self.assertEqual((r.returncode, r.stdout), (0, "ready after 3 waits of XMPP\n"), r.stderr)
        self.assertEqual(self.bodies(server), ["hello"])
        r = self.hello(server, "not a jid")
        self.assertEqual((r.returncode, r.stderr), (1, "not sent: EPODE_EINVAL\n"))
        r = self.hello(server, EPODE_PASSWORD="wrong")
        self.assertEqual((r.returncode, r.stderr), (1, "the server refused the user name or the password\n"))


if __name__ == "__main__":
    harness.main()
