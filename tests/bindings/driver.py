"""The same as driver.c, in Python: see README.md beside this file."""
import argparse
import asyncio
import json
import os
import sys
import time

import epode


def say(**line):
    print(json.dumps(line), flush=True)


def say_ready(s):
    say(event="ready", jid=s.jid, resumed=s.resumed, bind=s.bind.name.lower(), token=s.token.name.lower(),
        mechanism=s.mechanism, waits=vars(s.waits))


class Over(Exception):
    """Ended by an error."""

    def __init__(self, status, condition=None, final=True):
        super().__init__(status)
        self.line = {"event": "error", "status": status, "condition": condition, "final": final}


def over(error):
    return Over(STATUS[error.status], error.condition, error.final)


STATUS = {status: f"EPODE_E{status.name}" for status in epode.Status}
STATUS.update({epode.Status.INVALID: "EPODE_EINVAL", epode.Status.NO_MEMORY: "EPODE_ENOMEM",
               epode.Status.CERTIFICATE: "EPODE_ECERT", epode.Status.PROTOCOL: "EPODE_EPROTO"})


class Driver:
    def __init__(self, args, client):
        self.args, self.client = args, client
        self.counted, self.first = 0, 0.0
        self.stopping = False

    def stop(self, how=epode.Stop.CLOSE):
        if not self.stopping:
            self.client.stop(how)
        self.stopping = True

    def on_state(self, e):
        if e.state == epode.State.READY:
            if self.args.command != "catchup":
                say_ready(self.client.session)
            if self.args.command == "connect":
                self.stop()
        elif e.state == epode.State.OFFLINE and self.args.command == "listen":
            say(event="offline", status=STATUS[e.error.status] if e.error else None)
        elif e.state == epode.State.STOPPED:
            if e.error:
                raise over(e.error)
            say(event="stopped")
            return True
        return False

    def on_message(self, e):
        if e.change != epode.Change.NEW:
            return
        if self.args.command == "listen":
            m = e.message
            say(event="message", row=m.row, body=m.body, peer=m.peer, outgoing=m.outgoing)
        elif self.args.command == "count" and self.counted < self.args.count and not (self.args.read and e.message.outgoing):
            self.counted += 1
            now = time.monotonic()
            self.first = self.first or now
            if self.counted == self.args.count:
                say(event="counted", n=self.counted, us=int((now - self.first) * 1e6))
                self.stop()

    def on_sync(self, e):
        if not e.synced:
            return
        if self.args.command == "listen":
            say(event="synced", done=e.done)
        elif self.args.command == "catchup" and not self.stopping:
            count, first, last = 0, "", ""
            for m in self.client.store.messages():
                first = first if count else m.body
                last = m.body
                count += 1
            say(event="caughtup", done=e.done, synced_us=self.client.session.synced_us, count=count, first=first or "",
                last=last or "")
            self.stop()

    async def obey(self):
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := (await reader.readline()).decode():
            order, _, rest = line.rstrip("\n").partition(" ")
            if order == "send":
                to, _, body = rest.partition(" ")
                say(event="sent", row=(await self.client.send(to, body)).row)
            else:
                self.stop(epode.Stop.RESUMABLE if order == "drop" else epode.Stop.CLOSE)
        self.stop()

    async def run(self):
        orders = asyncio.ensure_future(self.obey()) if self.args.command == "listen" else None
        try:
            async for e in self.client.events():
                if isinstance(e, epode.StateEvent):
                    if self.on_state(e):
                        return
                elif isinstance(e, epode.MessageEvent):
                    self.on_message(e)
                elif isinstance(e, epode.SyncEvent):
                    self.on_sync(e)
                elif isinstance(e, epode.DeliveryEvent) and self.args.command == "listen":
                    say(event="delivery", row=e.row, state=e.delivery.name.lower())
        finally:
            if orders:
                orders.cancel()


async def main():
    p = argparse.ArgumentParser()
    p.add_argument("command", choices=["connect", "listen", "catchup", "count"])
    for name in ("jid", "host", "ca"):
        p.add_argument(f"--{name}", required=True)
    p.add_argument("--db")
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--count", type=int, default=0)
    p.add_argument("--read", action="store_true")
    p.add_argument("--timeout", type=float, default=60)
    args = p.parse_args()
    timeout = None if args.command == "listen" else args.timeout
    try:
        async with epode.Client(args.jid, os.environ.get("EPODE_PASSWORD"), store=args.db, host=args.host, port=args.port,
                                ca_file=args.ca, tls=epode.Tls.DIRECT) as client:
            await asyncio.wait_for(Driver(args, client).run(), timeout)
    except asyncio.TimeoutError:
        raise Over("EPODE_ETIMEOUT") from None
    except epode.Error as error:
        raise over(error) from None


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Over as end:
        say(**end.line)
        sys.exit(1)
