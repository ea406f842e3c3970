"""The constants of the C interface. Each line names the one that it mirrors; scripts/checks/bindings compares them."""
from __future__ import annotations

import enum
from typing import Any


class _Known(enum.IntEnum):
    """A value that a newer library has and this package does not know is a member of its own, never an exception."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member

    def __str__(self) -> str:
        return f"{type(self).__name__}.{self.name}"  # whatever the version of Python

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


class Status(_Known):
    """What became of a call: 0 done, positive not an error, negative failed."""

    OK = 0  # EPODE_OK
    DONE = 1  # EPODE_DONE
    AGAIN = 2  # EPODE_AGAIN
    INVALID = -1  # EPODE_EINVAL
    NO_MEMORY = -2  # EPODE_ENOMEM
    STATE = -3  # EPODE_ESTATE
    CANCELLED = -4  # EPODE_ECANCELLED
    TIMEOUT = -5  # EPODE_ETIMEOUT
    DNS = -10  # EPODE_EDNS
    CONNECT = -11  # EPODE_ECONNECT
    TLS = -12  # EPODE_ETLS
    CERTIFICATE = -13  # EPODE_ECERT
    PROXY = -14  # EPODE_EPROXY
    BUSY = -15  # EPODE_EBUSY
    AUTH = -20  # EPODE_EAUTH
    DOWNGRADE = -21  # EPODE_EDOWNGRADE
    BIND = -22  # EPODE_EBIND
    CONFLICT = -23  # EPODE_ECONFLICT
    STREAM = -30  # EPODE_ESTREAM
    PROTOCOL = -31  # EPODE_EPROTO
    LIMIT = -32  # EPODE_ELIMIT
    STANZA = -33  # EPODE_ESTANZA
    STORE = -40  # EPODE_ESTORE
    STORE_CORRUPT = -41  # EPODE_ESTORE_CORRUPT
    STORE_NEWER = -42  # EPODE_ESTORE_NEWER
    STORE_FULL = -43  # EPODE_ESTORE_FULL


class State(_Known):
    """Where a client is on its way."""

    STOPPED = 0  # EPODE_STOPPED
    CONNECTING = 1  # EPODE_CONNECTING
    READY = 2  # EPODE_READY
    OFFLINE = 3  # EPODE_OFFLINE


class EventKind(_Known):
    """What an event tells of."""

    STATE = 1  # EPODE_EV_STATE
    MESSAGE = 2  # EPODE_EV_MESSAGE
    DELIVERY = 3  # EPODE_EV_DELIVERY
    STANZA = 4  # EPODE_EV_STANZA
    UNREAD = 5  # EPODE_EV_UNREAD
    SYNC = 6  # EPODE_EV_SYNC
    ROSTER = 7  # EPODE_EV_ROSTER
    SUBSCRIPTION = 8  # EPODE_EV_SUBSCRIPTION
    FETCHED = 9  # EPODE_EV_FETCHED
    PRESENCE = 10  # EPODE_EV_PRESENCE
    CAPS = 11  # EPODE_EV_CAPS
    CHAT_STATE = 12  # EPODE_EV_CHAT_STATE
    AVATAR = 13  # EPODE_EV_AVATAR
    BLOCKING = 14  # EPODE_EV_BLOCKING
    ROOM = 15  # EPODE_EV_ROOM
    BOOKMARK = 16  # EPODE_EV_BOOKMARK
    RESOURCE = 17  # EPODE_EV_RESOURCE


class Change(_Known):
    """What became of a message's row."""

    NEW = 1  # EPODE_CHANGE_NEW
    CHANGED = 2  # EPODE_CHANGE_CHANGED
    MOVED = 3  # EPODE_CHANGE_MOVED


class Delivery(_Known):
    """How far an outgoing message got; it only moves forward."""

    NONE = 0  # EPODE_DELIVERY_NONE
    QUEUED = 1  # EPODE_DELIVERY_QUEUED
    SENT = 2  # EPODE_DELIVERY_SENT
    ACKNOWLEDGED = 3  # EPODE_DELIVERY_ACKNOWLEDGED
    RECEIVED = 4  # EPODE_DELIVERY_RECEIVED
    READ = 5  # EPODE_DELIVERY_READ
    FAILED = 6  # EPODE_DELIVERY_FAILED


class Tls(_Known):
    """Which TLS is used."""

    AUTO = 0  # EPODE_TLS_AUTO
    DIRECT = 1  # EPODE_TLS_DIRECT
    STARTTLS = 2  # EPODE_TLS_STARTTLS


