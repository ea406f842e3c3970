"""Rooms for many (XEP-0045), and the account's bookmarks of them (XEP-0402)."""
from __future__ import annotations

from typing import Optional

from ._native import ffi, lib
from .enums import RoomChange, RoomFlags, RoomLeft, Status
from .errors import StanzaError, check
from .events import RoomEvent
from .handle import Strings, utf8
from .people import People
from .records import Bookmark, Room, bookmark_of, room_of


class Rooms(People):
    """What a client does with rooms."""

    async def join(self, room: str, nick: str, password: Optional[str] = None, *, flags: RoomFlags = RoomFlags.NONE,
                   timeout: Optional[float] = None) -> Room:
        """Joins a room under this nick, now or as soon as there is a session, and again in every later one; where we are
        in it already, changes the nick. Raises what the room says: StanzaError with "forbidden", "conflict", ...; after
        timeout seconds DeadlineError, and the wish to be in it stays."""
        ends = (RoomChange.JOINED, RoomChange.REFUSED, RoomChange.NICK)
        with self._expecting(RoomEvent, lambda e: e.room == room and e.change in ends) as told:
            status = check(lib.epode_room_join(self._pointer(), utf8(room), utf8(nick), utf8(password), int(flags)))
            if status != Status.DONE:
                error = (await self._within(told, timeout)).error
                if error is not None:
                    raise error
        found = self.room(room)
        if found is None:
            raise StanzaError("the room was left meanwhile")
        return found

    async def leave(self, room: str, reason: Optional[str] = None, timeout: Optional[float] = 10.0) -> None:
        """Leaves it, and does not join it again; what is stored of it stays."""
        inside = self.room(room)
        with self._expecting(RoomEvent, lambda e: e.room == room and e.change == RoomChange.LEFT
                             and e.left != RoomLeft.LOST) as told:
            status = check(lib.epode_room_leave(self._pointer(), utf8(room), utf8(reason)))
            if status != Status.DONE and inside is not None and inside.joined:
                await self._within(told, timeout)

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
        """Publishes one, new or in place of the one of that room. The list follows by a BookmarkEvent."""
        strings = Strings()
        given = ffi.new("epode_bookmark *")
        given.size = ffi.sizeof("epode_bookmark")
        given.jid, given.name, given.nick = strings(bookmark.jid), strings(bookmark.name), strings(bookmark.nick)
        given.password, given.autojoin = strings(bookmark.password), bookmark.autojoin
        await self._ask(lambda done, user, number: lib.epode_bookmark_set(self._pointer(), given, done, user, number))

    async def bookmark_remove(self, room: str) -> bool:
        """Takes it out, for all devices. False: there is none."""
        if all(bookmark.jid != room for bookmark in self.bookmarks()):
            return False
        await self._ask(lambda done, user, number: lib.epode_bookmark_remove(
            self._pointer(), utf8(room), done, user, number))
        return True
