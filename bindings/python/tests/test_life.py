"""The ends of a client: cancelled, forgotten, in another thread; slow consumers; loops of all kinds."""
import asyncio
import gc
import threading
import warnings

import epode
from epode import blocking
from fixture import TIME, Case, PlainCase, main


class Cancelled(Case):
    async def test_in_the_middle_of_ready(self):
        self.server.fault("silent-after-header", "on")

        async def work():
            async with self.client() as client:
                await client.ready()
        task = asyncio.ensure_future(work())
        await self.condition(lambda: epode.live().get("client"))
        await self.condition(lambda: self.counter("connections"))
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertEqual(epode.live(), {})

    async def test_in_the_middle_of_history(self):
        self.server.say("archive-add alice@localhost bob@localhost 300")
        seen = []

        async def work(client):
            async for message in client.history():
                seen.append(message)
                await asyncio.sleep(0)
        async with self.client() as client:
            await self.online(client)
            task = asyncio.ensure_future(work(client))
            await self.condition(lambda: len(seen) > 10)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertLess(len(seen), 300)
            del task
            await self.condition(lambda: "cursor" not in epode.live())

    async def test_in_the_middle_of_filling(self):
        self.server.say("archive-add alice@localhost bob@localhost 300")
        async with self.client(first_sync_messages=50) as client:
            await self.online(client)
            self.server.fault("mam-delay", "60000")
            asked = self.counter("mam-queries")
            task = asyncio.ensure_future(client.fill())
            await self.condition(lambda: self.counter("mam-queries") > asked)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            with self.assertRaises(epode.DeadlineError):
                await client.fill(timeout=0.05)

    async def test_in_the_middle_of_close_it_is_over_at_once(self):
        client = self.client()
        client.open()
        client.start()
        await self.online(client)
        self.server.fault("delay-answers", "60000")
        task = asyncio.ensure_future(client.close(timeout=3600))
        await asyncio.sleep(0)  # the stream is being closed
        task.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await task
        self.assertTrue(client.closed)

    async def test_what_waits_when_it_is_closed_hears_of_it(self):
        client = self.client()
        client.open()
        waits = [asyncio.ensure_future(client.wait_for(epode.SyncEvent)),
                 asyncio.ensure_future((await client.send("bob@localhost", "x")).delivered())]
        events = [event async for event in client.events() if client.abort() is None]  # ends at the first one
        for wait in waits:
            with self.assertRaises(epode.StateError):
                await wait
        self.assertTrue(client.closed and events is not None)


class Consumers(Case):
    async def test_one_that_fails_ends_the_client_cleanly(self):
        with self.assertRaises(ZeroDivisionError):
            async with self.client() as client:
                await client.ready(TIME)
                async for event in client.events():
                    1 / 0
        self.assertTrue(client.closed)

    async def test_one_that_is_slow_loses_nothing_and_stops_the_reading(self):
        async with self.client() as client:
            await self.online(client)
            events = client.events()
            for i in range(1500):
                self.server.message(f"number {i}")
            await self.condition(lambda: client._held)
            held = len(client._queue)
            for _ in range(100):
                await asyncio.sleep(0)
            self.assertEqual((client._held, len(client._queue)), (True, held))
            self.assertLess(held, 800)
            seen = []
            async for event in events:
                if isinstance(event, epode.MessageEvent) and event.change == epode.Change.NEW:
                    seen.append(event.row)
                    if len(seen) == 1500:
                        break
            self.assertEqual(seen, sorted(set(seen)))

    async def test_one_that_leaves_while_events_are_held_back_does_not_stop_the_client(self):
        async with self.client() as client:
            await self.online(client)
            for i in range(1500):
                self.server.message(f"number {i}")
            async for event in client.events():
                await self.condition(lambda: client._held)
                break
            await self.condition(lambda: any(m.body == "number 1499"
                                             for m in client.store.messages(newest_first=True, limit=1)))

    async def test_one_that_waits_for_something_else_meanwhile_is_no_deadlock(self):
        async with self.client() as client:
            await self.online(client)
            events = client.events()
            for i in range(1500):
                self.server.message(f"number {i}")
            async for event in events:
                await self.condition(lambda: client._held)
                await (await client.send("bob@localhost", "an answer")).delivered(timeout=TIME)
                await client.ping()
                break

    async def test_nobody_at_all_drops_the_oldest_and_says_so(self):
        async with self.client(flags=epode.Flags.RAW_STANZAS) as client:
            await self.online(client)
            for i in range(5000):
                self.server.message(f"number {i}")
            await self.condition(lambda: client.missed_events > 0)
            await self.arrives(client, "number 4999")
            self.assertLessEqual(len(client._queue), 4096)

    async def test_two_clients_in_one_loop_and_two_consumers_of_one(self):
        async with self.client() as alice, self.client("bob") as bob:
            await asyncio.gather(self.online(alice), self.online(bob))
            seen = []

            async def consume(name):
                async for event in alice.events():
                    if isinstance(event, epode.MessageEvent) and event.incoming:
                        seen.append((name, event.incoming.body))
            tasks = [asyncio.ensure_future(consume(name)) for name in "ab"]
            for i in range(10):
                await bob.send("alice@localhost", f"number {i}")
            await self.condition(lambda: len(seen) == 10)
            self.assertEqual(sorted(body for _, body in seen), sorted(f"number {i}" for i in range(10)))
        await asyncio.gather(*tasks)


