"""The roster, presence, blocking, rooms, bookmarks."""
import asyncio
import time

import epode
from fixture import TIME, Case, main


class People(Case):
    async def test_roster(self):
        async with self.client() as client:
            await self.online(client)
            told = asyncio.ensure_future(self.until(client, epode.RosterEvent, lambda e: e.peer == "bob@localhost"))
            await client.roster_set("bob@localhost", "Bob \u00fc", ["friends", "a & b"])
            self.assertTrue((await told).change & epode.RosterChange.ADDED)
            contact = client.store.contact("bob@localhost")
            self.assertEqual((contact.name, contact.groups), ("Bob \u00fc", ("a & b", "friends")))
            self.assertEqual(client.roster(), [contact])
            self.assertIsNone(client.store.contact("nobody@localhost"))
            await client.roster_remove("bob@localhost")
            await self.condition(lambda: client.roster() == [])
            with self.assertRaises(epode.InvalidArgumentError):
                await client.roster_set("alice@localhost")

    async def test_subscription_presence_and_chat_states(self):
        async with self.client() as alice, self.client("bob") as bob:
            await asyncio.gather(self.online(alice), self.online(bob))
            asked = asyncio.ensure_future(self.until(bob, epode.SubscriptionEvent))
            alice.subscription("bob@localhost", epode.SubscriptionStep.SUBSCRIBE)
            event = await asked
            self.assertEqual((event.peer, event.step), ("alice@localhost", epode.SubscriptionStep.SUBSCRIBE))
            there = asyncio.ensure_future(self.until(alice, epode.PresenceEvent,
                                                     lambda e: e.peer == "bob@localhost" and e.show == epode.Show.AWAY))
            bob.subscription("alice@localhost", epode.SubscriptionStep.SUBSCRIBED)
            bob.set_presence(epode.Show.AWAY, "out for lunch", 5)
            self.assertEqual(bob.own_presence(), (epode.Show.AWAY, "out for lunch", 5))
            jid = (await there).sender
            presence, = alice.presences("bob@localhost")
            self.assertEqual((presence.jid, presence.show, presence.status, presence.priority),
                             (jid, epode.Show.AWAY, "out for lunch", 5))
            self.assertIn(presence, alice.presences())
            self.assertTrue(await alice.contact_has(jid, "urn:xmpp:ping"))
            self.assertFalse(await alice.contact_has(jid, "urn:example"))
            there_now = await alice.time(jid)
            self.assertLess(abs(there_now.utc_ms - time.time() * 1000), 60000)
            self.assertEqual(there_now.time.utcoffset().total_seconds(), there_now.offset_min * 60)
            self.assertEqual(await alice.last_activity(jid), 0)
            with self.assertRaises(epode.StateError):
                await alice.contact_has("nobody@localhost/x", "urn:xmpp:ping")
            writes = asyncio.ensure_future(self.until(bob, epode.ChatStateEvent))
            await asyncio.sleep(0)
            if alice.chat_state(jid, epode.ChatState.COMPOSING):
                self.assertEqual((await writes).state, epode.ChatState.COMPOSING)
            else:
                writes.cancel()
            alice.send_presence(jid, epode.Show.DND)

    async def test_blocking(self):
        async with self.client(flags=epode.Flags.BLOCK_LIST) as client:
            await self.online(client)
            told = asyncio.ensure_future(self.until(client, epode.BlockingEvent, lambda e: e.peer == "bad.example"))
            await client.block("bad.example", "spam@localhost")
            self.assertTrue((await told).blocked)
            await self.condition(lambda: sorted(client.blocked()) == ["bad.example", "spam@localhost"])
            self.assertTrue(client.store.is_blocked("somebody@bad.example/x"))
            self.assertFalse(client.store.is_blocked("bob@localhost"))
            await client.unblock()
            await self.condition(lambda: client.blocked() == [])
            with self.assertRaises(epode.InvalidArgumentError):
                await client.block()


