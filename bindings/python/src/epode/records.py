"""What is read: messages, conversations, contacts, rooms, sessions. Plain values, copied: they outlive everything."""
from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Optional

from ._native import ffi, lib
from .enums import (Affiliation, Bind, Delivery, Feature, Role, Show, Subscription, Token)
from .errors import Error
from .handle import text, words


def moment(ms: int) -> datetime.datetime:
    """Unix milliseconds as a time in UTC."""
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)


@dataclass(frozen=True)
class Reaction:
    """What somebody thinks of a message (XEP-0444)."""

    author: str
    outgoing: bool
    text: str


@dataclass(frozen=True)
class Message:
    """A message as it is to be shown; see struct epode_message in epode/store.h. occupant: in a room, who it is by,
    whatever the nick (XEP-0421)."""

    row: int
    archive: str
    archive_id: Optional[str]
    peer: Optional[str]
    sender: Optional[str]
    outgoing: bool
    groupchat: bool
    edited: bool
    retracted: bool
    provisional: bool
    time_ms: int
    received_ms: int
    type: Optional[str]
    body: Optional[str]
    id: Optional[str]
    origin_id: Optional[str]
    reply_id: Optional[str]
    delivery: Delivery
    reason: Optional[str]
    reactions: tuple[Reaction, ...] = ()
    xml: Optional[str] = None
    occupant: Optional[str] = None

    @property
    def time(self) -> datetime.datetime:
        """When it was written, or came: the archive's time, or the sender's."""
        return moment(self.time_ms)


def message_of(m: Any) -> Message:
    reactions = tuple(Reaction(words(m.reactions[i].author), m.reactions[i].outgoing, words(m.reactions[i].text))
                      for i in range(m.reaction_count)) if m.reaction_count else ()
    xml = None if m.xml == ffi.NULL else ffi.unpack(m.xml, m.xml_len).decode("utf-8", "replace")
    return Message(m.row, words(m.archive), text(m.archive_id), text(m.peer), text(getattr(m, "from")), m.outgoing,
                   m.groupchat, m.edited, m.retracted, m.provisional, m.time_ms, m.received_ms, text(m.type), text(m.body),
                   text(m.id), text(m.origin_id), text(m.reply_id), Delivery(m.state), text(m.reason), reactions, xml,
                   text(m.occupant))


@dataclass(frozen=True)
class Conversation:
    """One peer, with what is unread. at_least: there may be more than that."""

    peer: str
    archive: str
    last_row: int
    last_ms: int
    displayed_row: int
    unread: int
    at_least: bool


def conversation_of(c: Any) -> Conversation:
    return Conversation(words(c.peer), words(c.archive), c.last_row, c.last_ms, c.displayed_row, c.unread,
                        c.unread_at_least)


@dataclass(frozen=True)
class Unread:
    """How much is unread. at_least: there may be more."""

    count: int
    at_least: bool


@dataclass(frozen=True)
class Contact:
    """An entry of the roster."""

    jid: str
    name: Optional[str]
    subscription: Subscription
    ask: bool
    approved: bool
    groups: tuple[str, ...]


def contact_of(c: Any) -> Contact:
    return Contact(words(c.jid), text(c.name), Subscription(c.subscription), c.ask, c.approved,
                   tuple(words(c.groups[i]) for i in range(c.group_count)))


@dataclass(frozen=True)
class Hole:
    """A stretch of an archive that is not held. Times are Unix milliseconds, 0 where they are not known."""

    archive: str
    after_id: Optional[str]
    before_id: Optional[str]
    after_ms: int
    before_ms: int


def hole_of(h: Any) -> Hole:
    return Hole(words(h.archive), text(h.after_id), text(h.before_id), h.after_ms, h.before_ms)


@dataclass(frozen=True)
class Presence:
    """One resource that is there. idle_ms, stamp_ms: Unix milliseconds, 0 where that was not said."""

    jid: str
    show: Show
    status: Optional[str]
    priority: int
    idle_ms: int
    stamp_ms: int
    photo: Optional[str]
    caps_node: Optional[str]


def presence_of(p: Any) -> Presence:
    return Presence(words(p.jid), Show(p.show), text(p.status), p.priority, p.idle_ms, p.stamp_ms, text(p.photo),
                    text(p.caps_node))


