"""For scripts without asyncio: the same client, each call of which waits until it is done.

    from epode import blocking

    with blocking.Client("you@example.org", "secret", store="you.db") as client:
        client.ready(timeout=30)
        client.send("friend@example.org", "hello", wait=True)

There is no thread behind it: the client lives only while one of its calls waits, as it would in a loop of its own. What
comes in between is there at the next call. Ctrl-C ends a call as it ends any other."""
from __future__ import annotations

import asyncio
import datetime
from types import TracebackType
from typing import Any, Callable, Coroutine, Iterable, Iterator, Optional, TypeVar

from . import client as _client
from .core import AnyEvent
from .enums import Delivery, RoomFlags, State, Stop
from .errors import Error, StateError
from .events import Event
from .messages import Outgoing, Stanza
from .reading import Reader
from .records import Bookmark, Contact, Conversation, Fetched, Hole, IqAnswer, Message, Room, Unread
from .session import Session

Value = TypeVar("Value")


class Client:
    """A client for scripts; takes what epode.Client takes. client is that one, for all that need not wait: presence,
    rooms, hints. run() waits for anything else of it: client.run(client.client.version())."""

    def __init__(self, jid: str, password: Optional[str] = None, **options: Any) -> None:
        self.client = _client.Client(jid, password, **options)
        """The client itself."""
        self._loop = asyncio.new_event_loop()

    def run(self, work: Coroutine[Any, Any, Value]) -> Value:
        """Waits for it, with the client alive meanwhile."""
        if self._loop.is_closed():
            work.close()
            raise StateError("this client is closed")
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            work.close()
            raise StateError("there is a running asyncio loop: use epode.Client")
        task = self._loop.create_task(work)
        try:
            return self._loop.run_until_complete(task)
        except BaseException:
            if not task.done():  # Ctrl-C: it must not go on with the next call
                task.cancel()
                self._loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
            raise

    def open(self) -> None:
        """Makes the client and wishes to be online; `with` does it."""
        async def begin() -> None:
            self.client.open()
            self.client.start()
        self.run(begin())

    def close(self, how: Optional[Stop] = None, timeout: float = 5.0) -> None:
        """As epode.Client.close(). Nothing can be called after it."""
        if self._loop.is_closed():
            return
        try:
            self.run(self.client.close(how, timeout))
        finally:
            self.client.abort()
            self._loop.close()

    def __enter__(self) -> Client:
        try:
            self.open()
        except BaseException:
            self._loop.close()
            raise
        return self

    def __exit__(self, kind: Optional[type[BaseException]], value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def __del__(self) -> None:
        loop = self.__dict__.get("_loop")
        if loop is not None and not loop.is_closed() and self.client.closed:
            loop.close()

    # --- life --------------------------------------------------------------------------------------------------

    def ready(self, timeout: Optional[float] = None) -> Session:
        """Waits until there is a session."""
        return self.run(self.client.ready(timeout))

    def synced(self, timeout: Optional[float] = None) -> Session:
        """Waits until everything that was missed is here."""
        return self.run(self.client.synced(timeout))

    @property
    def state(self) -> State:
        """Where the client is on its way, as of the last call."""
        return self.client.state

    @property
    def error(self) -> Optional[Error]:
        """Why it is not online; None: nothing is wrong."""
        return self.client.error

    @property
    def session(self) -> Optional[Session]:
        """The facts of the present or last session; None before the first."""
        return self.client.session

    @property
    def store(self) -> Reader:
        """The client's own store, to be read, online or not."""
        return self.client.store

    def fetch(self, within: float) -> Fetched:
        """An errand for a push notification."""
        return self.run(self.client.fetch(within))

    # --- events ------------------------------------------------------------------------------------------------

    def next_event(self, timeout: Optional[float] = None) -> Optional[Event]:
        """The oldest event that was not taken. None: none came within timeout seconds, or the client is closed."""
        async def one() -> Optional[Event]:
            taken = asyncio.ensure_future(self.client._take())
            await asyncio.wait({taken}, timeout=timeout)
            if taken.done():
                return taken.result()
            taken.cancel()
            return None
        return self.run(one())

    def events(self, timeout: Optional[float] = None) -> Iterator[Event]:
        """Everything that the client tells, until nothing came for timeout seconds."""
        while (event := self.next_event(timeout)) is not None:
            yield event

    def wait_for(self, kind: type[AnyEvent], test: Callable[[AnyEvent], bool] = lambda event: True,
                 timeout: Optional[float] = None) -> AnyEvent:
        """Waits for an event; it is not taken away from events(). Raises DeadlineError after timeout seconds."""
        return self.run(self.client.wait_for(kind, test, timeout))

    def sleep(self, seconds: float) -> None:
        """Waits, with the client alive meanwhile."""
        self.run(asyncio.sleep(seconds))

    # --- messages ----------------------------------------------------------------------------------------------

    def send(self, to: str, body: Optional[str] = None, *, wait: bool = False, timeout: Optional[float] = None,
             **more: Any) -> Outgoing:
        """Stores a message and sends it as soon as that is possible. wait: until the server has it, or DeadlineError
        after timeout seconds. For the rest see epode.Client.send()."""
        async def work() -> Outgoing:
            sent = await self.client.send(to, body, **more)
            if wait:
                await sent.delivered(timeout=timeout)
            return sent
        return self.run(work())

    def delivered(self, sent: Outgoing, until: Delivery = Delivery.ACKNOWLEDGED, timeout: Optional[float] = None) -> Delivery:
        """Waits until a message got so far."""
        return self.run(sent.delivered(until, timeout))

    def message(self, row: int) -> Optional[Message]:
        """One message, with its XML."""
        return self.client.message(row)

    def history(self, peer: Optional[str] = None, *, limit: Optional[int] = None, fill: bool = False,
                newest_first: bool = True, from_row: int = 0, from_time: Optional[datetime.datetime] = None,
                archive: Optional[str] = None) -> Iterator[Message]:
        """Messages; see epode.Client.history()."""
        messages = self.client.history(peer, limit=limit, fill=fill, newest_first=newest_first, from_row=from_row,
                                       from_time=from_time, archive=archive)

        async def one() -> Optional[Message]:
            return await messages.__anext__()
        while True:
            try:
                message = self.run(one())
            except StopAsyncIteration:
                return
            assert message is not None
            yield message

    def fill(self, row: int = 0, n: int = 0, timeout: Optional[float] = None) -> bool:
        """Gets older messages that are missing; False: none are."""
        return self.run(self.client.fill(row, n, timeout))

    def search(self, words: str, *, archive: Optional[str] = None, limit: Optional[int] = 100) -> list[Message]:
        """Messages with all these words."""
        return self.client.search(words, archive=archive, limit=limit)

    def conversations(self) -> list[Conversation]:
        """All of them, the one with the newest message first."""
        return self.client.conversations()

    def unread(self, peer: str) -> Unread:
        """What is unread with one peer, or in a room."""
        return self.client.unread(peer)

    def holes(self) -> list[Hole]:
        """Stretches of the archives that are not held."""
        return self.client.holes()

    def mark_displayed(self, row: int, notify_sender: bool = True) -> None:
        """Everything up to this message was displayed."""
        self.client.mark_displayed(row, notify_sender)

    def iq(self, stanza: Stanza, timeout: float = 60.0) -> IqAnswer:
        """Sends a request and waits for its outcome."""
        return self.run(self.client.iq(stanza, timeout))

    # --- people and rooms --------------------------------------------------------------------------------------

    def roster(self) -> list[Contact]:
        """The contacts, as the server last said."""
        return self.client.roster()

    def roster_set(self, jid: str, name: Optional[str] = None, groups: Iterable[str] = ()) -> None:
        """Adds a contact, or gives it another name and other groups."""
        self.run(self.client.roster_set(jid, name, groups))

    def roster_remove(self, jid: str) -> None:
        """Takes a contact out of the roster."""
        self.run(self.client.roster_remove(jid))

    def block(self, *jids: str) -> None:
        """Blocks JIDs."""
        self.run(self.client.block(*jids))

    def unblock(self, *jids: str) -> None:
        """The way back; none: everybody."""
        self.run(self.client.unblock(*jids))

    def join(self, room: str, nick: str, password: Optional[str] = None, *, flags: RoomFlags = RoomFlags.NONE,
             timeout: Optional[float] = None) -> Room:
        """Joins a room."""
        return self.run(self.client.join(room, nick, password, flags=flags, timeout=timeout))

    def leave(self, room: str, reason: Optional[str] = None) -> bool:
        """Leaves it, and does not join it again. False: it was not joined."""
        return self.run(self.client.leave(room, reason))

    def bookmark_set(self, bookmark: Bookmark) -> None:
        """Publishes a bookmark."""
        self.run(self.client.bookmark_set(bookmark))

    def bookmark_remove(self, room: str) -> bool:
        """Takes it out, for all devices."""
        return self.run(self.client.bookmark_remove(room))


__all__ = ["Client"]
