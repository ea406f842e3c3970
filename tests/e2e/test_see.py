"""What is drawn of a start: well-formed, complete, and without what must not be shown."""
import os
import xml.etree.ElementTree as ET

import harness
from dns import Dns

SVG = "{http://www.w3.org/2000/svg}"
DOMAIN = "example.test"


class See(harness.Case):
    def drawing(self, server, *extra, name="start.svg", **kw):
        path = os.path.join(self.tmp, name)
        summary = self.connect(server, "--svg", path, *extra, **kw).summary
        with open(path, encoding="utf-8") as f:
            return summary, ET.fromstring(f.read())

    def titles(self, drawing):
        return [g.find(SVG + "title").text for g in drawing.iter(SVG + "g")]

    def texts(self, drawing):
        return [t.text or "" for t in drawing.iter(SVG + "text")]

    def complete(self, summary, drawing):
        titles, texts = self.titles(drawing), self.texts(drawing)
        for flight in summary["flights"]:
            self.assertEqual(flight["layer"] in ("tls", "xmpp"), flight["bytes_out"] > 0 and flight["bytes_in"] > 0, flight)
            if flight["layer"] != "tcp":
                self.assertIn(f"{flight['layer']}: {flight['held']}", titles)
        self.assertEqual(sum(t.startswith("tcp: ") for t in titles), len(summary["attempts"]))
        self.assertTrue(any(f" and {summary['waits']['total']} wait" in t for t in texts), texts)
        self.assertIn(summary["jid"], texts)
        # Every wait has its number, and no number is there twice.
        numbers = [n for t in drawing.iter(SVG + "text") if t.get("class") == "number" for n in t.text.split("\u2013")]
        self.assertEqual((numbers[0], numbers[-1]), ("1", str(summary["waits"]["total"])))
        self.assertEqual(len(numbers), len(set(numbers)))
        self.assertTrue(any(t.startswith("ready ") for t in texts) and any(t.startswith("synced ") for t in texts))

    def test_a_drawing_has_every_flight_and_every_wait(self):
        server = self.serve()
        server.say("archive-add alice@localhost bob@localhost 120")
        for tls in ("direct", "starttls"):
            for start in ("cold", "warm"):
                with self.subTest(tls=tls, start=start):
                    summary, drawing = self.drawing(server, tls=tls, db=self.db(tls))
                    self.complete(summary, drawing)

    def test_nothing_but_the_drawing_is_in_it(self):
        server = self.serve()
        self.drawing(server)
        _, drawing = self.drawing(server)
        allowed = {SVG + t for t in ("svg", "title", "style", "rect", "line", "g", "text")}
        self.assertEqual({e.tag for e in drawing.iter()} - allowed, set())
        for element in drawing.iter():
            self.assertFalse([a for a in element.attrib if "href" in a or a.startswith("on")])
        with open(os.path.join(self.tmp, "start.svg"), encoding="utf-8") as f:
            self.assertNotIn("alice-pw", f.read())

    def test_what_others_name_is_escaped(self):
        server = self.serve()
        summary, drawing = self.drawing(server, "--tag", "a<b>&\"c\"]]>")
        self.assertIn("a<b>&\"c\"]]>", summary["jid"])
        self.complete(summary, drawing)

    def test_attempts_that_lost_the_race_are_shown_with_their_reason(self):
        server = self.serve("--domain", DOMAIN)
        dns = Dns({(f"_xmpps-client._tcp.{DOMAIN}", "SRV"): [(1, 1, 1, f"dead.{DOMAIN}"), (2, 1, server.direct, f"xmpp.{DOMAIN}")],
                   (f"xmpp.{DOMAIN}", "A"): ["127.0.0.1"], (f"dead.{DOMAIN}", "A"): ["127.0.0.1"]})
        self.addCleanup(dns.close)
        path = os.path.join(self.tmp, "race.svg")
        summary = self.run_command([harness.EPODE, "connect", f"alice@{DOMAIN}", "--dns", dns.address, "--ca", server.ca,
                                    "--tls", "direct", "--db", self.db(), "--json", "--svg", path], "alice-pw").summary
        self.assertEqual([(a["port"], a["won"]) for a in summary["attempts"]], [(1, False), (server.direct, True)])
        self.assertIn("refused", summary["attempts"][0]["failure"])
        drawing = ET.parse(path).getroot()
        self.complete(summary, drawing)
        self.assertTrue(any("refused" in t for t in self.texts(drawing)))

    def test_of_a_long_race_the_beginning_and_the_winner_are_kept(self):
        server = self.serve("--domain", DOMAIN)
        dead = {(f"dead{n}.{DOMAIN}", "A"): [f"127.0.{n}.{i}" for i in range(1, 6)] for n in (1, 2)}
        srv = [(1, 1, 1, f"dead1.{DOMAIN}"), (2, 1, 1, f"dead2.{DOMAIN}"), (3, 1, server.direct, f"xmpp.{DOMAIN}")]
        dns = Dns({(f"_xmpps-client._tcp.{DOMAIN}", "SRV"): srv, (f"xmpp.{DOMAIN}", "A"): ["127.0.0.1"], **dead})
        self.addCleanup(dns.close)
        path = os.path.join(self.tmp, "race.svg")
        summary = self.run_command([harness.EPODE, "connect", f"alice@{DOMAIN}", "--dns", dns.address, "--ca", server.ca,
                                    "--tls", "direct", "--db", self.db(), "--json", "--svg", path], "alice-pw").summary
        attempts = summary["attempts"]
        self.assertEqual([a["won"] for a in attempts], [False] * 7 + [True])
        self.assertEqual([a["host"] for a in attempts], [f"dead1.{DOMAIN}"] * 5 + [f"dead2.{DOMAIN}"] * 2 + [f"xmpp.{DOMAIN}"])
        self.assertEqual([a["began_ms"] for a in attempts], sorted(a["began_ms"] for a in attempts))
        self.complete(summary, ET.parse(path).getroot())

    def test_what_was_guessed_wrong_is_said_in_words(self):
        server = self.serve()
        self.connect(server).summary
        server.say("forget-tokens")
        summary, drawing = self.drawing(server)
        self.assertIn("token", [f["what"] for f in summary["fallbacks"]])
        self.complete(summary, drawing)
        self.assertTrue(any("the remembered token was refused" in t for t in self.texts(drawing)))

    def test_the_time_in_which_nobody_answered_is_shown(self):
        server = self.serve()
        self.connect(server).summary
        server.fault("no-pipelining", "hang")
        summary, drawing = self.drawing(server)
        self.assertEqual([f["what"] for f in summary["fallbacks"]], ["pipelined-authentication"])
        self.complete(summary, drawing)
        self.assertEqual(self.titles(drawing).count("silence"), 1)
        self.assertTrue(any("sent ahead was not taken" in t for t in self.texts(drawing)))

    def test_a_drawing_that_cannot_be_written_is_an_error(self):
        r = self.connect(self.serve(), "--svg", os.path.join(self.tmp, "no", "such", "place.svg"))
        self.assertEqual((r.code, r.error["status"]), (1, "EPODE_EINVAL"))


if __name__ == "__main__":
    harness.main()
