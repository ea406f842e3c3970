"""What a client does, against the reference server."""
import asyncio
import contextlib
import datetime
import xml.etree.ElementTree as ET

import epode
from fixture import TIME, Case, main


class Start(Case):
    async def test_cold_then_warm_in_one_wait_without_a_password(self):
        async with self.client() as client:
            session = await client.ready(TIME)
            self.assertEqual((session.bind, session.token), (epode.Bind.BIND2, epode.Token.NEW))
            self.assertEqual(session.features, set(epode.Feature))
            self.assertEqual(session.tls.version, "TLSv1.3")
            self.assertEqual(client.state, epode.State.READY)
        self.assertTrue(client.closed)
        async with self.client(password=None) as client:
            session = await client.ready(TIME)
            self.assertEqual(session.waits.xmpp, 1)
            self.assertTrue(session.mechanism.startswith("HT-"))
            self.assertTrue(session.tls.resumed)
            held = [flight.held for flight in session.flights if flight.layer == "xmpp"]
            self.assertTrue(held[0].startswith("header authenticate"), held)
            self.assertTrue(session.attempts[0].won)
            self.assertGreaterEqual(session.ready_us, session.flights[0].answered_us)

    async def test_why_a_feature_is_not_on(self):
        async with self.client(flags=epode.Flags.NO_CARBONS) as client:
            session = await client.ready(TIME)
            self.assertEqual(session.why_not, {epode.Feature.CARBONS: "not-wanted"})

    async def test_what_a_server_of_the_first_drafts_says(self):
        self.server.feature("bind2", "off")
        self.server.feature("bind2-draft", "on")
        self.server.message("one")
        async with self.client() as client:
            session = await client.ready(TIME)
            self.assertEqual(session.bind, epode.Bind.DRAFT)
            self.assertEqual([unread.jid for unread in session.server_unread], ["bob@localhost"])
        self.server.feature("bind2-draft", "off")
        self.server.feature("bind2", "on")
        async with self.client(store=None) as client:
            session = await client.ready(TIME)
            self.assertIsNone(session.server_unread)
            self.assertEqual(session.archive.first_id, session.archive.last_id)
            self.assertEqual(session.resume_s, 600)

    async def test_what_was_guessed_wrong_is_told(self):
        async with self.client() as client:
            await client.ready(TIME)
        self.server.say("forget-tokens alice")
        async with self.client() as client:
            self.assertEqual([fallback.what for fallback in (await client.ready(TIME)).fallbacks], ["token"])

    async def test_a_wrong_password_is_an_auth_error(self):
        async with self.client(password="wrong") as client:
            with self.assertRaises(epode.AuthError) as caught:
                await client.ready(TIME)
            self.assertEqual(caught.exception.condition, "not-authorized")
            self.assertEqual(caught.exception.status, epode.Status.AUTH)
            self.assertTrue(caught.exception.final)
            self.assertNotIn("wrong", str(caught.exception))

    async def test_a_certificate_that_is_not_trusted(self):
        async with self.client(ca_file=None, flags=epode.Flags.NO_RECONNECT) as client:
            with self.assertRaises(epode.CertificateError):
                await client.ready(TIME)

    async def test_nobody_listens(self):
        port = self.server.direct
        self.server.end()
        async with self.client(port=port, flags=epode.Flags.NO_RECONNECT) as client:
            with self.assertRaises(epode.ConnectError) as caught:
                await client.ready(TIME)
            self.assertIsInstance(caught.exception, ConnectionError)
        self.server.start()

    async def test_a_deadline_says_what_is_wrong(self):
        self.server.fault("silent-after-header", "on")
        async with self.client() as client:
            with self.assertRaises(TimeoutError):
                await client.ready(0.2)

    async def test_options_that_are_wrong(self):
        for more in ({"port": 70000}, {"tls": 7}, {"keepalive": -1}, {"tag": "\0"}, {"software": "\ud800"},
                     {"client_key_file": "x"}):
            with self.subTest(more):
                client = self.client(**more)
                with self.assertRaises(epode.InvalidArgumentError):
                    client.open()
                self.assertTrue(client.closed)
        with self.assertRaises(ValueError):
            epode.Client("nobody").open()

    async def test_a_store_that_is_owned_is_busy(self):
        async with self.client() as client:
            await client.ready(TIME)
            with self.assertRaises(epode.StoreBusyError) as caught:
                self.client().open()
            self.assertIsInstance(caught.exception, epode.StoreError)

    async def test_a_store_that_is_none(self):
        with open(self.db(), "w", encoding="utf-8") as file:
            file.write("this is no database at all, though it is long enough to be one" * 20)
        with self.assertRaises(epode.StoreCorruptError):
            self.client().open()
        with self.assertRaises(epode.StoreError):
            epode.Store(self.db("missing.db"))

    async def test_what_only_a_stopped_client_does(self):
        async with self.client() as client:
            await client.ready(TIME)
            for call in (lambda: client.forget(epode.Forget.TOKEN), client.unpin):
                with self.assertRaises(epode.StateError):
                    call()
            client.stop()
            await self.until(client, epode.StateEvent, lambda e: e.state == epode.State.STOPPED)
            client.forget(epode.Forget.TOKEN | epode.Forget.SESSION)
            client.unpin()
            client.start()
            self.assertTrue((await client.ready(TIME)).mechanism.startswith("SCRAM"))

    async def test_before_it_is_open(self):
        client = self.client()
        self.assertTrue(client.closed)
        with self.assertRaises(epode.StateError):
            await client.ready()
        with self.assertRaises(epode.StateError):
            async for _ in client.events():
                pass
        await client.close()


    async def test_synced_whenever_it_is_asked_for(self):
        self.server.say("archive-add alice@localhost bob@localhost 120")
        async with self.client() as client:
            session = await client.synced(TIME)
            self.assertGreaterEqual(session.synced_us, 0)
            self.assertEqual(len(list(client.store.messages())), 120)
            self.assertEqual((await client.synced(0)).jid, session.jid)
        with self.assertRaises(epode.AuthError):
            async with self.client(password="wrong", store=None) as client:
                await client.synced(TIME)
        self.server.fault("ignore-iq", "on")
        async with self.client(flags=epode.Flags.NO_SYNC, store=None) as client:
            await client.synced(TIME)
        async with self.client(store=None) as client:
            with self.assertRaises(epode.DeadlineError):
                await client.synced(0.5)
        self.server.fault("ignore-iq", "off")
        self.server.fault("no-mam", "on")
        async with self.client(store=None) as client:
            for _ in range(2):
                with self.assertRaises(epode.StanzaError) as refused:
                    await client.synced(TIME)
            self.assertEqual(refused.exception.text, "the server has no archive, or refuses to show it")
        self.assertEqual((str(epode.State.READY), f"{epode.Status.AUTH}"), ("State.READY", "Status.AUTH"))


