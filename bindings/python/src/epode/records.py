"""What is read: messages, conversations, contacts, rooms. Plain values, copied: they outlive everything."""
from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any, Optional

from ._native import ffi, lib
from .enums import Affiliation, Delivery, Role, Show, Subscription
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
    peer: str  # the conversation: a contact, or a room
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
    return Message(m.row, words(m.archive), text(m.archive_id), words(m.peer), text(getattr(m, "from")), m.outgoing,
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
