"""Exceptions: one class for each failing status, in the families that an application tells apart."""
from __future__ import annotations

from typing import Any, ClassVar, Optional

from ._native import ffi, lib
from .enums import Status


class Error(Exception):
    """Something failed in epode.

    status: which failure; condition: the defined condition of RFC 6120, where the server named one; native: the code of
    the part that failed (errno, OpenSSL, SQLite, c-ares), or 0; final: trying again without a change cannot help. The
    text is one line for people, without user data or secrets."""

    status: Status = Status.INVALID
    condition: Optional[str]
    native: int
    final: bool
    _of: ClassVar[dict[int, type[Error]]] = {}

    def __init__(self, text: str, *, condition: Optional[str] = None, native: int = 0, final: bool = True) -> None:
        super().__init__(text)
        self.text = text
        self.condition = condition
        self.native = native
        self.final = final

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "status" in cls.__dict__:
            Error._of[int(cls.status)] = cls

    def __str__(self) -> str:
        return self.text if not self.condition else f"{self.text} ({self.condition})"


class InvalidArgumentError(Error, ValueError):
    """An argument is wrong; nothing was changed."""

    status = Status.INVALID


class OutOfMemoryError(Error, MemoryError):
    """An allocation failed."""

    status = Status.NO_MEMORY


class StateError(Error, RuntimeError):
    """Not possible in this state."""

    status = Status.STATE


class WrongThreadError(StateError):
    """The object belongs to another thread."""


class ForkedError(StateError):
    """The object belongs to the process that this one was forked from."""


class AbortedError(Error):
    """The application asked for it, or what was waited for went away. again: it may be asked again in the next
    session."""

    status = Status.CANCELLED
    again: bool = False


class DeadlineError(Error, TimeoutError):
    """A deadline passed."""

    status = Status.TIMEOUT


class NetworkError(Error):
    """The way to the server."""


class DnsError(NetworkError):
    """The name could not be resolved."""

    status = Status.DNS


class ConnectError(NetworkError, ConnectionError):
    """No address accepted a connection, or it was cut."""

    status = Status.CONNECT


class TlsError(NetworkError):
    """TLS could not be set up."""

    status = Status.TLS


class CertificateError(TlsError):
    """The server's certificate is not valid for the JID's domain."""

    status = Status.CERTIFICATE


class ProxyError(NetworkError):
    """The proxy refused."""

    status = Status.PROXY


class SessionError(Error):
    """Getting and keeping a session."""


class AuthError(SessionError):
    """The credentials were refused."""

    status = Status.AUTH


class DowngradeError(SessionError):
    """The server offers less security than it did before; see Client.unpin()."""

    status = Status.DOWNGRADE


class BindError(SessionError):
    """No resource could be bound."""

    status = Status.BIND


class ConflictError(SessionError):
    """Another connection took this session's place."""

    status = Status.CONFLICT


class XmppError(Error):
    """What the other side said."""


class StreamError(XmppError):
    """The server ended the stream with an error."""

    status = Status.STREAM


class ProtocolError(XmppError):
    """The peer broke the protocol, or what came was not well-formed."""

    status = Status.PROTOCOL


class LimitError(XmppError):
    """A limit of size, depth or number was passed. max_bytes: of a file, where an upload service said so; else 0."""

    status = Status.LIMIT
    max_bytes: int = 0


class StanzaError(XmppError):
    """A stanza was answered by an error. xml: the answer, where there is one. retry_ms: when it may be tried again (Unix),
    where an upload service said so; else 0."""

    status = Status.STANZA
    xml: Optional[str] = None
    retry_ms: int = 0


class DeliveryError(StanzaError):
    """A message was refused; reason is what the store keeps of it."""

    status = Status.STANZA


class StoreError(Error):
    """The store failed: see the native code."""

    status = Status.STORE


class StoreBusyError(StoreError):
    """Another process owns this store."""

    status = Status.BUSY


class StoreCorruptError(StoreError):
    """The file is damaged, or not an epode store."""

    status = Status.STORE_CORRUPT


class StoreNewerError(StoreError):
    """The file was written by a newer version."""

    status = Status.STORE_NEWER


class StoreFullError(StoreError):
    """No space left for the store."""

    status = Status.STORE_FULL


Error._of[int(Status.STANZA)] = StanzaError  # DeliveryError is raised by name only

_TEXTS = {
    Status.INVALID: "an argument is wrong",
    Status.NO_MEMORY: "out of memory",
    Status.STATE: "not possible now: the client is not ready, is suspended, or was not stopped",
    Status.CANCELLED: "the application asked for it",
    Status.TIMEOUT: "the deadline passed",
    Status.BUSY: "another process owns this store",
    Status.LIMIT: "a limit of size or number was passed",
    Status.STORE: "the store failed",
    Status.STORE_CORRUPT: "the store is damaged, or not an epode store",
    Status.STORE_NEWER: "the store was written by a newer version",
    Status.STORE_FULL: "no space is left for the store",
}


def error_of(status: int, text: Optional[str] = None, *, condition: Optional[str] = None, native: int = 0,
             final: bool = True) -> Error:
    """The exception for a status."""
    known = Status(status)
    if text is None:
        text = _TEXTS.get(known) or ffi.string(lib.epode_status_name(status)).decode()
    error = Error._of.get(int(known), Error)(text, condition=condition, native=native, final=final)
    error.status = known
    return error


def error_from(pointer: Any) -> Optional[Error]:
    """The exception for an epode_error; None for NULL."""
    if pointer == ffi.NULL:
        return None
    condition = lib.epode_error_condition(pointer)
    return error_of(lib.epode_error_status(pointer), ffi.string(lib.epode_error_text(pointer)).decode("utf-8", "replace"),
                    condition=ffi.string(condition).decode("utf-8", "replace") if condition != ffi.NULL else None,
                    native=lib.epode_error_native(pointer), final=lib.epode_error_is_final(pointer))


def check(status: int, invalid: Optional[str] = None) -> int:
    """Raises where a status is a failure; invalid: what an argument has to be like."""
    if status < 0:
        raise error_of(status, invalid if status == Status.INVALID else None)
    return status
