// The C interface's enumerations, with their values.

/// Where a client stands. `epode_state`.
public enum ConnectionState: UInt32, Sendable {
    /// Not wished for, or a final error.
    case stopped = 0  // EPODE_STOPPED
    /// On the way; with an error: it failed and will be tried again.
    case connecting = 1  // EPODE_CONNECTING
    /// Bound or resumed, all that was wished for is asked and answered.
    case ready = 2  // EPODE_READY
    /// The session was lost; the next attempt waits for its time.
    case offline = 3  // EPODE_OFFLINE
}

/// What became of a stored message. `epode_change`.
public enum Change: UInt32, Sendable {
    case new = 1  // EPODE_CHANGE_NEW
    /// Other text, retracted, other reactions, or now known to the archive.
    case changed = 2  // EPODE_CHANGE_CHANGED
    /// Stands elsewhere in its conversation.
    case moved = 3  // EPODE_CHANGE_MOVED
}

/// How far an outgoing message got; it only moves forward. `epode_delivery`.
public enum Delivery: UInt32, Sendable, Comparable {
    /// Not ours.
    case none = 0  // EPODE_DELIVERY_NONE
    case queued = 1  // EPODE_DELIVERY_QUEUED
    /// Written; the server has not confirmed it.
    case sent = 2  // EPODE_DELIVERY_SENT
    /// The server has it.
    case acknowledged = 3  // EPODE_DELIVERY_ACKNOWLEDGED
    /// XEP-0184.
    case received = 4  // EPODE_DELIVERY_RECEIVED
    /// XEP-0333.
    case read = 5  // EPODE_DELIVERY_READ
    case failed = 6  // EPODE_DELIVERY_FAILED

    public static func < (a: Delivery, b: Delivery) -> Bool { a.rawValue < b.rawValue }
}

/// What became of a contact; bits. `EPODE_ROSTER_*`.
public struct RosterChange: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let added = RosterChange(rawValue: 1)  // EPODE_ROSTER_ADDED
    public static let removed = RosterChange(rawValue: 2)  // EPODE_ROSTER_REMOVED
    public static let name = RosterChange(rawValue: 4)  // EPODE_ROSTER_NAME
    public static let groups = RosterChange(rawValue: 8)  // EPODE_ROSTER_GROUPS
    public static let subscription = RosterChange(rawValue: 16)  // EPODE_ROSTER_SUBSCRIPTION
    public static let ask = RosterChange(rawValue: 32)  // EPODE_ROSTER_ASK
    public static let approved = RosterChange(rawValue: 64)  // EPODE_ROSTER_APPROVED
    /// Of no contact: the roster in the store is the server's, in this session.
    public static let current = RosterChange(rawValue: 128)  // EPODE_ROSTER_CURRENT
}

/// One step of a subscription (RFC 6121, 3), in either direction. `epode_subscription_step`.
public enum SubscriptionStep: UInt32, Sendable {
    /// Asks to see the other's presence.
    case subscribe = 1  // EPODE_SUBSCRIBE
    /// Allows the other to see ours: an answer, or beforehand where the server can.
    case subscribed = 2  // EPODE_SUBSCRIBED
    /// No longer wants to see it.
    case unsubscribe = 3  // EPODE_UNSUBSCRIBE
    /// Refuses, or no longer allows.
    case unsubscribed = 4  // EPODE_UNSUBSCRIBED
}

/// Who sees whose presence (RFC 6121, 3). `epode_subscription`.
public enum Subscription: UInt32, Sendable {
    case none = 0  // EPODE_SUBSCRIPTION_NONE
    /// We see theirs.
    case to = 1  // EPODE_SUBSCRIPTION_TO
    /// They see ours.
    case from = 2  // EPODE_SUBSCRIPTION_FROM
    case both = 3  // EPODE_SUBSCRIPTION_BOTH
}

