"""What a client tells its application: one class for each kind of event."""
from __future__ import annotations

import weakref
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import Any, Callable, ClassVar, Optional, Protocol

from ._native import ffi
from .enums import (BookmarkChange, Change, ChatState, Delivery, EventKind, RoomChange, RoomLeft, RosterChange, Show, State,
                    SubscriptionStep)
from .errors import Error, error_from
from .handle import text, words
from .records import Message


class Reads(Protocol):
    """Where an event's message is read."""

    def message(self, row: int) -> Optional[Message]: ...


@dataclass(frozen=True)
class Event:
    """Something happened. resource: whom it was addressed to, where several resources are bound."""

    kind: ClassVar[EventKind]
    resource: Optional[str] = field(default=None, init=False, compare=False, repr=False)


@dataclass(frozen=True)
class StateEvent(Event):
    """The client got further, or fell back; error says why, where something went wrong."""

    kind = EventKind.STATE
    state: State
    error: Optional[Error] = None


@dataclass(frozen=True)
class MessageEvent(Event):
    """A row is new or changed. message reads it from the store, as it is when asked."""

    kind = EventKind.MESSAGE
    row: int
    change: Change
    history: bool = False  # it was there before this store was; False: it is news, also if it came while nobody was online
    _store: Optional[weakref.ref[Reads]] = field(default=None, repr=False, compare=False)

    @property
    def message(self) -> Optional[Message]:
        """None: there is no such row any more."""
        store = self._store() if self._store else None
        return store.message(self.row) if store else None

    @property
    def incoming(self) -> Optional[Message]:
        """The message, if it is news by somebody else that has a text; for bots. What a first login or a fill brings is
        no news."""
        message = self.message if self.change == Change.NEW and not self.history else None
        return message if message and not message.outgoing and message.body is not None else None


@dataclass(frozen=True)
class DeliveryEvent(Event):
    """An outgoing message got further. id: the stanza's."""

    kind = EventKind.DELIVERY
    row: int
    id: Optional[str]
    delivery: Delivery


@dataclass(frozen=True)
class StanzaEvent(Event):
    """Any stanza, with Flags.RAW_STANZAS."""

    kind = EventKind.STANZA
    xml: str

    @property
    def element(self) -> ET.Element:
        """For ElementTree; names have their namespaces: {jabber:client}message."""
        return ET.fromstring(self.xml)


@dataclass(frozen=True)
class UnreadEvent(Event):
    """The displayed position of a conversation moved."""

    kind = EventKind.UNREAD
    peer: str


@dataclass(frozen=True)
class SyncEvent(Event):
    """Catch-up. synced: every followed archive is held up to its end; expected 0: not known; error: it could not be done."""

    kind = EventKind.SYNC
    synced: bool
    done: int
    expected: int
    error: Optional[Error] = None


@dataclass(frozen=True)
class RosterEvent(Event):
    """A contact changed. peer None: the roster in the store is the server's now, or error says why not."""

    kind = EventKind.ROSTER
    peer: Optional[str]
    change: RosterChange
    error: Optional[Error] = None


@dataclass(frozen=True)
class SubscriptionEvent(Event):
    """The peer asks for a subscription, or answered."""

    kind = EventKind.SUBSCRIPTION
    peer: str
    step: SubscriptionStep


@dataclass(frozen=True)
class FetchedEvent(Event):
    """fetch() is over. complete: everything is there."""

    kind = EventKind.FETCHED
    complete: bool
    new_messages: int
    error: Optional[Error] = None


@dataclass(frozen=True)
class PresenceEvent(Event):
    """A peer is there, changed or went. peer None: the session is over, and nobody's presence is known any more."""

    kind = EventKind.PRESENCE
    peer: Optional[str]
    sender: Optional[str]
    show: Show
    error: Optional[Error] = None


@dataclass(frozen=True)
class CapsEvent(Event):
    """What the resource sender can do is known now: contact_has()."""

    kind = EventKind.CAPS
    peer: Optional[str]
    sender: Optional[str]


@dataclass(frozen=True)
class ChatStateEvent(Event):
    """The peer writes, or stopped."""

    kind = EventKind.CHAT_STATE
    peer: str
    sender: Optional[str]
    state: ChatState


