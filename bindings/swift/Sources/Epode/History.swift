/// Messages of a store, one after the other. It goes on in the right place whatever is added or moved meanwhile, holds no
/// transaction, and what it holds of the store goes with its iterator.
///
/// Of a running client, read newest first, older ones that are missing are asked for at its end: ``Event/sync(_:)`` tells
/// of them.
public struct History: AsyncSequence, Sendable {
    public typealias Element = Message
    public typealias Failure = any Error
    let store: StoreHandle
    let query: Query
    let limit: Int?

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
        private var cursor: UInt64?
        private var read: ArraySlice<Message> = []
        private var left: Int
        private var ended = false

        init(_ history: History) {
            self.history = history
            left = Swift.max(history.limit ?? Int.max, 0)
        }

        deinit { close() }

        func next() async throws -> Message? {
            do {
                try Task.checkCancellation()
                if read.isEmpty && !ended { try await fill() }
            } catch {
                read = []
                close()
                throw error
            }
            return read.popFirst()
        }

        private func fill() async throws {
            let (store, query, known) = (history.store, history.query, cursor)
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
            if messages.count < count || left == 0 { close() }
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