class Flags(enum.IntFlag):
    """What a client does otherwise than by default; see epode/client.h."""

    NONE = 0
    ALLOW_PLAIN = 1 << 0  # EPODE_ALLOW_PLAIN
    NO_FAST_PATH = 1 << 1  # EPODE_NO_FAST_PATH
    START_INACTIVE = 1 << 2  # EPODE_START_INACTIVE
    NO_CARBONS = 1 << 3  # EPODE_NO_CARBONS
    NO_SM = 1 << 4  # EPODE_NO_SM
    NO_PRESENCE = 1 << 5  # EPODE_NO_PRESENCE
    RAW_STANZAS = 1 << 6  # EPODE_RAW_STANZAS
    NO_RECONNECT = 1 << 7  # EPODE_NO_RECONNECT
    NO_SYNC = 1 << 8  # EPODE_NO_SYNC
    NO_SASL2 = 1 << 9  # EPODE_NO_SASL2
    NO_EARLY_DATA = 1 << 10  # EPODE_NO_EARLY_DATA
    NO_ROSTER = 1 << 11  # EPODE_NO_ROSTER
    NO_RECEIPTS = 1 << 12  # EPODE_NO_RECEIPTS
    RECEIPTS_TO_ALL = 1 << 13  # EPODE_RECEIPTS_TO_ALL
    NO_SEARCH = 1 << 14  # EPODE_NO_SEARCH
    MULTI_RESOURCE = 1 << 15  # EPODE_MULTI_RESOURCE
    BLOCK_LIST = 1 << 16  # EPODE_BLOCK_LIST
    NO_AUTOJOIN = 1 << 17  # EPODE_NO_AUTOJOIN
    NO_BOOKMARKS = 1 << 18  # EPODE_NO_BOOKMARKS
    LOW_MEMORY = 1 << 19  # EPODE_LOW_MEMORY


class LogLevel(_Known):
    """How much is logged. TRACE has the stream's XML, which is user data, with secrets masked."""

    ERROR = 1  # EPODE_LOG_ERROR
    WARN = 2  # EPODE_LOG_WARN
    INFO = 3  # EPODE_LOG_INFO
    DEBUG = 4  # EPODE_LOG_DEBUG
    TRACE = 5  # EPODE_LOG_TRACE


class Ask(_Known):
    """Why a password is asked for."""

    NEEDED = 1  # EPODE_ASK_NEEDED
    REFUSED = 2  # EPODE_ASK_REFUSED


class Secret(_Known):
    """What the answer to that is."""

    PASSWORD = 1  # EPODE_SECRET_PASSWORD
    OAUTH = 2  # EPODE_SECRET_OAUTH


class Stop(_Known):
    """How a session is left."""

    CLOSE = 0  # EPODE_STOP_CLOSE
    RESUMABLE = 1  # EPODE_STOP_RESUMABLE


class Hint(_Known):
    """What the application knows and the client cannot."""

    NETWORK_CHANGED = 1  # EPODE_HINT_NETWORK_CHANGED
    NETWORK_LOST = 2  # EPODE_HINT_NETWORK_LOST
    SUSPENDED = 3  # EPODE_HINT_SUSPENDED
    WOKE_UP = 4  # EPODE_HINT_WOKE_UP
    FOREGROUND = 5  # EPODE_HINT_FOREGROUND
    BACKGROUND = 6  # EPODE_HINT_BACKGROUND
    LOW_MEMORY = 7  # EPODE_HINT_LOW_MEMORY


class Forget(enum.IntFlag):
    """What may be forgotten."""

    FACTS = 1  # EPODE_FORGET_FACTS
    TOKEN = 2  # EPODE_FORGET_TOKEN
    SESSION = 4  # EPODE_FORGET_SESSION
    PINS = 8  # EPODE_FORGET_PINS


class Bind(_Known):
    """How the resource was bound."""

    NONE = 0  # EPODE_BIND_NONE
    BIND2 = 1  # EPODE_BIND_BIND2
    DRAFT = 2  # EPODE_BIND_DRAFT
    RFC6120 = 3  # EPODE_BIND_RFC6120
    RESUMED = 4  # EPODE_BIND_RESUMED


class Token(_Known):
    """What part a token had in the login."""

    NONE = 0  # EPODE_TOKEN_NONE
    USED = 1  # EPODE_TOKEN_USED
    NEW = 2  # EPODE_TOKEN_NEW
    ROTATED = 3  # EPODE_TOKEN_ROTATED


class Feature(_Known):
    """What a session may have."""

    CARBONS = 1  # EPODE_FEATURE_CARBONS
    SM = 2  # EPODE_FEATURE_SM
    CSI = 3  # EPODE_FEATURE_CSI


class RosterChange(enum.IntFlag):
    """What became of a contact."""

    NONE = 0
    ADDED = 1  # EPODE_ROSTER_ADDED
    REMOVED = 2  # EPODE_ROSTER_REMOVED
    NAME = 4  # EPODE_ROSTER_NAME
    GROUPS = 8  # EPODE_ROSTER_GROUPS
    SUBSCRIPTION = 16  # EPODE_ROSTER_SUBSCRIPTION
    ASK = 32  # EPODE_ROSTER_ASK
    APPROVED = 64  # EPODE_ROSTER_APPROVED
    CURRENT = 128  # EPODE_ROSTER_CURRENT


