"""epode: an XMPP client that is ready in one wait, never loses and never doubles a message, and never blocks.

    import asyncio, epode

    async def main() -> None:
        async with epode.Client("you@example.org", "secret", store="you.db") as client:
            await client.ready()
            await client.send("friend@example.org", "hello")

    asyncio.run(main())

For scripts without asyncio: epode.blocking."""
from ._native import ffi as _ffi
from ._native import lib as _lib
from .client import Client
from .core import Events
from .enums import (Affiliation, Ask, Bind, BookmarkChange, Change, ChatState, Delivery, EventKind, Feature, Flags, Forget,
                    Hint, IqOutcome, LogLevel, Role, RoomChange, RoomFlags, RoomLeft, RosterChange, Secret, Show, State,
                    Status, Stop, Subscription, SubscriptionStep, Tls, Token)
from .errors import (AbortedError, AuthError, BindError, CertificateError, ConflictError, ConnectError, DeadlineError,
                     DeliveryError, DnsError, DowngradeError, Error, ForkedError, InvalidArgumentError, LimitError,
                     NetworkError, OutOfMemoryError, ProtocolError, ProxyError, SessionError, StanzaError, StateError,
                     StoreBusyError, StoreCorruptError, StoreError, StoreFullError, StoreNewerError, StreamError, TlsError,
                     WrongThreadError, XmppError)
from .events import (AvatarEvent, BlockingEvent, BookmarkEvent, CapsEvent, ChatStateEvent, DeliveryEvent, Event,
                     FetchedEvent, MessageEvent, PresenceEvent, ResourceEvent, RoomEvent, RosterEvent, StanzaEvent,
                     StateEvent, SubscriptionEvent, SyncEvent, UnreadEvent)
from .handle import live
from .messages import Outgoing
from .reading import Reader, Store
from .records import (Bookmark, Contact, Conversation, EntityTime, Fetched, Hole, IqAnswer, Item, Message, OAuthToken,
                      Occupant, Presence, Reaction, Room, Software, Task, TaskAnswer, Unread, UploadSlot)
from .session import (ArchiveInfo, Attempt, Fallback, Flight, ServerUnread, Session, TlsInfo, Waits)

__version__: str = _ffi.string(_lib.epode_version()).decode()
"""Of the C library."""

__all__ = ["AbortedError", "Affiliation", "ArchiveInfo", "Ask", "Attempt", "AuthError", "AvatarEvent",
           "Bind", "BindError", "BlockingEvent", "Bookmark", "BookmarkChange", "BookmarkEvent", "CapsEvent",
           "CertificateError", "Change", "ChatState", "ChatStateEvent", "Client", "ConflictError", "ConnectError",
           "Contact", "Conversation", "DeadlineError", "Delivery", "DeliveryError", "DeliveryEvent", "DnsError",
           "DowngradeError", "EntityTime", "Error", "Event", "EventKind", "Events", "Fallback", "Feature", "Fetched", "FetchedEvent",
           "Flags", "Flight", "Forget", "ForkedError", "Hint", "Hole", "InvalidArgumentError", "IqAnswer",
           "IqOutcome", "Item", "LimitError", "live", "LogLevel", "Message", "MessageEvent", "NetworkError",
           "OAuthToken", "Occupant", "Outgoing", "OutOfMemoryError", "Presence", "PresenceEvent", "ProtocolError",
           "ProxyError", "Reaction", "Reader", "ResourceEvent", "Role", "Room", "RoomChange", "RoomEvent", "RoomFlags", "RoomLeft",
           "RosterChange", "RosterEvent", "Secret", "ServerUnread", "Session", "SessionError", "Show", "Software",
           "StanzaError", "StanzaEvent", "State", "StateError", "StateEvent", "Status", "Stop", "Store", "StoreBusyError",
           "StoreCorruptError", "StoreError", "StoreFullError", "StoreNewerError", "StreamError", "Subscription",
           "SubscriptionEvent", "SubscriptionStep", "SyncEvent", "Task", "TaskAnswer", "Tls", "TlsError", "TlsInfo",
           "Token", "Unread", "UnreadEvent", "UploadSlot", "Waits", "WrongThreadError", "XmppError"]
