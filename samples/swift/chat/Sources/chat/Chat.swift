import Epode

/// A conversation, line by line.
actor Chat {
    private let client: Client
    private let peer: String
    /// The oldest message that was shown.
    private var oldest: UInt64 = 0
    private var lastSent: String?

    init(_ client: Client, _ peer: String) {
        self.client = client
        self.peer = peer
    }

    /// Until the lines end, or there will be no connection any more.
    func run(_ lines: AsyncStream<String>) async throws {
        try await older()
        try await client.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.follow() }
            group.addTask { try await self.obey(lines) }
            // The first that ends ends both.
            try await group.next()
            group.cancelAll()
        }
    }

    // --- what happens

    private func follow() async throws {
        for await event in client.events {
            switch event {
            case .state(.ready, _):
                say("-- connected")
            case .state(.stopped, let error?):
                throw error
            case .state(_, let error?):
                say("-- \(error.text)")
            case .sync(let sync) where oldest == 0 && (sync.isSynced || sync.error != nil):
                try await older()
            case .message(let message, .new, history: false) where message.peer == peer && !message.isOutgoing:
                show(message)
                if oldest == 0 { oldest = message.row }
                try await client.markDisplayed(message.row)
            case .message(let message, .changed, _) where message.peer == peer && !message.isOutgoing:
                show(message, as: "changed: ")
            case .delivery(_, _, let delivery) where delivery >= .acknowledged:
                say("-- \(delivery)")
            case .chatState(peer, _, .composing):
                say("-- \(peer) is writing")
            default:
                break
            }
        }
    }

    // --- what is typed

    private func obey(_ lines: AsyncStream<String>) async throws {
        for await line in lines {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            let rest = words.count > 1 ? words[1] : ""
            do {
                switch words.first {
                case nil: break
                case "/quit": return
                case "/older": try await older()
                case "/search": try await search(rest)
                case "/who": try await who()
                case "/correct": try await send(rest, instead: lastSent)
                case let word? where word.hasPrefix("/"): say(Usage.text)
                default: try await send(line)
                }
            } catch let error as EpodeError {
                say("-- \(error.text)")
            }
        }
    }

    private func send(_ text: String, instead id: String? = nil) async throws {
        var message = Outgoing(to: peer, body: text)
        message.replaceID = id
        let row = try await client.send(message)
        if id == nil { lastSent = try await client.message(row)?.stanzaID }
    }

    /// Twenty more; where the store ends the archive is asked.
    private func older() async throws {
        var query = Query(peer: peer, newestFirst: true)
        query.fromRow = oldest
        let messages = try await client.history(query, limit: 20, fill: client.state == .ready).all()
        if messages.isEmpty, oldest != 0 { say("-- that is all there is") }
        if let last = messages.last { oldest = last.row }
        for message in messages.reversed() { show(message) }
    }

    private func search(_ words: String) async throws {
        for try await message in client.search(words, peer: peer, limit: 20) { show(message, as: "found: ") }
    }

    private func who() async throws {
        let presences = try await client.presence(of: peer)
        if presences.isEmpty { say("-- \(peer) is not there, or does not say so") }
        for p in presences { say("-- \(p.jid): \(p.show)\(p.status.map { ", " + $0 } ?? "")") }
    }
}