class Messages(Case):
    async def test_to_somebody_and_back(self):
        async with self.client() as alice, self.client("bob") as bob:
            await asyncio.gather(self.online(alice), self.online(bob))
            sent = await alice.send("bob@localhost", "hello, \u00fc \U0001f600 <&>")
            self.assertGreaterEqual(await sent.delivered(timeout=TIME), epode.Delivery.ACKNOWLEDGED)
            self.assertGreaterEqual(await sent.delivered(timeout=0), epode.Delivery.ACKNOWLEDGED)
            got = await self.arrives(bob, "hello, \u00fc \U0001f600 <&>")
            self.assertEqual((got.peer, got.outgoing, got.type), ("alice@localhost", False, "chat"))
            await bob.send("alice@localhost", "an answer", reply_id=got.id, reply_to="alice@localhost")
            answer = await self.arrives(alice, "an answer")
            self.assertEqual(answer.reply_id, got.id)
            mine = alice.message(sent.row)
            self.assertIn("hello", mine.xml)
            self.assertEqual(mine.time.tzinfo.utcoffset(None).total_seconds(), 0)

    async def test_correction_reaction_retraction(self):
        async with self.client() as alice, self.client("bob") as bob:
            await asyncio.gather(self.online(alice), self.online(bob))
            await alice.send("bob@localhost", "helo", id="m1")
            got = await self.arrives(bob, "helo")
            await alice.send("bob@localhost", "hello", replace_id="m1")
            self.assertTrue((await self.arrives(bob, "hello")).edited)
            await bob.send("alice@localhost", react_id=got.id, reactions="\U0001f44d")
            row = next(alice.store.messages()).row
            await self.until(alice, epode.MessageEvent, lambda e: bool(alice.message(row).reactions))
            self.assertEqual([(r.author, r.text, r.outgoing) for r in alice.message(row).reactions],
                             [(bob.session.jid, "\U0001f44d", False)])
            await alice.send("bob@localhost", retract_id="m1", xml="<x xmlns='urn:example'/>")
            await self.until(bob, epode.MessageEvent, lambda e: bob.message(got.row).retracted)

    async def test_a_message_that_is_refused(self):
        async with self.client() as client:
            await self.online(client)
            sent = await client.send("nobody@localhost", "hello")
            with self.assertRaises(epode.DeliveryError) as caught:
                await sent.delivered(epode.Delivery.RECEIVED, timeout=TIME)
            self.assertEqual(caught.exception.condition, "service-unavailable")
            with self.assertRaises(epode.InvalidArgumentError):
                await client.send("bob@localhost", "x", xml="<not closed>")
            with self.assertRaisesRegex(epode.InvalidArgumentError, "a JID to go to"):
                await client.send("", "x")
            with self.assertRaisesRegex(epode.InvalidArgumentError, "a room is a bare JID"):
                await client.join("no room", "al")

    async def test_sent_while_offline_it_leaves_later(self):
        client = self.client()
        client.open()
        sent = await client.send("bob@localhost", "later")
        with self.assertRaises(epode.DeadlineError):
            await sent.delivered(timeout=0.05)
        client.start()
        await sent.delivered(timeout=TIME)
        await client.close()

    async def test_every_event_once_and_what_nobody_took_waits(self):
        async with self.client() as client:
            await self.online(client)
            for i in range(20):
                self.server.message(f"number {i}")
            seen = []
            async for event in client.events():
                if isinstance(event, epode.MessageEvent) and (message := event.incoming):
                    seen.append(message.body)
                    if len(seen) == 7:
                        break
            await self.arrives(client, "number 19")  # beside the iterators: it takes nothing away
            async for event in client.events():
                if isinstance(event, epode.MessageEvent) and (message := event.incoming):
                    seen.append(message.body)
                    if len(seen) == 20:
                        break
            self.assertEqual(seen, [f"number {i}" for i in range(20)])
            self.assertEqual(client.missed_events, 0)

    async def test_history_and_search(self):
        self.server.say("archive-add alice@localhost bob@localhost 250")
        async with self.client() as client:
            await self.online(client)
            newest = [m.body.split()[0] async for m in client.history("bob@localhost", limit=3)]
            self.assertEqual(newest, ["#250", "#249", "#248"])
            oldest = [m async for m in client.history(newest_first=False)]
            self.assertEqual([m.body.split()[0] for m in oldest], [f"#{i}" for i in range(1, 251)])
            row = oldest[99].row
            self.assertEqual([m.row async for m in client.history(from_row=row, newest_first=False, limit=1)],
                             [oldest[100].row])
            later = [m async for m in client.history(from_time=oldest[200].time, newest_first=False, limit=1)]
            self.assertGreaterEqual(later[0].time_ms, oldest[200].time_ms)
            await self.condition(lambda: [m.body.split()[0] for m in client.search("#77")] == ["#77"])
            self.assertEqual(client.holes(), [])
            first, last = client.store.extent()
            self.assertEqual((first, last), (oldest[0].archive_id, oldest[-1].archive_id))
            with epode.Store(self.db()) as store:
                self.assertEqual(len(list(store.messages(xml=True))), 250)
                with self.assertRaises(epode.StateError):
                    messages = store.messages()
                    store.close()
                    next(messages)

    async def test_history_is_filled_as_far_as_it_goes(self):
        self.server.say("archive-add alice@localhost bob@localhost 300")
        async with self.client(first_sync_messages=50) as client:
            await self.online(client)
            held = len(list(client.store.messages()))
            self.assertLess(held, 300)
            self.assertEqual(len(client.holes()), 1)
            got = [m.body.split()[0] async for m in client.history(fill=True)]
            self.assertEqual(got, [f"#{i}" for i in range(300, 0, -1)])
            self.assertFalse(await client.fill(timeout=TIME))

    async def test_a_rooms_history_is_filled_too(self):
        room = "long@rooms.localhost"
        self.server.say("room-create long")
        self.server.say(f"archive-add {room} dave 120")
        self.server.say("archive-add alice@localhost bob@localhost 90")
        numbers = [f"#{i}" for i in range(120, 0, -1)]
        for number, asked in enumerate(({"peer": room}, {"archive": room}, {"archive": room, "from_row": True},
                                        {"archive": room, "from_time": datetime.datetime(1971, 1, 1)})):
            with self.subTest(asked):
                async with self.client(first_sync_messages=20, store=self.db(f"{number}.db")) as client:
                    await self.online(client)
                    await client.join(room, "al")
                    await self.condition(lambda: {hole.archive for hole in client.holes()} == {"alice@localhost", room})
                    held = [m.row for m in client.store.messages(peer=room)]
                    self.assertLess(len(held), 120)
                    self.assertEqual(client.unread(room).count, len(held))
                    account = len(list(client.store.messages()))
                    if "from_row" in asked:
                        asked = {**asked, "from_row": held[0]}
                    got = [m.body.split()[0] async for m in client.history(fill=True, **asked)]
                    # From a row or a time on, only what is older than that.
                    self.assertEqual(got, [] if "from_time" in asked else numbers[len(held):] if "from_row" in asked else numbers)
                    self.assertEqual([hole.archive for hole in client.holes()], ["alice@localhost"])
                    self.assertEqual(len(list(client.store.messages())), account)  # nothing else was asked for
                    await client.leave(room)
                    self.assertFalse(await client.fill(held[0]))  # it is not followed any more

    async def test_an_archive_that_never_ends_is_not_asked_for_ever(self):
        for fault, refused in (("mam-repeat-page", self.assertRaises(epode.ProtocolError)),
                               ("mam-no-complete", contextlib.nullcontext())):  # an empty page is its end
            with self.subTest(fault):
                self.server.say("archive-purge alice@localhost 0")
                self.server.say("archive-add alice@localhost bob@localhost 300")
                async with self.client(first_sync_messages=50, store=None) as client:
                    await self.online(client)
                    self.server.fault(fault, "on")
                    before, got = self.counter("mam-queries"), []
                    with refused:
                        async for message in client.history(fill=True):
                            got.append(message.row)
                    self.assertEqual(len(got), len(set(got)))
                    if fault == "mam-no-complete":
                        self.assertEqual((len(got), client.holes()), (300, []))
                    self.assertLess(self.counter("mam-queries") - before, 30)
                self.server.fault(fault, "off")

    async def test_what_an_archive_refuses_is_raised(self):
        self.server.say("archive-add alice@localhost bob@localhost 300")
        async with self.client(first_sync_messages=50) as client:
            await self.online(client)
            client.stop()
            await self.until(client, epode.StateEvent, lambda e: e.state == epode.State.STOPPED)
            with self.assertRaises(epode.StateError):
                await client.fill()

    async def test_conversations_unread_displayed(self):
        async with self.client() as client:
            await self.online(client)
            self.server.message("one")
            self.server.message("two")
            await self.arrives(client, "two")
            last = await self.arrives(client, "two")
            self.assertEqual(client.unread("bob@localhost").count, 2)
            self.assertEqual(client.unread("nobody@localhost"), epode.Unread(0, False))
            conversation, = client.conversations()
            self.assertEqual((conversation.peer, conversation.unread, conversation.last_row),
                             ("bob@localhost", 2, last.row))
            client.mark_displayed(last.row)
            await self.until(client, epode.UnreadEvent, lambda e: e.peer == "bob@localhost")
            self.assertEqual(client.unread("bob@localhost").count, 0)
            with self.assertRaises(epode.InvalidArgumentError):
                client.mark_displayed(4711)
            self.assertIsNone(client.message(4711))

    async def test_raw_stanzas(self):
        async with self.client(flags=epode.Flags.RAW_STANZAS) as client:
            await self.online(client)
            wanted = asyncio.ensure_future(self.until(
                client, epode.StanzaEvent, lambda e: e.element.find("{urn:example}x") is not None))
            await asyncio.sleep(0)
            stanza = ET.Element("{jabber:client}message", {"to": "alice@localhost", "type": "headline"})
            ET.SubElement(stanza, "{urn:example}x").text = "\u00fc & <>"
            client.send_stanza(stanza)
            event = await wanted
            self.assertEqual(event.element.find("{urn:example}x").text, "\u00fc & <>")
            for wrong in ("<message", "<thing/>", "<iq type='get'/>", "\ud800"):
                with self.assertRaises(epode.InvalidArgumentError):
                    client.send_stanza(wrong)


