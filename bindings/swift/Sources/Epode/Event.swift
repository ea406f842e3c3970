import CEpode

/// What a client tells its application. The kinds are those of `epode_event_type`.
public enum Event: Sendable {
    /// `error` tells why, where something went wrong.
    case state(ConnectionState, error: EpodeError?)
    /// A message is new or changed. `history`: it was there before this store was, and a first login or a fill brought it;
    /// false: it is news, also where it came while nobody was online.
    case message(Message, Change, history: Bool)
    /// An outgoing message got further.
    case delivery(row: UInt64, id: String, Delivery)
    /// Any stanza, with ``Options/Flags/rawStanzas``.
    case stanza(Stanza)
    /// The displayed position of a conversation moved.
    case unread(peer: String)
    /// Catch-up.
    case sync(Sync)
    /// A contact. `peer` `nil`: the whole is what the server has, or `error` why not.
    case roster(peer: String?, RosterChange, error: EpodeError?)
    /// The peer asks for a subscription, or answered.
    case subscription(peer: String, SubscriptionStep)
    /// ``Client/fetch(within:)`` is over.
    case fetched(Fetched)
    /// Somebody is there, changed or went. `nil`: the session is over, and nobody's presence is known any more.
    case presence(PresenceChange?)
    /// What this resource can do is known now: ``Client/contact(_:has:)``.
    case caps(peer: String, from: String)
    /// The peer writes, or stopped; never of the past.
    case chatState(peer: String, from: String, ChatState)
    /// The peer's avatar: its SHA-1, "" none.
    case avatar(peer: String, id: String)
    /// The peer is blocked now, or no longer. `peer` `nil`: the list in the store is the server's, or `error` why not.
    case blocking(peer: String?, isBlocked: Bool, error: EpodeError?)
    case room(RoomEvent)
    /// `room` `nil`: the list is the server's, or `error` why not.
    case bookmark(room: String?, BookmarkChange, error: EpodeError?)
    /// In a new session this further resource, a full JID, was bound again and is called `boundAs` now, or could not be.
    case resource(String, boundAs: String?, error: EpodeError?)
    /// Nobody took events for long, and this many are not told any more, or of messages that cannot be read now, since their
    /// store is not there any more. What they told of is in the store.
    case missed(Int)
    /// Something that this version of the package does not know, by its `epode_event_type`.
    case unknown(UInt32)

    public struct Stanza: Sendable, Hashable {
        public let xml: String
        /// Whom it was addressed to, where several resources are bound.
        public let resource: String?
    }

    public struct Sync: Sendable, Hashable {
        /// Every followed archive is held up to its end.
        public let isSynced: Bool
        /// Messages so far; `expected` `nil`: not known.
        public let done: Int
        public let expected: Int?
        public let error: EpodeError?
    }

    public struct Fetched: Sendable, Hashable {
        /// Everything is there.
        public let isComplete: Bool
        public let newMessages: Int
        public let error: EpodeError?
    }

    public struct PresenceChange: Sendable, Hashable {
        /// Bare.
        public let peer: String
        /// With its resource, where it has one.
        public let from: String
        public let show: Show
        /// What we sent it came back.
        public let error: EpodeError?
        /// Whom it was addressed to, where several resources are bound.
        public let resource: String?
    }

    public struct RoomEvent: Sendable, Hashable {
        /// The room's bare JID.
        public let room: String
        public let change: RoomChange
        public let left: RoomLeft?
        public let nick: String?
        public let text: String?
        public let error: EpodeError?
    }
}

extension Event {
    /// Everything but messages, which need the store.
    init(_ e: epode_event) {
        let error = EpodeError(e.error)
        let peer = string(e.peer)
        switch e.type {
        case EPODE_EV_STATE:
            self = .state(ConnectionState(rawValue: e.state.rawValue) ?? .stopped, error: error)
        case EPODE_EV_DELIVERY:
            self = .delivery(row: e.row, id: string(e.id) ?? "", Delivery(rawValue: e.delivery.rawValue) ?? .none)
        case EPODE_EV_STANZA:
            self = .stanza(Stanza(xml: string(e.xml) ?? "", resource: string(e.resource)))
        case EPODE_EV_UNREAD:
            self = .unread(peer: peer ?? "")
        case EPODE_EV_SYNC:
            self = .sync(Sync(isSynced: e.synced, done: e.done, expected: e.expected == 0 ? nil : e.expected, error: error))
        case EPODE_EV_FETCHED:
            self = .fetched(Fetched(isComplete: e.synced, newMessages: e.done, error: error))
        case EPODE_EV_AVATAR:
            self = .avatar(peer: peer ?? "", id: string(e.id) ?? "")
        default:
            self = Event.ofPeople(e, peer, error) ?? .unknown(e.type.rawValue)
        }
    }

    /// `nil`: a kind, or what happened in it, is not known.
    private static func ofPeople(_ e: epode_event, _ peer: String?, _ error: EpodeError?) -> Event? {
        switch e.type {
        case EPODE_EV_ROSTER:
            return .roster(peer: peer, RosterChange(rawValue: e.roster), error: error)
        case EPODE_EV_SUBSCRIPTION:
            return SubscriptionStep(rawValue: e.subscription.rawValue).map { .subscription(peer: peer ?? "", $0) }
        case EPODE_EV_PRESENCE:
            return .presence(
                peer.map {
                    PresenceChange(
                        peer: $0, from: string(e.from) ?? $0, show: Show(rawValue: e.show.rawValue) ?? .online,
                        error: error, resource: string(e.resource))
                })
        case EPODE_EV_CAPS:
            return .caps(peer: peer ?? "", from: string(e.from) ?? "")
        case EPODE_EV_CHAT_STATE:
            return ChatState(rawValue: e.chat_state.rawValue).map {
                .chatState(peer: peer ?? "", from: string(e.from) ?? "", $0)
            }
        case EPODE_EV_BLOCKING:
            return .blocking(peer: peer, isBlocked: e.blocked, error: error)
        case EPODE_EV_ROOM:
            return RoomChange(rawValue: e.room.rawValue).map {
                .room(
                    RoomEvent(
                        room: peer ?? "", change: $0, left: RoomLeft(rawValue: e.left.rawValue), nick: string(e.nick),
                        text: string(e.text), error: error))
            }
        case EPODE_EV_BOOKMARK:
            let change = BookmarkChange(rawValue: e.bookmark.rawValue)
            return peer != nil && change == nil ? nil : .bookmark(room: peer, change ?? .current, error: error)
        case EPODE_EV_RESOURCE:
            return .resource(peer ?? "", boundAs: string(e.resource), error: error)
        default:
            return nil
        }
    }
}