@dataclass(frozen=True)
class AvatarEvent(Event):
    """The peer's avatar: id is its SHA-1, "" none."""

    kind = EventKind.AVATAR
    peer: str
    id: str


@dataclass(frozen=True)
class BlockingEvent(Event):
    """A JID is blocked now, or no longer. peer None: the list in the store is the server's, or error says why not."""

    kind = EventKind.BLOCKING
    peer: Optional[str]
    blocked: bool
    error: Optional[Error] = None


@dataclass(frozen=True)
class RoomEvent(Event):
    """What happened in a room; see epode_room_change in epode/event.h."""

    kind = EventKind.ROOM
    room: str
    change: RoomChange
    left: RoomLeft
    nick: Optional[str]
    text: Optional[str]
    error: Optional[Error] = None


@dataclass(frozen=True)
class BookmarkEvent(Event):
    """What became of a bookmark. room None: the list is the server's, or error says why not."""

    kind = EventKind.BOOKMARK
    room: Optional[str]
    change: BookmarkChange
    error: Optional[Error] = None


@dataclass(frozen=True)
class ResourceEvent(Event):
    """In a new session a further resource was bound again: resource is what it is called now; or error says why not. It was
    wished for as name, a full JID."""

    kind = EventKind.RESOURCE
    name: str
    error: Optional[Error] = None


Store = Optional["weakref.ref[Reads]"]


def _stanza(e: Any, store: Store) -> Event:
    return StanzaEvent(ffi.unpack(e.xml, e.xml_len).decode("utf-8", "replace") if e.xml_len else "")


_MAKE: dict[int, Callable[[Any, Store], Event]] = {
    EventKind.STATE: lambda e, s: StateEvent(State(e.state), error_from(e.error)),
    EventKind.MESSAGE: lambda e, s: MessageEvent(e.row, Change(e.change), bool(e.history), s),
    EventKind.DELIVERY: lambda e, s: DeliveryEvent(e.row, text(e.id), Delivery(e.delivery)),
    EventKind.STANZA: _stanza,
    EventKind.UNREAD: lambda e, s: UnreadEvent(words(e.peer)),
    EventKind.SYNC: lambda e, s: SyncEvent(e.synced, e.done, e.expected, error_from(e.error)),
    EventKind.ROSTER: lambda e, s: RosterEvent(text(e.peer), RosterChange(e.roster), error_from(e.error)),
    EventKind.SUBSCRIPTION: lambda e, s: SubscriptionEvent(words(e.peer), SubscriptionStep(e.subscription)),
    EventKind.FETCHED: lambda e, s: FetchedEvent(e.synced, e.done, error_from(e.error)),
    EventKind.PRESENCE: lambda e, s: PresenceEvent(text(e.peer), text(getattr(e, "from")), Show(e.show),
                                                   error_from(e.error)),
    EventKind.CAPS: lambda e, s: CapsEvent(text(e.peer), text(getattr(e, "from"))),
    EventKind.CHAT_STATE: lambda e, s: ChatStateEvent(words(e.peer), text(getattr(e, "from")), ChatState(e.chat_state)),
    EventKind.AVATAR: lambda e, s: AvatarEvent(words(e.peer), words(e.id)),
    EventKind.BLOCKING: lambda e, s: BlockingEvent(text(e.peer), e.blocked, error_from(e.error)),
    EventKind.ROOM: lambda e, s: RoomEvent(words(e.peer), RoomChange(e.room), RoomLeft(e.left), text(e.nick), text(e.text),
                                           error_from(e.error)),
    EventKind.BOOKMARK: lambda e, s: BookmarkEvent(text(e.peer), BookmarkChange(e.bookmark), error_from(e.error)),
    EventKind.RESOURCE: lambda e, s: ResourceEvent(words(e.peer), error_from(e.error)),
}


def event_of(e: Any, store: Store) -> Optional[Event]:
    """The event; None: of a kind that this package does not know, by a newer library."""
    make = _MAKE.get(e.type)
    if make is None:
        return None
    event = make(e, store)
    if e.resource != ffi.NULL:
        object.__setattr__(event, "resource", words(e.resource))
    return event
