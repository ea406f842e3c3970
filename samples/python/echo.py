"""A bot that says back what it is told, also while it was away, and once, though it was killed. Ctrl-C ends it.

    EPODE_PASSWORD=... python3 echo.py JID [STORE]
"""
import asyncio
import os
import sys

import epode


async def answer(client: epode.Client, message: epode.Message) -> None:
    await client.send(message.peer, message.body, reply_id=message.id, reply_to=message.sender)
    client.mark_displayed(message.row)


async def answer_rest(client: epode.Client) -> None:
    """What a kill left without an answer: it is not displayed, and no message of ours replies to it."""
    for conversation in client.conversations():
        if conversation.unread and conversation.displayed_row:  # of those who were never answered it may be history
            rest = list(client.store.messages(conversation.peer, from_row=conversation.displayed_row))
            answered = {message.reply_id for message in rest if message.outgoing}
            for message in rest:
                if message.body and not (message.outgoing or message.groupchat or message.id in answered):
                    await answer(client, message)


async def main(jid: str, store: str = "echo.db") -> None:
    async with epode.Client(jid, os.environ.get("EPODE_PASSWORD"), store=store, host=os.environ.get("EPODE_HOST"),
                            port=int(os.environ.get("EPODE_PORT", "0")), ca_file=os.environ.get("EPODE_CA")) as client:
        await answer_rest(client)  # before anything can have come
        session = await client.ready()
        print(f"ready as {session.jid} after {session.waits.xmpp} waits", flush=True)
        async for event in client.events():
            if isinstance(event, epode.MessageEvent) and (message := event.incoming) and not message.groupchat:
                await answer(client, message)
            elif isinstance(event, epode.StateEvent) and event.state == epode.State.STOPPED and event.error:
                raise event.error


try:
    asyncio.run(main(*sys.argv[1:3]))
except KeyboardInterrupt:
    pass
except epode.Error as error:
    sys.exit(f"{error}")
