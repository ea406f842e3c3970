import CEpode

/// A room that we are in or want to be in. `epode_room`.
public struct Room: Sendable, Hashable {
    public let jid: String
    /// Ours; the one that is tried, while not joined.
    public let nick: String
    public let subject: String?
    public let isJoined: Bool
    /// Ourselves included; empty while not joined. In no order.
    public let occupants: [Occupant]

    /// `epode_occupant`.
    public struct Occupant: Sendable, Hashable {
        public let nick: String
        /// The real one, where the room tells it.
        public let jid: String?
        public let affiliation: Affiliation
        public let role: Role
        public let isSelf: Bool
        /// Whoever has it is the same for ever, whatever the nick (XEP-0421); `nil`: the room gives none.
        public let id: String?

        init(_ o: epode_occupant) {
            nick = string(o.nick) ?? ""
            jid = string(o.jid)
            affiliation = Affiliation(rawValue: o.affiliation.rawValue) ?? .none
            role = Role(rawValue: o.role.rawValue) ?? .none
            isSelf = o.`self`
            id = string(o.id)
        }
    }

    init(_ room: OpaquePointer) {
        jid = string(epode_room_jid(room)) ?? ""
        nick = string(epode_room_nick(room)) ?? ""
        subject = string(epode_room_subject(room))
        isJoined = epode_room_is_joined(room)
        occupants = (0..<epode_room_occupant_count(room)).compactMap { i in
            epode_room_occupant_at(room, i).map { Occupant($0.pointee) }
        }
    }
}

/// One of the account's rooms, the same on all its devices (XEP-0402). `epode_bookmark`.
public struct Bookmark: Sendable, Hashable {
    /// The room's bare JID.
    public var jid: String
    public var name: String?
    public var nick: String?
    /// Not in the store: known once the bookmarks were read in this session.
    public var password: String?
    public var autojoin: Bool

    public init(jid: String, name: String? = nil, nick: String? = nil, password: String? = nil, autojoin: Bool = false) {
        self.jid = jid
        self.name = name
        self.nick = nick
        self.password = password
        self.autojoin = autojoin
    }

    init(_ b: epode_bookmark) {
        self.init(
            jid: string(b.jid) ?? "", name: string(b.name), nick: string(b.nick), password: string(b.password),
            autojoin: b.autojoin)
    }
}

extension Client {
    /// Joins a room under this nick, now or as soon as there is a session; ``Event/room(_:)`` tells what comes of it. False:
    /// we are in it under this nick already. `otherNick`: where somebody else has the nick, once more with "_" behind it.
    @discardableResult
    public func join(_ room: String, nick: String, password: String? = nil, otherNick: Bool = false) throws -> Bool {
        try call(invalid: "a room is a bare JID, and a nick what may stand behind it") {
            epode_room_join(
                $0, try $1.add(room), try $1.add(nick), try $1.add(password),
                otherNick ? UInt32(EPODE_ROOM_OTHER_NICK) : 0)
        } == EPODE_OK
    }

    /// Leaves it, and does not join it again. False: it was not joined.
    @discardableResult
    public func leave(_ room: String, reason: String? = nil) throws -> Bool {
        try call { epode_room_leave($0, try $1.add(room), try $1.add(reason)) } == EPODE_OK
    }

    /// Changes the subject; "" takes it away.
    public func setSubject(_ subject: String, of room: String) throws {
        try call { epode_room_set_subject($0, try $1.add(room), try $1.add(subject)) }
    }

    public func rooms() throws -> [Room] {
        let client = try core.client()
        return (0..<epode_room_count(client)).compactMap { epode_room_at(client, $0).map(Room.init) }
    }

    /// `nil`: not one of ours.
    public func room(_ jid: String) throws -> Room? {
        let strings = CStrings()
        let (client, jid) = (try core.client(), try strings.add(jid))
        return withExtendedLifetime(strings) { epode_room_find(client, jid).map(Room.init) }
    }

    // --- bookmarks

    /// From the store while offline.
    public func bookmarks() throws -> [Bookmark] {
        let client = try core.client()
        return (0..<epode_bookmark_count(client)).compactMap { i in
            epode_bookmark_at(client, i).map { Bookmark($0.pointee) }
        }
    }

    /// Publishes one, new or in place of the one of that room. False: those that are there were not read yet.
    @discardableResult
    public func setBookmark(_ bookmark: Bookmark) async throws -> Bool {
        try await request(read: Answer.nothing) { client, strings, done, user, id in
            var b = cepode_bookmark()
            b.jid = try strings.add(bookmark.jid)
            b.name = try strings.add(bookmark.name)
            b.nick = try strings.add(bookmark.nick)
            b.password = try strings.add(bookmark.password)
            b.autojoin = bookmark.autojoin
            return epode_bookmark_set(client, &b, done, user, id)
        } != nil
    }

    /// Takes it out, for all devices. False: there is none, or they were not read yet.
    @discardableResult
    public func removeBookmark(_ room: String) async throws -> Bool {
        try await request(read: Answer.nothing) { client, strings, done, user, id in
            epode_bookmark_remove(client, try strings.add(room), done, user, id)
        } != nil
    }
}
