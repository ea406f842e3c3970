"""A link with a delay, to see from outside how often a client waits.

With a TUN device it is a real one, TCP's handshake included: the kernel routes two far addresses into it, and
whatever goes to one comes back some time later with source and destination exchanged. So the far addresses are this
machine at the other end of a line, and the checksums still hold. Without TUN, a relay between sockets delays what is
said; connects themselves are at once then.
"""

import asyncio
import fcntl
import os
import random
import struct
import subprocess
import threading

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


class Tun:
    """self.near is at once, self.far takes delay_s each way; the server has to listen on self.here too."""

    counts_tcp = True

    def __init__(self, delay_s):
        self.delay_s = delay_s
        # 198.18.0.0/15 is for measurements (RFC 2544); by chance, so that two runs do not meet.
        net = f"198.{random.choice((18, 19))}.{random.randrange(256)}"
        last = random.randrange(62) * 4
        self.here, self.near, self.far = (f"{net}.{last + i}" for i in (1, 2, 3))
        self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        try:
            name = fcntl.ioctl(self.fd, TUNSETIFF, struct.pack("16sH22x", b"epode%d", IFF_TUN | IFF_NO_PI))
            device = name[:16].rstrip(b"\0").decode()
            for args in (["addr", "add", self.here + "/32", "dev", device], ["link", "set", device, "up"],
                         ["route", "add", self.near + "/32", "dev", device, "src", self.here],
                         ["route", "add", self.far + "/32", "dev", device, "src", self.here]):
                subprocess.run(["ip", *args], check=True, capture_output=True)
        except BaseException:
            os.close(self.fd)
            raise
        self.far_bytes = bytes(map(int, self.far.split(".")))
        self.loop = asyncio.new_event_loop()
        self.loop.add_reader(self.fd, self.read)
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def read(self):
        try:
            packet = os.read(self.fd, 65536)
        except BlockingIOError:
            return
        if packet[0] >> 4 != 4:
            return
        turned = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
        if self.far_bytes in (packet[12:16], packet[16:20]):
            self.loop.call_later(self.delay_s, self.write, turned)
        else:
            self.write(turned)

    def write(self, packet):
        try:
            os.write(self.fd, packet)
        except OSError:
            pass  # a full queue loses packets, as links do

    def listens_on(self):
        return [self.here]

    def to_near(self, port):
        return self.near, port

    def to_far(self, port):
        return self.far, port

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        os.close(self.fd)  # the device goes with it


class Relay:
    counts_tcp = False

    def __init__(self, delay_s):
        self.delay_s = delay_s
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    async def pump(self, reader, writer):
        async def later(at, data):
            await asyncio.sleep(at - self.loop.time())
            writer.write(data) if data else writer.close()

        queue = asyncio.Queue()

        async def drain():
            while True:
                at, data = await queue.get()
                await later(at, data)
                if not data:
                    return

        task = asyncio.ensure_future(drain())
        data = b"-"
        while data:
            try:
                data = await reader.read(65536)
            except OSError:
                data = b""
            queue.put_nowait((self.loop.time() + self.delay_s, data))
        await task

    async def relay(self, port, reader, writer):
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(self.pump(reader, there_writer), self.pump(there_reader, writer))

    def listens_on(self):
        return []

    def to_near(self, port):
        return "127.0.0.1", port

    def to_far(self, port):
        async def listen():
            server = await asyncio.start_server(lambda r, w: self.relay(port, r, w), "127.0.0.1", 0)
            return server.sockets[0].getsockname()

        return asyncio.run_coroutine_threadsafe(listen(), self.loop).result()

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()


def open_link(delay_s):
    try:
        return Tun(delay_s)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"  no TUN device ({error}): the delay is a relay's, and TCP's own wait is not measured")
        return Relay(delay_s)