class Subscription(_Known):
    """Who sees whose presence."""

    NONE = 0  # EPODE_SUBSCRIPTION_NONE
    TO = 1  # EPODE_SUBSCRIPTION_TO
    FROM = 2  # EPODE_SUBSCRIPTION_FROM
    BOTH = 3  # EPODE_SUBSCRIPTION_BOTH


class SubscriptionStep(_Known):
    """One step of a subscription, in either direction."""

    SUBSCRIBE = 1  # EPODE_SUBSCRIBE
    SUBSCRIBED = 2  # EPODE_SUBSCRIBED
    UNSUBSCRIBE = 3  # EPODE_UNSUBSCRIBE
    UNSUBSCRIBED = 4  # EPODE_UNSUBSCRIBED


class Show(_Known):
    """Whether somebody is there, and open to talk."""

    ONLINE = 0  # EPODE_SHOW_ONLINE
    CHAT = 1  # EPODE_SHOW_CHAT
    AWAY = 2  # EPODE_SHOW_AWAY
    XA = 3  # EPODE_SHOW_XA
    DND = 4  # EPODE_SHOW_DND
    OFFLINE = 5  # EPODE_SHOW_OFFLINE


class ChatState(_Known):
    """How somebody is with a conversation (XEP-0085)."""

    ACTIVE = 1  # EPODE_CHAT_ACTIVE
    COMPOSING = 2  # EPODE_CHAT_COMPOSING
    PAUSED = 3  # EPODE_CHAT_PAUSED
    INACTIVE = 4  # EPODE_CHAT_INACTIVE
    GONE = 5  # EPODE_CHAT_GONE


class RoomChange(_Known):
    """What happened in a room."""

    JOINED = 1  # EPODE_ROOM_JOINED_NOW
    REFUSED = 2  # EPODE_ROOM_REFUSED
    LEFT = 3  # EPODE_ROOM_LEFT
    SUBJECT = 4  # EPODE_ROOM_SUBJECT
    NICK = 5  # EPODE_ROOM_NICK
    OCCUPANT_CAME = 6  # EPODE_ROOM_OCCUPANT_CAME
    OCCUPANT_CHANGED = 7  # EPODE_ROOM_OCCUPANT_CHANGED
    OCCUPANT_RENAMED = 8  # EPODE_ROOM_OCCUPANT_RENAMED
    OCCUPANT_LEFT = 9  # EPODE_ROOM_OCCUPANT_LEFT


class RoomLeft(_Known):
    """Why somebody is not in a room any more."""

    NONE = 0
    SELF = 1  # EPODE_LEFT_SELF
    KICKED = 2  # EPODE_LEFT_KICKED
    BANNED = 3  # EPODE_LEFT_BANNED
    AFFILIATION = 4  # EPODE_LEFT_AFFILIATION
    MEMBERS_ONLY = 5  # EPODE_LEFT_MEMBERS_ONLY
    SHUTDOWN = 6  # EPODE_LEFT_SHUTDOWN
    DESTROYED = 7  # EPODE_LEFT_DESTROYED
    ERROR = 8  # EPODE_LEFT_ERROR
    LOST = 9  # EPODE_LEFT_LOST


class RoomFlags(enum.IntFlag):
    """How a room is joined."""

    NONE = 0
    OTHER_NICK = 1  # EPODE_ROOM_OTHER_NICK


class BookmarkChange(_Known):
    """What became of a bookmark."""

    ADDED = 1  # EPODE_BOOKMARK_ADDED
    CHANGED = 2  # EPODE_BOOKMARK_CHANGED
    REMOVED = 3  # EPODE_BOOKMARK_REMOVED
    CURRENT = 4  # EPODE_BOOKMARK_CURRENT


class Affiliation(_Known):
    """What somebody is to a room for good."""

    NONE = 0  # EPODE_AFFILIATION_NONE
    OUTCAST = 1  # EPODE_AFFILIATION_OUTCAST
    MEMBER = 2  # EPODE_AFFILIATION_MEMBER
    ADMIN = 3  # EPODE_AFFILIATION_ADMIN
    OWNER = 4  # EPODE_AFFILIATION_OWNER


class Role(_Known):
    """What somebody may do while in a room."""

    NONE = 0  # EPODE_ROLE_NONE
    VISITOR = 1  # EPODE_ROLE_VISITOR
    PARTICIPANT = 2  # EPODE_ROLE_PARTICIPANT
    MODERATOR = 3  # EPODE_ROLE_MODERATOR


class IqOutcome(_Known):
    """What became of a request."""

    RESULT = 1  # EPODE_IQ_RESULT
    ERROR = 2  # EPODE_IQ_ERROR
    TIMEOUT = 3  # EPODE_IQ_TIMEOUT
    CANCELLED = 4  # EPODE_IQ_CANCELLED