@dataclass(frozen=True)
class Occupant:
    """Somebody in a room. jid: the real one, where the room tells it; id: the same for ever, whatever the nick."""

    nick: str
    jid: Optional[str]
    affiliation: Affiliation
    role: Role
    self: bool
    id: Optional[str] = None


@dataclass(frozen=True)
class Room:
    """A room that we are in or want to be in."""

    jid: str
    nick: str
    subject: Optional[str]
    joined: bool
    occupants: tuple[Occupant, ...]


def room_of(r: Any) -> Room:
    occupants = []
    for i in range(lib.epode_room_occupant_count(r)):
        o = lib.epode_room_occupant_at(r, i)
        occupants.append(Occupant(words(o.nick), text(o.jid), Affiliation(o.affiliation), Role(o.role), o.self, text(o.id)))
    return Room(words(lib.epode_room_jid(r)), words(lib.epode_room_nick(r)), text(lib.epode_room_subject(r)),
                lib.epode_room_is_joined(r), tuple(occupants))


@dataclass(frozen=True)
class Bookmark:
    """A room that the account knows (XEP-0402)."""

    jid: str
    name: Optional[str] = None
    nick: Optional[str] = None
    password: Optional[str] = None
    autojoin: bool = False

    def __repr__(self) -> str:
        return f"Bookmark(jid={self.jid!r}, name={self.name!r}, nick={self.nick!r}, autojoin={self.autojoin!r})"


def bookmark_of(b: Any) -> Bookmark:
    return Bookmark(words(b.jid), text(b.name), text(b.nick), text(b.password), b.autojoin)


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


@dataclass(frozen=True)
class IqAnswer:
    """The answer to a request; xml: the whole stanza."""

    xml: str


@dataclass(frozen=True)
class Software:
    """Name and version of somebody's software (XEP-0092)."""

    name: Optional[str]
    version: Optional[str]
    os: Optional[str]


@dataclass(frozen=True)
class EntityTime:
    """What time it is somewhere (XEP-0202): Unix milliseconds, and the minutes that local time is ahead of UTC."""

    utc_ms: int
    offset_min: int

    @property
    def time(self) -> datetime.datetime:
        """There."""
        return moment(self.utc_ms).astimezone(datetime.timezone(datetime.timedelta(minutes=self.offset_min)))


@dataclass(frozen=True)
class Item:
    """What belongs to somebody (XEP-0030)."""

    jid: str
    node: Optional[str]
    name: Optional[str]


@dataclass(frozen=True)
class UploadSlot:
    """A place to put a file (XEP-0363): a PUT to put_url with these headers, in this order."""

    put_url: str
    get_url: str
    headers: tuple[tuple[str, str], ...]
    service: Optional[str]
    max_bytes: int


def upload_of(u: Any) -> UploadSlot:
    headers, name, value = [], ffi.new("const char **"), ffi.new("const char **")
    for i in range(u.header_count):
        if lib.epode_upload_header(u, i, name, value):
            headers.append((words(name[0]), words(value[0])))
    return UploadSlot(words(u.put_url), words(u.get_url), tuple(headers), text(u.service), u.max_bytes)


@dataclass(frozen=True)
class Task:
    """What a server wants behind a login (XEP-0388, 2.6.3). names: to choose from; current: the one under way; text: the
    server's, for people; xml: the data of the one under way."""

    names: tuple[str, ...]
    current: Optional[str]
    text: Optional[str]
    xml: Optional[str]


def task_of(t: Any) -> Task:
    return Task(tuple(words(lib.epode_task_name_at(t, i)) for i in range(lib.epode_task_count(t))),
                text(lib.epode_task_current(t)), text(lib.epode_task_text(t)), text(lib.epode_task_xml(t)))


@dataclass(frozen=True)
class TaskAnswer:
    """The answer to it. name: the chosen task, None for the one under way; xml: one element with its namespace."""

    name: Optional[str] = None
    xml: Optional[str] = None


class OAuthToken(str):
    """A bearer token, as the answer to on_password in place of a password."""


@dataclass(frozen=True)
class Fetched:
    """What an errand for a push notification brought. complete: everything is there."""

    complete: bool
    new_messages: int
    error: Optional[Error]