/// Whether somebody is there, and open to talk (RFC 6121, 4.7.2.1). `epode_show`.
public enum Show: UInt32, Sendable {
    case online = 0  // EPODE_SHOW_ONLINE
    /// Wants to talk.
    case chat = 1  // EPODE_SHOW_CHAT
    case away = 2  // EPODE_SHOW_AWAY
    /// Away for long.
    case xa = 3  // EPODE_SHOW_XA
    /// Do not disturb.
    case dnd = 4  // EPODE_SHOW_DND
    case offline = 5  // EPODE_SHOW_OFFLINE
}

/// XEP-0085. `epode_chat_state`.
public enum ChatState: UInt32, Sendable {
    /// Looks at the conversation.
    case active = 1  // EPODE_CHAT_ACTIVE
    case composing = 2  // EPODE_CHAT_COMPOSING
    /// Wrote, and stopped.
    case paused = 3  // EPODE_CHAT_PAUSED
    case inactive = 4  // EPODE_CHAT_INACTIVE
    /// Left the conversation.
    case gone = 5  // EPODE_CHAT_GONE
}

/// What happened in a room. `epode_room_change`.
public enum RoomChange: UInt32, Sendable {
    case joinedNow = 1  // EPODE_ROOM_JOINED_NOW
    case refused = 2  // EPODE_ROOM_REFUSED
    case left = 3  // EPODE_ROOM_LEFT
    case subject = 4  // EPODE_ROOM_SUBJECT
    case nick = 5  // EPODE_ROOM_NICK
    case occupantCame = 6  // EPODE_ROOM_OCCUPANT_CAME
    case occupantChanged = 7  // EPODE_ROOM_OCCUPANT_CHANGED
    case occupantRenamed = 8  // EPODE_ROOM_OCCUPANT_RENAMED
    case occupantLeft = 9  // EPODE_ROOM_OCCUPANT_LEFT
}

/// Why somebody is not in a room any more. `epode_room_left`.
public enum RoomLeft: UInt32, Sendable {
    /// By their own wish.
    case `self` = 1  // EPODE_LEFT_SELF
    case kicked = 2  // EPODE_LEFT_KICKED
    case banned = 3  // EPODE_LEFT_BANNED
    /// Of a change of their affiliation.
    case affiliation = 4  // EPODE_LEFT_AFFILIATION
    case membersOnly = 5  // EPODE_LEFT_MEMBERS_ONLY
    /// The service stops.
    case shutdown = 6  // EPODE_LEFT_SHUTDOWN
    /// There is no such room any more.
    case destroyed = 7  // EPODE_LEFT_DESTROYED
    /// They could not be reached.
    case error = 8  // EPODE_LEFT_ERROR
    /// Ourselves: the room does not know of us any more; it is joined again.
    case lost = 9  // EPODE_LEFT_LOST
}

/// `epode_affiliation`.
public enum Affiliation: UInt32, Sendable {
    case none = 0  // EPODE_AFFILIATION_NONE
    case outcast = 1  // EPODE_AFFILIATION_OUTCAST
    case member = 2  // EPODE_AFFILIATION_MEMBER
    case admin = 3  // EPODE_AFFILIATION_ADMIN
    case owner = 4  // EPODE_AFFILIATION_OWNER
}

/// `epode_role`.
public enum Role: UInt32, Sendable {
    case none = 0  // EPODE_ROLE_NONE
    case visitor = 1  // EPODE_ROLE_VISITOR
    case participant = 2  // EPODE_ROLE_PARTICIPANT
    case moderator = 3  // EPODE_ROLE_MODERATOR
}

/// What became of a bookmark. `epode_bookmark_change`.
public enum BookmarkChange: UInt32, Sendable {
    case added = 1  // EPODE_BOOKMARK_ADDED
    case changed = 2  // EPODE_BOOKMARK_CHANGED
    case removed = 3  // EPODE_BOOKMARK_REMOVED
    /// Of none: those held are the server's.
    case current = 4  // EPODE_BOOKMARK_CURRENT
}

