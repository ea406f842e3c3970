"""Who is there, and everything that changes, through the program."""
import threading
import time

import harness


class People(harness.Case):
    def serve_friends(self):
        server = self.serve()
        server.say("roster-put alice bob@localhost both Bob")
        server.say("roster-put bob alice@localhost both")
        return server

    def run_as(self, server, command, *extra, user="alice"):
        cmd = self.command(server, command=command, db=self.db(f"{user}-{command}.db"),
                           extra=("--jid", f"{user}@localhost") + extra)
        return self.run_command(cmd, f"{user}-pw")

    def watch(self, server):
        cmd = self.command(server, command="watch", extra=("--jid", "alice@localhost"))
        watcher = harness.Listener(cmd, self.env("alice-pw"))
        self.addCleanup(lambda: watcher.proc.poll() is None and watcher.kill())
        watcher.until(lambda o: o["event"] == "sync" and o["synced"])
        return watcher

    def bob(self, server):
        listener = self.listen(server, password="bob-pw", jid="bob@localhost", db=self.db("bob.db"))
        listener.ready()
        return listener

    def test_who_is_there_is_printed_with_every_resource(self):
        server = self.serve_friends()
        r = self.run_as(server, "presence")
        self.assertEqual((r.code, r.objects), (0, []), r.err)
        bob = self.bob(server)
        r = self.run_as(server, "presence")
        self.assertEqual((r.code, len(r.objects)), (0, 1), r.err)
        one = r.objects[0]
        self.assertEqual((one["jid"].split("/")[0], one["show"], one["priority"], one["software"]),
                         ("bob@localhost", "online", 0, "urn:x-epode"))
        self.assertEqual(len(self.run_as(server, "presence", "bob@localhost").objects), 1)
        self.assertEqual(self.run_as(server, "presence", "carol@localhost").objects, [])
        bob.stop()
        self.assertEqual(self.run_as(server, "presence", "a", "b").code, 1)
        r = self.run_as(server, "presence", user="mallory")
        self.assertNotEqual(r.code, 0)
        self.assertEqual(r.error["status"], "EPODE_EAUTH")

    def test_a_contact_whose_server_answers_late_is_printed_too(self):
        server = self.serve_friends()

        def answer():
            while not server.say("dump")["counters"].get("sessions"):
                time.sleep(0.01)
            time.sleep(0.4)
            server.say("stanza alice <presence from='bob@localhost/far' to='alice@localhost'><show>xa</show></presence>")
        late = threading.Thread(target=answer)
        late.start()
        r = self.run_as(server, "presence")
        late.join()
        self.assertEqual([(o["jid"], o["show"]) for o in r.objects], [("bob@localhost/far", "xa")], r.err)

    def test_everything_that_changes_is_one_line_each(self):
        server = self.serve_friends()
        watcher = self.watch(server)
        bob = self.bob(server)
        o = watcher.until(lambda o: o["event"] == "presence")
        self.assertEqual((o["peer"], o["show"], o["from"].split("/")[0]), ("bob@localhost", "online", "bob@localhost"))
        server.say("stanza alice <message from='bob@localhost/x' to='alice@localhost' type='chat'>"
                   "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
        o = watcher.until(lambda o: o["event"] == "chat-state")
        self.assertEqual((o["peer"], o["from"], o["state"]), ("bob@localhost", "bob@localhost/x", "composing"))
        server.say("message bob@localhost/x alice@localhost hello there")
        o = watcher.until(lambda o: o["event"] == "message")
        self.assertEqual((o["body"], o["change"], o["outgoing"]), ("hello there", "new", False))
        server.say("blocking alice block spam.example")
        o = watcher.until(lambda o: o["event"] == "blocking" and o["peer"])
        self.assertEqual((o["peer"], o["blocked"]), ("spam.example", True))
        server.say("roster-put alice carol@localhost to Carol")
        o = watcher.until(lambda o: o["event"] == "roster" and o["peer"] == "carol@localhost")
        self.assertEqual(o["changed"], ["added"])
        stanza_id = server.say("message bob@localhost/x alice@localhost read elsewhere")
        self.assertTrue(stanza_id["ok"])
        watcher.message("read elsewhere")
        bob.stop()
        o = watcher.until(lambda o: o["event"] == "presence" and o["show"] == "offline")
        self.assertEqual(o["peer"], "bob@localhost")
        server.say("drop-connections hard")
        watcher.until(lambda o: o["event"] == "state" and o["state"] in ("offline", "connecting"))
        watcher.until(lambda o: o["event"] == "state" and o["state"] == "ready")
        self.assertEqual(watcher.stop(), 0)


if __name__ == "__main__":
    harness.main()
