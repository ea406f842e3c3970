/// Tasks that wait for something to become true of a client. Only on the client's queue.
final class Waiters {
    private var waiting: [UInt64: Waiting] = [:]
    private var last: UInt64 = 0
    private var isOver = false

    enum Wish {
        case ready, stopped, synced
        /// An archive was asked for older messages.
        case filled
        case fetched
        case delivery(row: UInt64, atLeast: Delivery)
    }

    /// What came of the wish, if more than that it came true.
    enum Outcome: Sendable {
        case done
        case fetched(Event.Fetched)
        case delivery(Delivery)
    }

    private struct Waiting {
        let wish: Wish
        let continuation: CheckedContinuation<Outcome, any Error>
    }

    var isWaiting: Bool { !waiting.isEmpty }

    func newID() -> UInt64 {
        last += 1
        return last
    }

    /// From within the task that waits, which may have been cancelled on its way here, as the client may have been closed.
    func wait(_ id: UInt64, _ wish: Wish, _ continuation: CheckedContinuation<Outcome, any Error>) {
        if Task.isCancelled {
            continuation.resume(throwing: CancellationError())
        } else if isOver {
            continuation.resume(throwing: Waiters.over)
        } else {
            waiting[id] = Waiting(wish: wish, continuation: continuation)
        }
    }

    func cancel(_ id: UInt64) {
        finish(id, .failure(CancellationError()))
    }

    /// It did not come true in time; `why`: what is wrong, if that is known.
    func late(_ id: UInt64, _ why: EpodeError?) {
        finish(id, .failure(EpodeError(.timeout, "not in time" + (why.map { ": \($0.text)" } ?? ""))))
    }

    private func finish(_ id: UInt64, _ result: Result<Outcome, any Error>) {
        waiting.removeValue(forKey: id)?.continuation.resume(with: result)
    }

    private func finish(_ result: Result<Outcome, any Error>, where fits: (Wish) -> Bool) {
        for (id, w) in waiting where fits(w.wish) { finish(id, result) }
    }

    /// Where the client stands now, and why.
    func state(_ state: ConnectionState, _ error: EpodeError?) {
        if state != .ready {
            finish(.failure(error ?? EpodeError(.state, "the session was lost"))) { if case .filled = $0 { true } else { false } }
        }
        switch state {
        case .ready:
            finish(.success(.done)) { if case .ready = $0 { true } else { false } }
        case .stopped:
            finish(.success(.done)) { if case .stopped = $0 { true } else { false } }
            // Nothing more will come by itself.
            let why = error ?? EpodeError(.cancelled, "the client was stopped")
            finish(.failure(why)) {
                switch $0 {
                case .ready, .synced: true
                default: false
                }
            }
        case .connecting, .offline:
            break
        }
    }

    /// Everything is here, or why it cannot be.
    func synced(_ error: EpodeError?) {
        finish(error.map { .failure($0) } ?? .success(.done)) { if case .synced = $0 { true } else { false } }
    }

    func saw(_ event: Event) {
        switch event {
        case .fetched(let fetched):
            finish(.success(.fetched(fetched))) { if case .fetched = $0 { true } else { false } }
        case .sync(let sync) where sync.isSynced || sync.error != nil:
            finish(sync.error.map { .failure($0) } ?? .success(.done)) { if case .filled = $0 { true } else { false } }
        case .delivery(let row, _, let delivery):
            finish(.success(.delivery(delivery))) {
                if case .delivery(row, let wanted) = $0 { delivery >= wanted } else { false }
            }
        default:
            break
        }
    }

    /// The client is closed.
    func end() {
        isOver = true
        finish(.failure(Waiters.over)) { _ in true }
    }

    private static let over = EpodeError(.cancelled, "the client was closed")
}