class LetGo(Case):
    async def test_without_close_it_warns_and_is_freed(self):
        client = self.client()
        client.open()
        client.start()
        await client.ready(TIME)
        with self.assertWarns(ResourceWarning):
            del client
            gc.collect()
        self.assertEqual(epode.live(), {})

    async def test_in_another_thread_the_loop_frees_it(self):
        client = self.client()
        client.open()
        held = [client]
        del client
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            thread = threading.Thread(target=held.clear)
            thread.start()
            thread.join()
        await self.condition(lambda: epode.live() == {})

    async def test_a_store_and_a_cursor(self):
        async with self.client() as client:
            await client.ready(TIME)
        with self.assertWarns(ResourceWarning):
            messages = epode.Store(self.db()).messages()
            gc.collect()
        with self.assertRaises(epode.StateError):
            next(messages)

    async def test_another_thread_may_not_use_it(self):
        async with self.client() as client:
            raised = []

            def work():
                for call in (client.start, client.abort, lambda: client.state, lambda: client.send_stanza("<presence/>"),
                             lambda: list(client.store.messages())):
                    try:
                        call()
                    except epode.WrongThreadError as error:
                        raised.append(error)
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            self.assertGreaterEqual(len(raised), 4)
            self.assertEqual(len(raised), 5)
            await client.ready(TIME)


class Suspended(Case):
    async def test_suspended_it_holds_nothing_and_goes_on(self):
        async with self.client() as client:
            await self.online(client)
            client.hint(epode.Hint.SUSPENDED)
            client.suspend()
            with self.assertRaises(epode.StateError):
                await client.send("bob@localhost", "x")
            other = self.client()
            other.open()
            with self.assertRaises(epode.StoreBusyError):
                client.resume()
            other.abort()
            self.server.message("meanwhile")
            client.resume()
            self.assertTrue((await client.ready(TIME)).resumed)
            await self.arrives(client, "meanwhile")
            for hint in epode.Hint:
                if hint not in (epode.Hint.SUSPENDED, epode.Hint.NETWORK_LOST):
                    client.hint(hint)
            client.set_active(False)
            with self.assertRaises(epode.InvalidArgumentError):
                client.hint(99)

    async def test_an_errand(self):
        async with self.client(on_exit=epode.Stop.RESUMABLE) as client:
            await self.online(client)
        self.server.message("one")
        self.server.message("two")
        client = self.client()
        client.open()
        fetched = await client.fetch(TIME)
        self.assertEqual((fetched.complete, fetched.new_messages, fetched.error), (True, 2, None))
        await client.close()


