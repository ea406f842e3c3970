import CEpode
import Dispatch

/// A store that is read, and the cursors in it. Only on its queue.
final class StoreHandle: @unchecked Sendable {
    let queue: DispatchQueue
    private var store: OpaquePointer?
    private let isOwned: Bool
    private var cursors: [UInt64: OpaquePointer] = [:]
    private var lastCursor: UInt64 = 0

    /// A client's own, borrowed until it is freed.
    init(queue: DispatchQueue, of client: OpaquePointer) throws {
        guard let store = epode_client_store(client) else { throw EpodeError(.noMemory) }
        self.queue = queue
        self.store = store
        isOwned = false
        Live.born()
    }

    init(queue: DispatchQueue, path: String) throws {
        self.queue = queue
        store = try StoreHandle.open(path)
        isOwned = true
        Live.born()
    }

    private static func open(_ path: String) throws -> OpaquePointer {
        var store: OpaquePointer?
        let strings = CStrings()
        let path = try strings.add(path)
        try withWhy { epode_store_open(&store, path, $0, $1) }
        return store!
    }

    func pointer() throws -> OpaquePointer {
        dispatchPrecondition(condition: .onQueue(queue))
        guard let store else { throw EpodeError(.state, "the store is closed") }
        return store
    }

    /// Before the client is freed.
    func close() {
        for cursor in cursors.values {
            epode_cursor_free(cursor)
            Live.gone()
        }
        cursors = [:]
        guard let store else { return }
        self.store = nil
        if isOwned { epode_store_close(store) }
        Live.gone()
    }

    func message(_ row: UInt64) throws -> Message? {
        try StoreHandle.message(row, in: pointer())
    }

    static func message(_ row: UInt64, in store: OpaquePointer) throws -> Message? {
        let found = Box<Message?>(nil)
        _ = try found.fill {
            epode_store_message(store, row, { m, user in Box<Message?>.at(user).value = Message(m!.pointee) }, $0)
        }
        return found.value
    }

    /// From the file, beside a client that is suspended.
    static func message(_ row: UInt64, inFile path: String) throws -> Message? {
        let store = try open(path)
        defer { epode_store_close(store) }
        return try message(row, in: store)
    }

    // --- cursors

    func openCursor(_ query: Query) throws -> UInt64 {
        let strings = CStrings()
        var q = cepode_query()
        q.peer = try strings.add(query.peer)
        q.archive = try strings.add(query.archive)
        q.newest_first = query.newestFirst
        q.from_row = query.fromRow
        q.inclusive = query.isInclusive
        q.from_ms = query.fromTime.map { Int64(($0.timeIntervalSince1970 * 1000).rounded(.down)) } ?? 0
        q.search = try strings.add(query.search)
        q.with_xml = query.withXML
        q.everything = query.everything
        var cursor: OpaquePointer?
        try withExtendedLifetime(strings) { _ = try check(epode_store_messages(pointer(), &q, &cursor)) }
        lastCursor += 1
        cursors[lastCursor] = cursor
        Live.born()
        return lastCursor
    }

    /// Up to `count` messages; fewer mean that there are no more.
    func read(_ id: UInt64, _ count: Int) throws -> [Message] {
        dispatchPrecondition(condition: .onQueue(queue))
        guard let cursor = cursors[id] else { throw EpodeError(.state, "the store is closed") }
        var messages: [Message] = []
        while messages.count < count {
            var m: UnsafePointer<epode_message>?
            let status = try check(epode_cursor_next(cursor, &m))
            guard status == EPODE_OK, let m else { break }
            messages.append(Message(m.pointee))
        }
        return messages
    }

    func closeCursor(_ id: UInt64) {
        dispatchPrecondition(condition: .onQueue(queue))
        guard let cursor = cursors.removeValue(forKey: id) else { return }
        epode_cursor_free(cursor)
        Live.gone()
    }

    /// On the queue, for those who are not.
    func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: body)) }
        }
    }
}

/// For calls that copy the text of their failure.
func withWhy(_ call: (UnsafeMutablePointer<CChar>, Int) -> epode_status) throws {
    try withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { why in
        why.initialize(repeating: 0)
        let status = call(why.baseAddress!, why.count)
        try check(status, String(cString: why.baseAddress!))
    }
}
