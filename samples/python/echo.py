"""A bot that says back what it is told. Ctrl-C ends it.

    EPODE_PASSWORD=... python3 echo.py JID [STORE]
"""
import asyncio
import os
import sys

import epode


async def main(jid: str, store: str = "echo.db") -> None:
    async with epode.Client(jid, os.environ.get("EPODE_PASSWORD"), store=store, host=os.environ.get("EPODE_HOST"),
                            port=int(os.environ.get("EPODE_PORT", "0")), ca_file=os.environ.get("EPODE_CA")) as client:
        session = await client.ready()
        print(f"ready as {session.jid} after {session.waits.xmpp} waits", flush=True)
        async for event in client.events():
            if isinstance(event, epode.MessageEvent) and (message := event.incoming) and not message.groupchat:
                await client.send(message.peer or message.archive, message.body, reply_id=message.id, reply_to=message.sender)
                client.mark_displayed(message.row)
            elif isinstance(event, epode.StateEvent) and event.state == epode.State.STOPPED and event.error:
                raise event.error


try:
    asyncio.run(main(*sys.argv[1:3]))
except KeyboardInterrupt:
    pass
except epode.Error as error:
    sys.exit(f"{error}")