class Requests(Case):
    async def test_an_answer_an_error_and_none(self):
        ping = "<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"
        async with self.client() as client:
            with self.assertRaises(epode.StateError):
                await client.iq(ping)
            await self.online(client)
            self.assertIn("result", (await client.iq(ping)).xml)
            self.assertIn("result", (await client.iq(ET.fromstring(ping.replace("<iq", "<iq xmlns='jabber:client'")))).xml)
            with self.assertRaises(epode.StanzaError) as caught:
                await client.iq("<iq type='get' to='localhost'><x xmlns='urn:example'/></iq>")
            self.assertEqual(caught.exception.condition, "service-unavailable")
            self.assertIn("<error", caught.exception.xml)
            self.server.fault("ignore-iq", "on")
            with self.assertRaises(epode.DeadlineError):
                await client.iq(ping, timeout=0.05)
            with self.assertRaises(epode.InvalidArgumentError):
                await client.iq("<iq type='get'/>")
            for timeout in (-1, float("inf"), float("nan")):
                with self.assertRaises(epode.InvalidArgumentError):
                    await client.iq(ping, timeout=timeout)

    async def test_so_many_at_once_that_some_are_refused(self):
        async with self.client() as client:
            await self.online(client)
            self.server.fault("ignore-iq", "on")
            tasks = [asyncio.ensure_future(client.ping()) for _ in range(1100)]
            await self.condition(lambda: any(task.done() for task in tasks))
            refused = [task for task in tasks if task.done()]
            self.assertEqual({type(task.exception()) for task in refused}, {epode.LimitError})
            self.assertEqual(epode.live()["request"], 1100 - len(refused))
        for task in tasks:
            if task not in refused:
                self.assertIsInstance((await asyncio.gather(task, return_exceptions=True))[0], epode.AbortedError)

    async def test_cancelled_and_lost(self):
        async with self.client() as client:
            await self.online(client)
            self.server.fault("ignore-iq", "on")
            task = asyncio.ensure_future(client.ping())
            await self.condition(lambda: epode.live().get("request") == 1)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            await self.condition(lambda: "request" not in epode.live())
            task = asyncio.ensure_future(client.ping())
            await asyncio.sleep(0)
            client.stop()
            with self.assertRaises(epode.AbortedError):
                await task
        task = None
        async with self.client() as client:
            await client.ready(TIME)
            task = asyncio.ensure_future(client.ping())
            await asyncio.sleep(0)
        with self.assertRaises(epode.AbortedError):
            await task

    async def test_services(self):
        async with self.client() as client:
            await self.online(client)
            self.assertEqual((await client.version()).name, "epode-testserver")
            self.assertIn("rooms.localhost", [item.jid for item in await client.items()])
            with self.assertRaises(epode.StanzaError):
                await client.items("nowhere.localhost")
            self.assertTrue(client.server_has("urn:xmpp:ping"))
            self.assertFalse(client.server_has("urn:example"))
            await self.condition(lambda: client.account_has("urn:xmpp:mam:2"))
            await client.push_enable("push.localhost", "node", {"secret": "s3"})
            self.assertIn("node", str(self.server.say("push-dump alice")))
            await client.push_disable("push.localhost")
            self.assertNotIn("node", str(self.server.say("push-dump alice")))
            slot = await client.upload_slot("a.txt", 100, "text/plain")
            self.assertTrue(slot.put_url.startswith("https://") and slot.get_url.startswith("https://"))
            with self.assertRaises(epode.LimitError) as caught:
                await client.upload_slot("a.txt", 10**7)
            self.assertEqual(caught.exception.max_bytes, 1000000)
            self.server.fault("upload-quota", "1")
            with self.assertRaises(epode.StanzaError) as refused:
                await client.upload_slot("a.txt", 100)
            self.assertGreater(refused.exception.retry_ms, 1800000000000)

    async def test_several_resources(self):
        self.server.feature("unbind", "on")
        async with self.client(flags=epode.Flags.MULTI_RESOURCE) as client:
            await self.online(client)
            jid = await client.resource_bind("other")
            self.assertEqual(client.resources()[1], jid)
            with self.assertRaises(epode.StateError) as caught:
                await client.resource_bind("other")
            self.assertIn("bound", str(caught.exception))
            told = asyncio.ensure_future(self.until(client, epode.MessageEvent, lambda e: e.resource is not None))
            async with self.client("bob") as bob:
                await self.online(bob)
                await bob.send(jid, "to the other one")
                self.assertEqual((await told).resource, jid)
            self.assertEqual(await client.resource_unbind("other"), jid)
            self.assertEqual(len(client.resources()), 1)


if __name__ == "__main__":
    main()