class Rooms(Case):
    ROOM = "tea@rooms.localhost"

    async def test_being_in_one(self):
        async with self.client() as alice, self.client("bob") as bob:
            await asyncio.gather(self.online(alice), self.online(bob))
            room = await alice.join(self.ROOM, "Alice", timeout=TIME)
            self.assertTrue(room.joined)
            self.assertEqual([(o.nick, o.self) for o in room.occupants], [("Alice", True)])
            came = asyncio.ensure_future(self.until(alice, epode.RoomEvent,
                                                    lambda e: e.change == epode.RoomChange.OCCUPANT_CAME))
            with self.assertRaises(epode.StanzaError) as caught:
                await bob.join(self.ROOM, "Alice", timeout=TIME)
            self.assertEqual(caught.exception.condition, "conflict")
            room = await bob.join(self.ROOM, "Alice", flags=epode.RoomFlags.OTHER_NICK, timeout=TIME)
            self.assertEqual(room.nick, "Alice_")
            self.assertEqual((await came).nick, "Alice_")
            await alice.send(self.ROOM, "tea?", type="groupchat")
            while not any(m.body == "tea?" for m in bob.store.messages(archive=self.ROOM)):
                await self.until(bob, epode.MessageEvent)
            subject = asyncio.ensure_future(self.until(
                bob, epode.RoomEvent, lambda e: e.change == epode.RoomChange.SUBJECT and e.text == "Tea & cake"))
            await asyncio.sleep(0)
            alice.set_subject(self.ROOM, "Tea & cake")
            await subject
            self.assertEqual(bob.room(self.ROOM).subject, "Tea & cake")
            self.assertEqual([r.jid for r in bob.rooms()], [self.ROOM])
            left = asyncio.ensure_future(self.until(
                alice, epode.RoomEvent, lambda e: e.change == epode.RoomChange.OCCUPANT_LEFT))
            self.assertTrue(await bob.leave(self.ROOM.upper(), "bye"))
            self.assertEqual(((await left).nick, left.result().left), ("Alice_", epode.RoomLeft.SELF))
            self.assertEqual(bob.rooms(), [])
            self.assertFalse(await bob.leave(self.ROOM))
            self.assertEqual((await bob.join("TEA@rooms.LOCALHOST", "Bob", timeout=TIME)).jid, self.ROOM)
            self.assertEqual((await bob.join("TEA@rooms.LOCALHOST", "Bob", timeout=TIME)).nick, "Bob")
            self.assertEqual((await bob.join("TEA@rooms.LOCALHOST", "Robert", timeout=TIME)).nick, "Robert")
            with self.assertRaises(epode.InvalidArgumentError):
                await bob.join("not a room", "x")

    async def test_one_that_refuses(self):
        self.server.fault("room-refuse", "auth/forbidden")
        async with self.client() as client:
            await self.online(client)
            with self.assertRaises(epode.StanzaError) as caught:
                await client.join(self.ROOM, "Alice", timeout=TIME)
            self.assertEqual(caught.exception.condition, "forbidden")

    async def test_bookmarks_that_are_not_read_at_all_cannot_be_changed(self):
        async with self.client(flags=epode.Flags.NO_BOOKMARKS) as client:
            await self.online(client)
            with self.assertRaises(epode.StateError):
                await client.bookmark_set(epode.Bookmark(self.ROOM))

    async def test_bookmarks(self):
        async with self.client() as client:
            with self.assertRaises(epode.StateError):
                await client.bookmark_set(epode.Bookmark(self.ROOM))
            await client.ready(TIME)  # they may not be read yet: that is waited for
            bookmark = epode.Bookmark(self.ROOM, "Tea", "Alice", "s3cret", autojoin=False)
            self.assertNotIn("s3cret", repr(bookmark))
            await client.bookmark_set(bookmark)
            await self.condition(lambda: client.bookmarks() == [bookmark])
            self.assertTrue(await client.bookmark_remove(self.ROOM))
            await self.condition(lambda: client.bookmarks() == [])
            self.assertFalse(await client.bookmark_remove(self.ROOM))
            with self.assertRaises(epode.InvalidArgumentError):
                await client.bookmark_remove("not a room")


class SlowRooms(Case):
    server_args = ("--rtt", "200")

    async def test_bookmarks_are_changed_once_they_were_read(self):
        async with self.client() as client:
            await client.ready(TIME)
            await client.bookmark_set(epode.Bookmark(Rooms.ROOM))
            self.assertIn(Rooms.ROOM, str(self.server.say("pep-dump alice")))


if __name__ == "__main__":
    main()
