"""Small requests that every messenger makes, and several resources on one stream."""
from __future__ import annotations

import asyncio
from typing import Any, Optional

from . import callbacks
from ._native import ffi, lib
from .enums import Status
from .errors import LimitError, StanzaError, check, error_from, error_of
from .handle import Strings, text, utf8, words
from .messages import iq_of
from .records import EntityTime, IqAnswer, Item, Software, UploadSlot, upload_of
from .rooms import Rooms


def _software_of(s: Any) -> Software:
    return Software(text(s.name), text(s.version), text(s.os))


def _item_of(i: Any) -> Item:
    return Item(words(i.jid), text(i.node), text(i.name))


def _read_software(answer: Any, future: asyncio.Future[Optional[Software]]) -> None:
    if not _refused(answer, future):
        status, found = callbacks.collect(_software_of, lambda user: lib.epode_iq_software(
            answer, lib.epode_py_software, user))
        check(status)
        future.set_result(found[0] if found else None)


def _read_items(answer: Any, future: asyncio.Future[list[Item]]) -> None:
    if not _refused(answer, future):
        status, found = callbacks.collect(_item_of, lambda user: lib.epode_iq_items(
            answer, lib.epode_py_item_each, user))
        check(status)
        future.set_result(found)


def _read_time(answer: Any, future: asyncio.Future[Optional[EntityTime]]) -> None:
    if not _refused(answer, future):
        utc, offset = ffi.new("int64_t *"), ffi.new("int *")
        known = check(lib.epode_iq_time(answer, utc, offset)) == Status.OK
        future.set_result(EntityTime(utc[0], offset[0]) if known else None)


def _read_last_activity(answer: Any, future: asyncio.Future[Optional[int]]) -> None:
    if not _refused(answer, future):
        seconds = ffi.new("uint64_t *")
        known = check(lib.epode_iq_last_activity(answer, seconds)) == Status.OK
        future.set_result(seconds[0] if known else None)


def _refused(answer: Any, future: asyncio.Future[Any]) -> bool:
    """Whether the request had another end than a result, which the future has then."""
    told: asyncio.Future[IqAnswer] = future.get_loop().create_future()
    iq_of(answer, told)
    problem = told.exception()
    if problem is not None:
        future.set_exception(problem)
    return problem is not None


def _read_upload(upload: Any, future: asyncio.Future[UploadSlot]) -> None:
    error = error_from(upload.error)
    if error is None:
        future.set_result(upload_of(upload))
        return
    if isinstance(error, LimitError):
        error.max_bytes = upload.max_bytes
    if isinstance(error, StanzaError):
        error.retry_ms = upload.retry_ms
    future.set_exception(error)


def _read_resource(result: Any, future: asyncio.Future[str]) -> None:
    error = error_from(result.error)
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(text(result.jid) or "")


class Services(Rooms):
    """What a client asks of servers and others."""

    async def ping(self, jid: Optional[str] = None) -> None:
        """Whether somebody answers; None: our own server. Raises StanzaError for an error, which is an answer too."""
        await self._ask(lambda done, user, number: lib.epode_ping(self._pointer(), utf8(jid), done, user, number))

    async def version(self, jid: Optional[str] = None) -> Optional[Software]:
        """Name and version of somebody's software; None as jid: our own server; None: the answer names none."""
        return await self._request(lib.epode_py_iq, _read_software, lambda done, user, number: lib.epode_version_ask(
            self._pointer(), utf8(jid), done, user, number))

    async def time(self, jid: Optional[str] = None) -> Optional[EntityTime]:
        """What time it is there; None as jid: our own server; None: the answer names none."""
        return await self._request(lib.epode_py_iq, _read_time, lambda done, user, number: lib.epode_time_ask(
            self._pointer(), utf8(jid), done, user, number))

    async def last_activity(self, jid: Optional[str] = None) -> Optional[int]:
        """How many seconds ago somebody was there; None as jid: since when our own server runs; None: not said."""
        return await self._request(lib.epode_py_iq, _read_last_activity, lambda done, user, number:
                                   lib.epode_last_activity_ask(self._pointer(), utf8(jid), done, user, number))

    async def items(self, jid: Optional[str] = None, node: Optional[str] = None) -> list[Item]:
        """What belongs to somebody: services of a server (None: ours), rooms of a service."""
        return await self._request(lib.epode_py_iq, _read_items, lambda done, user, number: lib.epode_items_ask(
            self._pointer(), utf8(jid), utf8(node), done, user, number))

    def server_has(self, feature: str) -> Optional[bool]:
        """Whether our server has a feature of disco#info; None: not known yet."""
        return self._can(lib.epode_client_server_has(self._pointer(), utf8(feature)))

    def account_has(self, feature: str) -> Optional[bool]:
        """Whether our account has it; None: not known yet."""
        return self._can(lib.epode_client_account_has(self._pointer(), utf8(feature)))

    @staticmethod
    def _can(status: int) -> Optional[bool]:
        return None if check(status) == Status.AGAIN else status == Status.OK

    async def push_enable(self, service: str, node: Optional[str] = None, options: Optional[dict[str, str]] = None) -> None:
        """Has the account's server notify this push service (XEP-0357)."""
        strings, fields = Strings(), options or {}
        names, values = strings.array(list(fields.keys())), strings.array(list(fields.values()))
        await self._ask(lambda done, user, number: lib.epode_push_enable(
            self._pointer(), utf8(service), utf8(node), names, values, len(fields), done, user, number))

    async def push_disable(self, service: str, node: Optional[str] = None) -> None:
        """The way back; node None: everything that was enabled for that service."""
        await self._ask(lambda done, user, number: lib.epode_push_disable(
            self._pointer(), utf8(service), utf8(node), done, user, number))

    async def upload_slot(self, name: str, size: int, type: Optional[str] = None) -> UploadSlot:
        """A place to put a file of this name and size. Raises LimitError (max_bytes), StanzaError (retry_ms), ..."""
        return await self._request(lib.epode_py_upload, _read_upload, lambda done, user, _: lib.epode_upload_slot(
            self._pointer(), utf8(name), size, utf8(type), done, user), cancel=False)

    # --- several resources on one stream (XEP-0193) ------------------------------------------------------------

    async def resource_bind(self, resource: Optional[str] = None) -> str:
        """Binds another resource; None: the server chooses its name. Gives its full JID. Needs Flags.MULTI_RESOURCE."""
        return await self._resource(lib.epode_resource_bind, resource)

    async def resource_unbind(self, resource: str) -> str:
        """Unbinds one; after the last one the client is stopped."""
        return await self._resource(lib.epode_resource_unbind, resource)

    async def _resource(self, function: Any, resource: Optional[str]) -> str:
        why = ffi.new("const char **")

        def call(done: Any, user: Any, _: Any) -> int:
            status: int = function(self._pointer(), utf8(resource), done, user, why)
            if status == Status.STATE and why[0] != ffi.NULL:
                raise error_of(status, f"not possible now: {words(why[0])}")
            return status
        return await self._request(lib.epode_py_resource, _read_resource, call, cancel=False)

    def resources(self) -> list[str]:
        """What is bound: full JIDs, the oldest first, which is the default."""
        pointer = self._pointer()
        return [words(lib.epode_resource_at(pointer, i)) for i in range(lib.epode_resource_count(pointer))]
