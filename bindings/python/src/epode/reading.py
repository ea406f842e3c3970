"""Reading what is stored, online or not, beside a running client too."""
from __future__ import annotations

import datetime
import os
import threading
import warnings
import weakref
from typing import Any, Callable, Iterator, Optional, Union

from . import callbacks
from ._native import ffi, lib
from .enums import Status
from .errors import check, error_of
from .handle import Handle, Strings, utf8, words
from .records import (Contact, Conversation, Hole, Message, Unread, contact_of, conversation_of, hole_of, message_of)

Path = Union[str, "os.PathLike[str]"]


class Messages:
    """Steps through messages; given back at its end, when it is let go, or with its store."""

    def __init__(self, handle: Handle, limit: Optional[int]) -> None:
        self._handle = handle
        self._left = limit
        self._message = ffi.new("const epode_message **")
        self._over = False

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        if self._over or self._left == 0:
            self.close()
            raise StopIteration
        if check(lib.epode_cursor_next(self._handle.get(), self._message)) != Status.OK:
            self.close()
            raise StopIteration
        if self._left is not None:
            self._left -= 1
        return message_of(self._message[0])

    def close(self) -> None:
        """There are no more of them."""
        self._over = True
        self._handle.close()

    def __del__(self) -> None:
        if self._handle.thread == threading.get_ident():  # else with its store
            self._handle.close()


class Reader:
    """A store to be read. What it gives are copies; every call is of the local file, and quick."""

    def __init__(self, pointer: Callable[[], Any], handle: Handle) -> None:
        self._pointer = pointer
        self._outer = handle

    def messages(self, peer: Optional[str] = None, *, archive: Optional[str] = None, newest_first: bool = False,
                 from_row: int = 0, inclusive: bool = False, from_time: Optional[datetime.datetime] = None,
                 search: Optional[str] = None, xml: bool = False, everything: bool = False,
                 limit: Optional[int] = None) -> Messages:
        """Messages in their order, all of an archive (archive: a room's JID; None: the account's) or of one conversation
        (peer: a contact, or a room).

        It holds no transaction: it goes on in the right place whatever is added or moved in between. from_row: begin
        behind this message in the direction of reading, or with it (inclusive). from_time: begin there. search: only
        those with all these words, newest stored first. everything: corrections, receipts, ... as rows of their own.
        Of a running client's store, read newest first, older ones that are missing are asked for at the end: see
        Client.history()."""
        pointer, strings = self._pointer(), Strings()
        query = ffi.new("epode_query *")
        query.size = ffi.sizeof("epode_query")
        query.peer, query.archive, query.search = strings(peer), strings(archive), strings(search)
        query.newest_first, query.from_row, query.inclusive = newest_first, from_row, inclusive
        query.from_ms = int(from_time.timestamp() * 1000) if from_time is not None else 0
        query.with_xml, query.everything = xml, everything
        out = ffi.new("epode_cursor **")
        check(lib.epode_store_messages(pointer, query, out))
        return Messages(Handle("cursor", out[0], lib.epode_cursor_free, self._outer), limit)

    def message(self, row: int) -> Optional[Message]:
        """One message, with its XML. None: there is none of that number."""
        status, found = callbacks.collect(message_of, lambda user: lib.epode_store_message(
            self._pointer(), row, lib.epode_py_message, user))
        check(status)
        return found[0] if found else None

    def conversations(self) -> list[Conversation]:
        """All of them, the one with the newest message first."""
        return self._all(conversation_of, lambda user: lib.epode_store_conversations(
            self._pointer(), lib.epode_py_conversation_each, user))

    def unread(self, peer: str) -> Unread:
        """What is unread with one peer, or in a room; nothing where there is no such conversation."""
        n, at_least = ffi.new("uint32_t *"), ffi.new("bool *")
        check(lib.epode_store_unread(self._pointer(), utf8(peer), n, at_least))
        return Unread(n[0], at_least[0])

    def roster(self) -> list[Contact]:
        """The contacts in the order of their JIDs: what the server last said, whoever is online."""
        return self._all(contact_of, lambda user: lib.epode_store_roster(
            self._pointer(), lib.epode_py_contact_each, user))

    def contact(self, jid: str) -> Optional[Contact]:
        """One contact, by its bare JID. None: it is not in the roster."""
        status, found = callbacks.collect(contact_of, lambda user: lib.epode_store_contact(
            self._pointer(), utf8(jid), lib.epode_py_contact, user))
        check(status)
        return found[0] if found else None

    def holes(self) -> list[Hole]:
        """Stretches of the archives that are not held."""
        return self._all(hole_of, lambda user: lib.epode_store_holes(self._pointer(), lib.epode_py_hole_each, user))

    def extent(self) -> tuple[str, str]:
        """The oldest and newest archive id of the newest stretch that is held whole; empty: nothing is held."""
        first, last = ffi.new("char[256]"), ffi.new("char[256]")
        check(lib.epode_store_extent(self._pointer(), first, last))
        return words(first), words(last)

    def blocked(self) -> list[str]:
        """The blocked JIDs, as the server last said."""
        return self._all(words, lambda user: lib.epode_store_blocked(self._pointer(), lib.epode_py_text_each, user))

    def is_blocked(self, jid: str) -> bool:
        """Whether what comes from this JID is blocked: by itself, its account, its domain."""
        return check(lib.epode_store_is_blocked(self._pointer(), utf8(jid))) == Status.OK

    @staticmethod
    def _all(make: Callable[[Any], callbacks.Value], call: Callable[[Any], Any]) -> list[callbacks.Value]:
        status, found = callbacks.collect(make, call)
        check(status)
        return found


def _abandoned(handle: Handle, path: str) -> None:
    if not handle.closed and handle.mine:
        warnings.warn(f"the store {path} was not closed", ResourceWarning, stacklevel=2)
        handle.close()


class Store(Reader):
    """An existing store, opened for reading only; of the thread that made it."""

    def __init__(self, path: Path) -> None:
        out, why = ffi.new("epode_store **"), ffi.new("char[200]")
        status = lib.epode_store_open(out, utf8(os.fspath(path)), why, 200)
        if status < 0:
            raise error_of(status, words(why) or None)
        handle = Handle("store", out[0], lib.epode_store_close)
        super().__init__(handle.get, handle)
        self._end = weakref.finalize(self, _abandoned, handle, os.fspath(path))

    def close(self) -> None:
        """Gives the file back, and with it what still iterates over it."""
        self._outer.close()
        self._end.detach()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
