"""A link of our own with a delay, and with loss if asked for, to see from outside how often a client waits.

With a TUN device it is a real one, TCP's handshake included: the kernel routes two far addresses into it, and
whatever goes to one comes back some time later with source and destination exchanged. So the far addresses are this
machine at the other end of a line, and the checksums still hold. Without TUN, a relay between sockets delays what is
said; connects themselves are at once then, and nothing is lost.

In a network namespace of its own (enter_namespace) such a line and the servers on it meet nothing else."""

import asyncio
import collections
import ctypes
import fcntl
import os
import random
import socket
import struct
import subprocess
import threading

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
CLONE_NEWNET, SIOCSIFFLAGS, IFF_UP = 0x40000000, 0x8914, 1
TCP = 6


def enter_namespace():
    """This process and what it starts are alone from now on, with a loopback device. False: not allowed."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))
    return True


class Line:
    """One direction: first in, first out, each packet delay_s after it came; or never."""

    def __init__(self, loop, write, delay_s, loss, chance):
        self.loop, self.write, self.delay_s, self.loss, self.chance = loop, write, delay_s, loss, chance
        self.queue, self.timer, self.lost = collections.deque(), None, 0

    def put(self, packet):
        if self.loss and self.chance.random() < self.loss:
            self.lost += 1
            return
        self.queue.append((self.loop.time() + self.delay_s, packet))
        if not self.timer:
            self.run()

    def run(self):
        now = self.loop.time()
        while self.queue and self.queue[0][0] <= now:
            self.write(self.queue.popleft()[1])
        self.timer = self.loop.call_at(self.queue[0][0], self.run) if self.queue else None


class Tun:
    """self.near is at once, self.far takes there_s to the server and back_s from it; the server has to listen on
    self.here too. loss: the share of packets that get lost on the far line, in each direction."""

    counts_tcp = True

    def __init__(self, there_s, back_s, loss, seed):
        # 198.18.0.0/15 is for measurements (RFC 2544); by chance, so that two runs do not meet.
        net = f"198.{random.choice((18, 19))}.{random.randrange(256)}"
        last = random.randrange(62) * 4
        self.here, self.near, self.far = (f"{net}.{last + i}" for i in (1, 2, 3))
        self.ports = set()  # of servers at the far end: they tell the directions apart
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
        chance = random.Random(seed)
        self.there, self.back = (Line(self.loop, self.write, delay, loss, chance) for delay in (there_s, back_s))
        self.loop.add_reader(self.fd, self.read)
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def read(self):
        while True:
            try:
                packet = os.read(self.fd, 65536)
            except BlockingIOError:
                return
            if packet[0] >> 4 != 4:
                continue
            turned = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
            if self.far_bytes in (packet[12:16], packet[16:20]):
                (self.there if self.goes_there(packet) else self.back).put(turned)
            else:
                self.write(turned)

    def goes_there(self, packet):
        head = (packet[0] & 15) * 4
        return packet[9] == TCP and int.from_bytes(packet[head + 2:head + 4], "big") in self.ports

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
        self.ports.add(port)
        return self.far, port

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        os.close(self.fd)  # the device goes with it


class Relay:
    counts_tcp = False

    def __init__(self, there_s, back_s):
        self.there_s, self.back_s = there_s, back_s
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    async def pump(self, reader, writer, delay_s):
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
            queue.put_nowait((self.loop.time() + delay_s, data))
        await task

    async def relay(self, port, reader, writer):
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(self.pump(reader, there_writer, self.there_s), self.pump(there_reader, writer, self.back_s))

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


def open_link(there_s, back_s=None, loss=0.0, seed=1):
    back_s = there_s if back_s is None else back_s
    try:
        return Tun(there_s, back_s, loss, seed)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"  no TUN device ({error}): the delay is a relay's, and TCP's own wait is not measured")
        return Relay(there_s, back_s)