class ThreadedLoop(asyncio.SelectorEventLoop):
    """A loop that watches no descriptors, as Windows' Proactor."""

    calls = 0

    def add_reader(self, fd, callback, *args):
        raise NotImplementedError

    def call_soon_threadsafe(self, callback, *args, context=None):
        self.calls += 1
        return super().call_soon_threadsafe(callback, *args, context=context)


class OtherLoops(PlainCase):
    def test_a_loop_without_add_reader(self):
        async def work():
            names = {thread.name for thread in threading.enumerate()}
            async with self.client() as client, self.client("bob") as bob:
                self.assertIn("epode-watch", {thread.name for thread in threading.enumerate()} - names)
                await asyncio.gather(client.ready(TIME), bob.ready(TIME))
                await (await bob.send("alice@localhost", "hello")).delivered(timeout=TIME)
                async for event in client.events():
                    if isinstance(event, epode.MessageEvent) and event.incoming:
                        self.assertEqual(threading.current_thread(), threading.main_thread())
                        break
            self.assertNotIn("epode-watch", {thread.name for thread in threading.enumerate()})
        loop = ThreadedLoop()
        try:
            # asyncio's own pipe to itself needs a reader; only what is asked for afterwards is refused.
            loop.run_until_complete(asyncio.wait_for(work(), 60))
            self.assertLess(loop.calls, 500)  # the thread waits until what it told of was done
        finally:
            loop.close()

    def test_a_loop_that_ends_before_its_client(self):
        async def work():
            client = self.client()
            client.open()
            client.start()
            await client.ready(TIME)
            return client
        client = asyncio.run(work())
        with self.assertRaises(epode.StateError):
            asyncio.run(client.ping())
        asyncio.run(client.close())
        self.assertEqual(epode.live(), {})


class Blocking(PlainCase):
    def open(self, name="alice", **more):
        return blocking.Client(f"{name}@localhost", f"{name}-pw", store=self.db(f"{name}.db"), **self.options(**more))

    def test_a_script(self):
        with self.open() as client:
            self.assertEqual(client.ready(TIME).bind, epode.Bind.BIND2)
            sent = client.send("bob@localhost", "hello", wait=True, timeout=TIME)
            self.assertGreaterEqual(client.delivered(sent, timeout=0), epode.Delivery.ACKNOWLEDGED)
            self.server.message("hi")
            for event in client.events(TIME):
                if isinstance(event, epode.MessageEvent) and event.incoming:
                    break
            self.assertEqual([m.body for m in client.history()], ["hi", "hello"])
            self.assertIn("result", client.iq("<iq type='get'><ping xmlns='urn:xmpp:ping'/></iq>").xml)
            self.assertEqual(client.run(client.client.version()).name, "epode-testserver")
            self.assertEqual(client.join("tea@rooms.localhost", "Alice", timeout=TIME).nick, "Alice")
            client.leave("tea@rooms.localhost")
            client.roster_set("bob@localhost", "Bob")
            if not client.roster():
                client.wait_for(epode.RosterEvent, lambda e: e.peer == "bob@localhost", TIME)
            self.assertEqual([contact.name for contact in client.roster()], ["Bob"])
            client.mark_displayed(client.message(2).row)
            self.assertEqual(client.unread("bob@localhost").count, 0)
            self.assertEqual([c.peer for c in client.conversations()], ["bob@localhost"])
            self.assertEqual(client.error, None)
            list(client.events(0.2))
            self.assertIsNone(client.next_event(0))
        with self.assertRaises(epode.StateError):
            client.ready()
        client.close()

    def test_an_error_closes_it(self):
        with self.assertRaises(epode.AuthError):
            with blocking.Client("alice@localhost", "wrong", **self.options()) as client:
                client.ready(TIME)
        with self.assertRaises(epode.InvalidArgumentError):
            with blocking.Client("nobody"):
                pass

    def test_not_inside_of_a_loop(self):
        async def work():
            with self.open():
                pass
        with self.assertRaises(epode.StateError):
            asyncio.run(work())


if __name__ == "__main__":
    main()
