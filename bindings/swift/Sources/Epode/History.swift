/// Messages of a store, one after the other. It goes on in the right place whatever is added or moved meanwhile, holds no
/// transaction, and what it holds of the store goes with its iterator.
///
/// Of a running client, read newest first, older ones that are missing are asked for at its end: ``Event/sync(_:)`` tells
/// of them. With `fill` it waits for them, and goes on.
public struct History: AsyncSequence, Sendable {
    public typealias Element = Message
    public typealias Failure = any Error
    let store: StoreHandle
    let query: Query
    let limit: Int?
    /// Gets what is missing; `nil`: the end of what is held is the end.
    let filler: Client?

    public func makeAsyncIterator() -> Iterator { Iterator(reader: Reader(self)) }

    /// All of them.
    public func all() async throws -> [Message] {
        var messages: [Message] = []
        for try await message in self { messages.append(message) }
        return messages
    }

    public struct Iterator: AsyncIteratorProtocol {
        let reader: Reader

        /// Throws ``EpodeError``, or `CancellationError` if the task was cancelled.
        public mutating func next() async throws -> Message? { try await reader.next() }
    }

    /// Used by one task at a time, as iterators are.
    final class Reader: @unchecked Sendable {
        private static let batch = 32
        private let history: History
        /// From where on a new cursor reads.
        private var query: Query
        private var cursor: UInt64?
        private var read: ArraySlice<Message> = []
        private var left: Int
        private var ended = false
        /// Nothing is missing; what came just before that was seen is still to be read.
        private var isWhole = false
        /// So often what came filled no hole.
        private var useless = 0

        init(_ history: History) {
            self.history = history
            query = history.query
            left = Swift.max(history.limit ?? Int.max, 0)
        }

        deinit { close() }

        func next() async throws -> Message? {
            do {
                try Task.checkCancellation()
                while read.isEmpty && !ended { try await readMore() }
            } catch {
                read = []
                close()
                throw error
            }
            return read.popFirst()
        }

        private func readMore() async throws {
            let (store, query, known) = (history.store, query, cursor)
            let count = Swift.min(left, Reader.batch)
            guard count > 0 else { return close() }
            let (id, messages) = try await store.run {
                let id = try known ?? store.openCursor(query)
                do {
                    return (id, try store.read(id, count))
                } catch {
                    store.closeCursor(id)
                    throw error
                }
            }
            cursor = id
            left -= messages.count
            read = messages[...]
            if let last = messages.last { (self.query.fromRow, self.query.isInclusive, self.query.fromTime) = (last.row, false, nil) }
            if messages.count < count || left == 0 { close() }
            guard ended, left > 0, let client = history.filler else { return }
            if messages.isEmpty && isWhole { return }
            isWhole = messages.isEmpty ? try await !fill(client) : false
            ended = false
        }

        /// Gets more, to be read by a new cursor. False: nothing is missing.
        private func fill(_ client: Client) async throws -> Bool {
            let missing = try await client.holes()
            guard let row = try await client.lowest(query), try await client.fill(below: row) else { return false }
            // What came meanwhile may have been of another query; twice, the server gives what is of no use.
            useless = try await client.holes() == missing ? useless + 1 : 0
            guard useless < 2 else { throw EpodeError(.proto, "the archive does not give what is missing") }
            return true
        }

        private func close() {
            ended = true
            guard let id = cursor else { return }
            cursor = nil
            let store = history.store
            store.queue.async { store.closeCursor(id) }
        }
    }
}
