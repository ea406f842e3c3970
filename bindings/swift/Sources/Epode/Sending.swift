import CEpode

extension Client {
    /// Stores a message and sends it as soon as that is possible, now or in a later session, also after a kill; in order
    /// within its conversation. Returns its number, which ``Event/delivery(row:id:_:)`` names.
    @discardableResult
    public func send(_ message: Outgoing) throws -> UInt64 {
        var row: UInt64 = 0
        try call(invalid: "a message needs a JID to go to, and a text or a well-formed element") { client, strings in
            var m = cepode_outgoing()
            m.to = try strings.add(message.to)
            m.body = try strings.add(message.body)
            m.type = try strings.add(message.type)
            m.id = try strings.add(message.id)
            m.replace_id = try strings.add(message.replaceID)
            m.reply_id = try strings.add(message.replyID)
            m.reply_to = try strings.add(message.replyTo)
            m.retract_id = try strings.add(message.retractID)
            m.react_id = try strings.add(message.reactID)
            m.reactions = try strings.add(message.reactions)
            m.no_receipt = !message.asksReceipt
            m.no_marker = !message.asksMarker
            m.xml = try strings.add(message.xml)
            m.resource = try strings.add(message.resource)
            return epode_send_message(client, &m, &row)
        }
        return row
    }

    /// A text to somebody, or with the type "groupchat" to a room.
    @discardableResult
    public func send(to jid: String, _ body: String, type: String? = nil) throws -> UInt64 {
        try send(Outgoing(to: jid, body: body, type: type))
    }

    /// Waits until a message that was sent has got this far, or failed; in this session or a later one. After the timeout
    /// ``Status/timeout``: it is on its way all the same.
    @discardableResult
    public func delivery(
        of row: UInt64, atLeast wanted: Delivery = .acknowledged, timeout: Duration? = nil
    ) async throws -> Delivery {
        let outcome = try await wait(for: .delivery(row: row, atLeast: wanted), timeout: timeout) {
            guard let message = try core.store.message(row), message.isOutgoing else {
                throw EpodeError(.invalid, "no message of ours has this number")
            }
            return message.delivery >= wanted ? .delivery(message.delivery) : nil
        }
        guard case .delivery(let delivery) = outcome else { throw EpodeError(.state) }
        return delivery
    }

    /// Everything up to this message was displayed: counts as read here and on the account's other devices, and is told to
    /// the sender if the message asked for that.
    public func markDisplayed(_ row: UInt64, notifySender: Bool = true) throws {
        try call { client, _ in epode_mark_displayed(client, row, notifySender) }
    }

    /// Gets up to `count` older messages (0: a page) below the given one, of the archive that it is in (a room's message: the
    /// room's), where some are not held; 0: below everything held of the account's. Returns when they are there. False:
    /// nothing is missing there, or the room is not followed any more. Throws ``Status/state`` without a session, and what
    /// the archive says.
    @discardableResult
    public func fill(below row: UInt64 = 0, count: Int = 0) async throws -> Bool {
        guard count >= 0, count <= UInt32.max else { throw EpodeError(.invalid, "no such number of messages") }
        // What was told before this is taken first: it is no answer.
        core.requests += 1
        defer { core.requests -= 1 }
        core.turn()
        var waited = false
        while true {
            let status = try call { client, _ in epode_history_fill(client, row, UInt32(count)) }
            guard status != EPODE_DONE else { return waited }
            try await wait(for: .filled)
            guard status != EPODE_OK else { return true }
            // It was busy with another query, which may have got them.
            waited = true
        }
    }

    /// Keeps the archive of this room too, now and in all later sessions.
    public func follow(archive room: String) throws {
        try call { epode_archive_follow($0, try $1.add(room)) }
    }

    // --- stanzas as text

    /// Sends a message, presence or iq: exactly one element, well-formed, `jabber:client` by default. Only when ready.
    /// Messages for people go by ``send(_:)``.
    public func send(xml: String) throws {
        var xml = xml
        try xml.withUTF8 { bytes in
            _ = try call { client, _ in
                bytes.withMemoryRebound(to: CChar.self) { epode_send_xml(client, $0.baseAddress, $0.count) }
            }
        }
    }

    /// Sends a request, an iq of type get or set with one child, and returns the answer's XML. An error as an answer is
    /// thrown as ``Status/stanza`` with its condition; without an answer in time (zero: 60 s) it is ``Status/timeout``, and
    /// ``Status/cancelled`` where the session was lost meanwhile.
    public func iq(_ xml: String, timeout: Duration = .zero) async throws -> String {
        var xml = xml
        let answer = try await request(read: Answer.xml) { client, _, done, user, id in
            xml.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    epode_iq_xml(client, $0.baseAddress, $0.count, timeout.milliseconds, done, user, id)
                }
            }
        }
        return answer ?? ""
    }

    // --- reading, as in ``store``

    /// One conversation, with a contact or in a room; with a ``Query`` anything else. `fill`: where the archive has older
    /// messages that are not held, gets them and goes on, up to the limit; newest first only. That needs a session, and a
    /// room that is joined or followed.
    public nonisolated func history(_ peer: String, newestFirst: Bool = true, limit: Int? = nil, fill: Bool = false) -> History {
        history(Query(peer: peer, newestFirst: newestFirst), limit: limit, fill: fill)
    }

    public nonisolated func history(_ query: Query = Query(), limit: Int? = nil, fill: Bool = false) -> History {
        History(store: store.handle, query: query, limit: limit, filler: fill && query.newestFirst ? self : nil)
    }

    /// Below which row there may be more: where the query begins, or where nothing that is held is shown what stands lowest
    /// in that archive all the same. 0: in the account's; `nil`: a room's holds nothing.
    func lowest(_ query: Query) async throws -> UInt64? {
        if query.fromRow != 0 { return query.fromRow }
        guard let owner = query.archive ?? query.peer else { return 0 }
        var all = Query()
        (all.archive, all.everything) = (owner, true)
        if let lowest = try await store.history(all, limit: 1).all().first { return lowest.row }
        return try query.archive == nil && room(owner) == nil ? 0 : nil
    }

    /// Messages with all these words, newest stored first.
    public nonisolated func search(_ words: String, peer: String? = nil, limit: Int? = nil) -> History {
        store.search(words, peer: peer, limit: limit)
    }

    public func message(_ row: UInt64) async throws -> Message? { try await store.message(row) }
    public func conversations() async throws -> [Conversation] { try await store.conversations() }
    public func unread(_ peer: String) async throws -> Unread { try await store.unread(peer) }
    public func holes() async throws -> [Hole] { try await store.holes() }
}
