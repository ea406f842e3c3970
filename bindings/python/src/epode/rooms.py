"""Rooms for many (XEP-0045), and the account's bookmarks of them (XEP-0402)."""
from __future__ import annotations

import asyncio
from typing import Any, Callable, Optional

from ._native import ffi, lib
from .enums import RoomChange, RoomFlags, State, Status
from .errors import StateError, check
from .events import BookmarkEvent, RoomEvent, StateEvent
from .handle import Strings, utf8
from .people import People
from .records import Bookmark, Room, bookmark_of, room_of
from .waiting import NothingAsked


class Rooms(People):
    """What a client does with rooms."""

    async def join(self, room: str, nick: str, password: Optional[str] = None, *, flags: RoomFlags = RoomFlags.NONE,
                   timeout: Optional[float] = None) -> Room:
        """Joins a room under this nick, now or as soon as there is a session, and again in every later one; where we are
        in it already, changes the nick. Raises what the room says: StanzaError with "forbidden", "conflict", ...; after
        timeout seconds DeadlineError, and the wish to be in it stays."""
        ends, ours = (RoomChange.JOINED, RoomChange.REFUSED, RoomChange.NICK), ""
        with self._expecting(RoomEvent, lambda e: e.room == ours and e.change in ends) as told:
            status = check(lib.epode_room_join(self._pointer(), utf8(room), utf8(nick), utf8(password), int(flags)),
                           "a room is a bare JID, and a nick what may stand behind it")
            found = self.room(room)
            if found is not None and status != Status.DONE:
                ours = found.jid  # as the events name it: what was given may be written otherwise
                error = (await self._within(told, timeout)).error
                if error is not None:
                    raise error
                found = self.room(room)
        if found is None:
            raise StateError("the room was left meanwhile")
        return found

    async def leave(self, room: str, reason: Optional[str] = None) -> bool:
        """Leaves it, and does not join it again; what is stored of it stays. False: it was not joined."""
        found = self.room(room)
        ours = found.jid if found is not None else ""
        with self._expecting(RoomEvent, lambda e: e.room == ours and e.change == RoomChange.LEFT) as told:
            if check(lib.epode_room_leave(self._pointer(), utf8(room), utf8(reason))) == Status.DONE:
                return False
            await told
        return True

    def set_subject(self, room: str, subject: str) -> None:
        """Changes the subject; "" takes it away."""
        check(lib.epode_room_set_subject(self._pointer(), utf8(room), utf8(subject)))

    def rooms(self) -> list[Room]:
        """Those that we are in or want to be in."""
        pointer = self._pointer()
        return [room_of(lib.epode_room_at(pointer, i)) for i in range(lib.epode_room_count(pointer))]

    def room(self, jid: str) -> Optional[Room]:
        """One of them. None: it is not one of ours."""
        found = lib.epode_room_find(self._pointer(), utf8(jid))
        return room_of(found) if found != ffi.NULL else None

    def bookmarks(self) -> list[Bookmark]:
        """The account's rooms, from the store while offline."""
        pointer = self._pointer()
        return [bookmark_of(lib.epode_bookmark_at(pointer, i)) for i in range(lib.epode_bookmark_count(pointer))]

    async def bookmark_set(self, bookmark: Bookmark) -> None:
        """Publishes one, new or in place of the one of that room, once those that are there were read. The list follows by a
        BookmarkEvent."""
        strings = Strings()
        given = ffi.new("epode_bookmark *")
        given.size = ffi.sizeof("epode_bookmark")
        given.jid, given.name, given.nick = strings(bookmark.jid), strings(bookmark.name), strings(bookmark.nick)
        given.password, given.autojoin = strings(bookmark.password), bookmark.autojoin
        await self._change(lambda done, user, number: lib.epode_bookmark_set(self._pointer(), given, done, user, number))

    async def bookmark_remove(self, room: str) -> bool:
        """Takes it out, for all devices. False: there is none."""
        return await self._change(lambda done, user, number: lib.epode_bookmark_remove(
            self._pointer(), utf8(room), done, user, number))

    async def _change(self, call: Callable[[Any, Any, Any], Any]) -> bool:
        """Changes a bookmark as soon as those that are there were read. False: there was nothing to change."""
        while True:
            with self._expecting(BookmarkEvent, lambda e: e.room is None) as read:
                with self._expecting(StateEvent, lambda e: e.state != State.READY) as lost:
                    try:
                        await self._ask(call)
                        return True
                    except NothingAsked as nothing:
                        if nothing.status == Status.DONE:
                            return False
                    futures: list[asyncio.Future[Any]] = [read, lost]
                    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
                    if not read.done():
                        raise lost.result().error or StateError("the session was lost")
                    if (error := read.result().error) is not None:
                        raise error
