import CEpode
import Dispatch

/// Reads what is stored, online or not: a client's (``Client/store``), or a file, beside the process whose client owns it.
public actor Store {
    private let executor: QueueExecutor
    nonisolated let handle: StoreHandle
    private let isOwned: Bool

    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Opens an existing store for reading.
    public init(path: String) throws {
        let executor = QueueExecutor(label: "epode.store")
        self.executor = executor
        handle = try StoreHandle(queue: executor.queue, path: path)
        isOwned = true
    }

    init(_ handle: StoreHandle, _ executor: QueueExecutor) {
        self.handle = handle
        self.executor = executor
        isOwned = false
    }

    deinit {
        guard isOwned else { return }
        handle.queue.async { [handle] in handle.close() }
    }

    /// Lets go of the file; a client's store is closed with its client. Otherwise it happens when nobody holds the store.
    public func close() {
        if isOwned { handle.close() }
    }

    // --- messages

    public nonisolated func history(_ query: Query = Query(), limit: Int? = nil) -> History {
        History(store: handle, query: query, limit: limit, filler: nil)
    }

    /// Messages with all these words, newest stored first.
    public nonisolated func search(_ words: String, peer: String? = nil, limit: Int? = nil) -> History {
        var query = Query(peer: peer)
        query.search = words
        return history(query, limit: limit)
    }

    /// One message, with its XML; `nil`: there is none of that number.
    public func message(_ row: UInt64) throws -> Message? { try handle.message(row) }

    // --- conversations

    /// The one with the newest message first.
    public func conversations() throws -> [Conversation] {
        let all = Box<[Conversation]>([])
        let store = try handle.pointer()
        _ = try all.fill {
            epode_store_conversations(
                store,
                { c, user in
                    Box<[Conversation]>.at(user).value.append(Conversation(c!.pointee))
                    return true
                }, $0)
        }
        return all.value
    }

    public func unread(_ peer: String) throws -> Unread {
        let strings = CStrings()
        var count: UInt32 = 0
        var isAtLeast = false
        try check(epode_store_unread(handle.pointer(), strings.add(peer), &count, &isAtLeast))
        return Unread(count: Int(count), isAtLeast: isAtLeast)
    }

    // --- people

    /// In the order of their JIDs, as the account's server last said.
    public func roster() throws -> [Contact] {
        let all = Box<[Contact]>([])
        let store = try handle.pointer()
        _ = try all.fill {
            epode_store_roster(
                store,
                { c, user in
                    Box<[Contact]>.at(user).value.append(Contact(c!.pointee))
                    return true
                }, $0)
        }
        return all.value
    }

    /// `nil`: not in the roster.
    public func contact(_ jid: String) throws -> Contact? {
        let found = Box<Contact?>(nil)
        let strings = CStrings()
        let (store, jid) = (try handle.pointer(), try strings.add(jid))
        _ = try found.fill {
            epode_store_contact(store, jid, { c, user in Box<Contact?>.at(user).value = Contact(c!.pointee) }, $0)
        }
        return found.value
    }

    /// Every blocked JID, in the order of their octets, as the server last said.
    public func blocked() throws -> [String] {
        let all = Box<[String]>([])
        let store = try handle.pointer()
        _ = try all.fill {
            epode_store_blocked(
                store,
                { jid, user in
                    Box<[String]>.at(user).value.append(string(jid) ?? "")
                    return true
                }, $0)
        }
        return all.value
    }

    /// Whether what comes from this JID is blocked: by itself, its account, its domain.
    public func isBlocked(_ jid: String) throws -> Bool {
        let strings = CStrings()
        return try check(epode_store_is_blocked(handle.pointer(), strings.add(jid))) == EPODE_OK
    }

    // --- what is held

    public func holes() throws -> [Hole] {
        let all = Box<[Hole]>([])
        let store = try handle.pointer()
        _ = try all.fill {
            epode_store_holes(
                store,
                { h, user in
                    Box<[Hole]>.at(user).value.append(Hole(h!.pointee))
                    return true
                }, $0)
        }
        return all.value
    }

    /// The oldest and newest archive id of the newest stretch that is held whole; `nil`: nothing is held.
    public func extent() throws -> (first: String, last: String)? {
        let found = Box<(first: String, last: String)?>(nil)
        let store = try handle.pointer()
        _ = try found.fill {
            cepode_store_extent(
                store,
                { first, last, user in
                    guard let first = string(first), let last = string(last), !last.isEmpty else { return }
                    Box<(first: String, last: String)?>.at(user).value = (first, last)
                }, $0)
        }
        return found.value
    }
}
