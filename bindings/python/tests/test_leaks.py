"""Nothing is left behind by many connects, events and messages."""
import gc
import os

import epode
from fixture import TIME, Case, main


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class Leaks(Case):
    # Under the sanitizers, which are slow and keep what was freed for a while, fewer, and with more room: they look closer.
    CONNECTS, ROOM = (250, 16 << 20) if os.environ.get("EPODE_SANITIZED") else (1000, 1 << 20)

    async def test_a_thousand_connects_leave_nothing_behind(self):
        async def connect():
            async with self.client(on_exit=epode.Stop.RESUMABLE) as client:
                await client.ready(TIME)
        for _ in range(100):
            await connect()
        gc.collect()
        before, fds = resident(), descriptors()
        for _ in range(self.CONNECTS - 100):
            await connect()
        gc.collect()
        self.assertEqual(epode.live(), {})
        self.assertEqual(descriptors(), fds)
        self.assertLess(resident() - before, self.ROOM)

    async def test_ten_thousand_events_and_messages_leave_nothing_behind(self):
        async with self.client() as client:
            await self.online(client)

            async def some(count):
                for i in range(count):
                    self.server.message("x" * 1000)
                async for event in client.events():
                    if isinstance(event, epode.MessageEvent) and event.incoming:
                        count -= 1
                        if not count:
                            return
            await some(2000)
            before = resident()
            await some(8000)
            self.assertLess(resident() - before, 2 * self.ROOM)


if __name__ == "__main__":
    main()