/// What the application knows and the client cannot. `epode_hint`.
public enum Hint: UInt32, Sendable, CaseIterable {
    /// Another network, or one again.
    case networkChanged = 1  // EPODE_HINT_NETWORK_CHANGED
    /// There is none: attempts wait for the hint above, or five minutes.
    case networkLost = 2  // EPODE_HINT_NETWORK_LOST
    /// The system is about to stop the process.
    case suspended = 3  // EPODE_HINT_SUSPENDED
    /// It went on.
    case wokeUp = 4  // EPODE_HINT_WOKE_UP
    /// The user looks: client state is active, the session is tested.
    case foreground = 5  // EPODE_HINT_FOREGROUND
    /// Nobody looks.
    case background = 6  // EPODE_HINT_BACKGROUND
    /// Caches are given back.
    case lowMemory = 7  // EPODE_HINT_LOW_MEMORY
}

/// How to go offline. `EPODE_STOP_*`.
public enum Stop: Int32, Sendable {
    /// Ends the session at the server; nothing can be resumed.
    case close = 0  // EPODE_STOP_CLOSE
    /// Drops the connection; the server keeps the session for a while.
    case resumable = 1  // EPODE_STOP_RESUMABLE
}

/// What may be forgotten. `EPODE_FORGET_*`.
public struct Forget: OptionSet, Sendable, Hashable {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// DNS, features, habits, pins, TLS tickets.
    public static let facts = Forget(rawValue: 1)  // EPODE_FORGET_FACTS
    /// Token and keys: the next login needs the password.
    public static let token = Forget(rawValue: 2)  // EPODE_FORGET_TOKEN
    /// The stream management session.
    public static let session = Forget(rawValue: 4)  // EPODE_FORGET_SESSION
    /// How well this server authenticated before.
    public static let pins = Forget(rawValue: 8)  // EPODE_FORGET_PINS
}

/// Why a password is asked for. `epode_ask`.
public enum Ask: UInt32, Sendable {
    /// Nothing that is remembered can log in (any more).
    case needed = 1  // EPODE_ASK_NEEDED
    /// The last one was not taken; asked once, then the login fails with ``Status/auth``.
    case refused = 2  // EPODE_ASK_REFUSED
}

/// `EPODE_LOG_*`.
public enum LogLevel: Int32, Sendable {
    case error = 1  // EPODE_LOG_ERROR
    case warn = 2  // EPODE_LOG_WARN
    case info = 3  // EPODE_LOG_INFO
    case debug = 4  // EPODE_LOG_DEBUG
    /// Also the stream's XML, which is user data; secrets are masked.
    case trace = 5  // EPODE_LOG_TRACE
}

/// `epode_bind`.
public enum Bind: UInt32, Sendable {
    case none = 0  // EPODE_BIND_NONE
    /// XEP-0386 1.x.
    case bind2 = 1  // EPODE_BIND_BIND2
    /// XEP-0386 before 1.0.
    case draft = 2  // EPODE_BIND_DRAFT
    case rfc6120 = 3  // EPODE_BIND_RFC6120
    /// XEP-0198: nothing was bound, the old session goes on.
    case resumed = 4  // EPODE_BIND_RESUMED
}

/// `epode_token`.
public enum Token: UInt32, Sendable {
    case none = 0  // EPODE_TOKEN_NONE
    /// Logged in with a remembered token (XEP-0484).
    case used = 1  // EPODE_TOKEN_USED
    /// Logged in otherwise, and got one.
    case new = 2  // EPODE_TOKEN_NEW
    /// Logged in with one, and got its successor.
    case rotated = 3  // EPODE_TOKEN_ROTATED
}

/// `epode_feature`.
public enum Feature: UInt32, Sendable, CaseIterable {
    case carbons = 1  // EPODE_FEATURE_CARBONS
    case sm = 2  // EPODE_FEATURE_SM
    case csi = 3  // EPODE_FEATURE_CSI
}
