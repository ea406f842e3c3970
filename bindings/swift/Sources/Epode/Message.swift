import CEpode

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A stored message as it is to be shown. `epode_message`.
public struct Message: Sendable, Hashable, Identifiable {
    /// Names it for ever in this store.
    public let row: UInt64
    /// Bare JID of the archive's owner.
    public let archive: String
    /// `nil`: not known yet.
    public let archiveID: String?
    /// The conversation.
    public let peer: String
    public let from: String
    public let isOutgoing: Bool
    public let isGroupchat: Bool
    public let isEdited: Bool
    public let isRetracted: Bool
    /// Its place is not confirmed by the archive yet.
    public let isProvisional: Bool
    /// The archive's, or the sender's delay, or of arrival.
    public let time: Date
    public let received: Date
    /// "chat", "normal", "groupchat", ...
    public let type: String
    /// As corrected; `nil` if retracted.
    public let body: String?
    /// The stanza's, which corrections, replies and reactions name.
    public let stanzaID: String?
    public let originID: String?
    public let replyID: String?
    /// Of outgoing ones.
    public let delivery: Delivery
    /// Of ``Delivery/failed``.
    public let reason: String?
    public let reactions: [Reaction]
    /// In a room: who it is, whatever the nick (XEP-0421).
    public let occupant: String?
    /// Only where asked for, and in events.
    public let xml: String?

    public var id: UInt64 { row }

    /// `epode_reaction`.
    public struct Reaction: Sendable, Hashable {
        /// A JID.
        public let author: String
        public let isOutgoing: Bool
        /// Emoji, separated by blanks.
        public let text: String
    }

    init(_ m: epode_message) {
        row = m.row
        archive = string(m.archive) ?? ""
        archiveID = string(m.archive_id)
        peer = string(m.peer) ?? ""
        from = string(m.from) ?? ""
        isOutgoing = m.outgoing
        isGroupchat = m.groupchat
        isEdited = m.edited
        isRetracted = m.retracted
        isProvisional = m.provisional
        time = Date(timeIntervalSince1970: Double(m.time_ms) / 1000)
        received = Date(timeIntervalSince1970: Double(m.received_ms) / 1000)
        type = string(m.type) ?? ""
        body = string(m.body)
        stanzaID = string(m.id)
        originID = string(m.origin_id)
        replyID = string(m.reply_id)
        delivery = Delivery(rawValue: m.state.rawValue) ?? .none
        reason = string(m.reason)
        reactions = UnsafeBufferPointer(start: m.reactions, count: m.reaction_count).map {
            Reaction(author: string($0.author) ?? "", isOutgoing: $0.outgoing, text: string($0.text) ?? "")
        }
        occupant = string(m.occupant)
        xml = string(m.xml)
    }
}

/// Which messages, and in which order. `epode_query`.
public struct Query: Sendable {
    /// This conversation; `nil`: all of the archive.
    public var peer: String?
    /// Bare JID of the archive's owner: a room's, or `nil`: the account.
    public var archive: String?
    public var newestFirst = false
    /// Begin behind this message, in the direction of reading; 0: at the end.
    public var fromRow: UInt64 = 0
    /// ... with it.
    public var isInclusive = false
    /// Begin at the first message of that time or later (newest first: the last before).
    public var fromTime: Date?
    /// Only messages with all these words, newest stored first.
    public var search: String?
    public var withXML = false
    /// Also what is not shown: corrections, receipts, ... as rows of their own.
    public var everything = false

    public init(peer: String? = nil, newestFirst: Bool = false) {
        self.peer = peer
        self.newestFirst = newestFirst
    }
}

/// `epode_conversation`.
public struct Conversation: Sendable, Hashable {
    public let peer: String
    public let archive: String
    /// The last message to be shown.
    public let lastRow: UInt64
    public let lastTime: Date?
    /// The last one that was displayed on any device; 0: not known.
    public let displayedRow: UInt64
    public let unread: Unread

    init(_ c: epode_conversation) {
        peer = string(c.peer) ?? ""
        archive = string(c.archive) ?? ""
        lastRow = c.last_row
        lastTime = date(c.last_ms)
        displayedRow = c.displayed_row
        unread = Unread(count: Int(c.unread), isAtLeast: c.unread_at_least)
    }
}

/// How much is unread: capped at 1000.
public struct Unread: Sendable, Hashable {
    public let count: Int
    /// There may be more: a hole stands in between, or the cap was met.
    public let isAtLeast: Bool
}

/// A stretch of an archive that is not held. `epode_hole`.
public struct Hole: Sendable, Hashable {
    public let archive: String
    /// What is held on both sides; `afterID` `nil`: down to the beginning.
    public let afterID: String?
    public let beforeID: String?
    public let after: Date?
    public let before: Date?

    init(_ h: epode_hole) {
        archive = string(h.archive) ?? ""
        afterID = string(h.after_id)
        beforeID = string(h.before_id)
        after = date(h.after_ms)
        before = date(h.before_ms)
    }
}

/// Somebody in the roster. `epode_contact`.
public struct Contact: Sendable, Hashable {
    /// Bare.
    public let jid: String
    public let name: String?
    public let subscription: Subscription
    /// Our request to see them was not answered yet.
    public let isAsked: Bool
    /// Their request is approved beforehand.
    public let isApproved: Bool
    /// Sorted.
    public let groups: [String]

    init(_ c: epode_contact) {
        jid = string(c.jid) ?? ""
        name = string(c.name)
        subscription = Subscription(rawValue: c.subscription.rawValue) ?? .none
        isAsked = c.ask
        isApproved = c.approved
        groups = UnsafeBufferPointer(start: c.groups, count: c.group_count).compactMap(string)
    }
}

/// A message to be sent. `epode_outgoing`.
public struct Outgoing: Sendable {
    /// A JID.
    public var to: String
    /// May be missing where ``xml`` has something to say.
    public var body: String?
    /// `nil`: "chat".
    public var type: String?
    /// `nil`: one is made.
    public var id: String?
    /// XEP-0308: corrects the message with this id.
    public var replaceID: String?
    /// XEP-0461.
    public var replyID: String?
    public var replyTo: String?
    /// XEP-0424.
    public var retractID: String?
    /// XEP-0444: emoji separated by blanks; "" withdraws them.
    public var reactID: String?
    public var reactions: String?
    /// Ask for a receipt (XEP-0184), for a displayed marker (XEP-0333).
    public var asksReceipt = true
    public var asksMarker = true
    /// Further elements, well-formed.
    public var xml: String?
    /// Whose it is, of several resources that are bound: a full JID.
    public var resource: String?

    public init(to: String, body: String? = nil, type: String? = nil) {
        self.to = to
        self.body = body
        self.type = type
    }
}
