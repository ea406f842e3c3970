"""The facts of a session: what was bound, what was enabled, what the start cost."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from ._native import ffi, lib
from .enums import Bind, Feature, Token
from .handle import text, words


@dataclass(frozen=True)
class Waits:
    """How often the start had to wait for the network, one after the other."""

    dns: int
    tcp: int
    tls: int
    xmpp: int


@dataclass(frozen=True)
class Flight:
    """What was sent in one go, and when the last byte of the answer was there: microseconds since the connect began."""

    layer: str
    held: str
    sent_us: int
    answered_us: int
    bytes_out: int
    bytes_in: int
    waits: int


@dataclass(frozen=True)
class Attempt:
    """One connection of the race of addresses; microseconds since the connect began."""

    host: Optional[str]
    address: Optional[str]
    port: int
    direct: bool
    won: bool
    began_us: int
    tcp_us: int
    ended_us: int
    failure: Optional[str]


@dataclass(frozen=True)
class TlsInfo:
    """The TLS of a session, and where its connection went."""

    version: Optional[str]
    cipher: Optional[str]
    resumed: bool
    early_data: bool
    direct: bool
    host: Optional[str]
    address: Optional[str]
    port: int


@dataclass(frozen=True)
class ArchiveInfo:
    """The ends of the account's archive at the bind; None: it is empty."""

    first_id: Optional[str]
    first_time: Optional[str]
    last_id: Optional[str]
    last_time: Optional[str]


@dataclass(frozen=True)
class ServerUnread:
    """What the server said is unread when it bound the resource (first drafts of Bind 2 only)."""

    jid: str
    read_id: Optional[str]
    count: int


@dataclass(frozen=True)
class Fallback:
    """What was guessed from memory and was wrong; stable tokens."""

    what: str
    why: str


@dataclass(frozen=True)
class Session:
    """The facts of a session as they were when it was asked for: what was bound, what was enabled, what the start cost.

    why_not: for each feature that is not on, a stable token that says why. synced_us: -1 while catch-up is not done.
    server_unread: None where the server does not say. resume_s: for how many seconds the server keeps the session when
    its link is gone; 0: it does not say, -1: it cannot be resumed."""

    jid: str
    resumed: bool
    bind: Bind
    token: Token
    mechanism: Optional[str]
    features: frozenset[Feature]
    why_not: dict[Feature, str]
    tls: TlsInfo
    archive: Optional[ArchiveInfo]
    server_unread: Optional[tuple[ServerUnread, ...]]
    waits: Waits
    flights: tuple[Flight, ...]
    attempts: tuple[Attempt, ...]
    fallbacks: tuple[Fallback, ...]
    ready_us: int
    synced_us: int
    new_messages: int
    resume_s: int


def _flights(s: Any) -> tuple[Flight, ...]:
    found = (lib.epode_session_flight_at(s, i) for i in range(lib.epode_session_flight_count(s)))
    return tuple(Flight(words(f.layer), words(f.held), f.sent_us, f.answered_us, f.bytes_out, f.bytes_in, f.waits)
                 for f in found)


def _attempts(s: Any) -> tuple[Attempt, ...]:
    found = (lib.epode_session_attempt_at(s, i) for i in range(lib.epode_session_attempt_count(s)))
    return tuple(Attempt(text(a.host), text(a.address), a.port, a.direct, a.won, a.began_us, a.tcp_us, a.ended_us,
                         text(a.failure)) for a in found)


def _sized(kind: str) -> Any:
    made = ffi.new(f"{kind} *")
    made.size = ffi.sizeof(kind)
    return made


def _archive(s: Any) -> Optional[ArchiveInfo]:
    info = _sized("epode_archive_info")
    if not lib.epode_session_archive(s, info):
        return None
    return ArchiveInfo(text(info.first_id), text(info.first_time), text(info.last_id), text(info.last_time))


def _server_unread(s: Any) -> Optional[tuple[ServerUnread, ...]]:
    n = lib.epode_session_unread_count(s)
    if n < 0:
        return None
    found = (lib.epode_session_unread_at(s, i) for i in range(n))
    return tuple(ServerUnread(words(u.jid), text(u.read_id), u.count) for u in found)


def session_of(s: Any) -> Session:
    tls, waits, why = _sized("epode_tls_info"), _sized("epode_waits"), ffi.new("const char **")
    lib.epode_session_tls(s, tls)
    lib.epode_session_waits(s, waits)
    features, why_not = set(), {}
    for feature in Feature:
        if lib.epode_session_has(s, int(feature), why):
            features.add(feature)
        else:
            why_not[feature] = text(why[0]) or ""
    fallbacks = (lib.epode_session_fallback_at(s, i) for i in range(lib.epode_session_fallback_count(s)))
    return Session(
        jid=words(lib.epode_session_jid(s)), resumed=lib.epode_session_is_resumed(s), bind=Bind(lib.epode_session_bind(s)),
        token=Token(lib.epode_session_token(s)), mechanism=text(lib.epode_session_mechanism(s)),
        features=frozenset(features), why_not=why_not,
        tls=TlsInfo(text(tls.version), text(tls.cipher), tls.resumed, tls.early_data, tls.direct, text(tls.host),
                    text(tls.address), tls.port),
        archive=_archive(s), server_unread=_server_unread(s), waits=Waits(waits.dns, waits.tcp, waits.tls, waits.xmpp),
        flights=_flights(s), attempts=_attempts(s), fallbacks=tuple(Fallback(words(f.what), words(f.why)) for f in fallbacks),
        ready_us=lib.epode_session_ready_us(s), synced_us=lib.epode_session_synced_us(s),
        new_messages=lib.epode_session_new_messages(s), resume_s=lib.epode_session_resume_s(s))
