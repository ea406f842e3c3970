import CEpode
import Dispatch

/// One account on one device, for the application's whole life, across connections.
///
/// Everything of it runs on one queue of its own; nothing here blocks a thread of the caller's. Every call may throw
/// ``EpodeError``; those that wait throw `CancellationError` when their task is cancelled, which changes nothing else.
public actor Client {
    nonisolated let core: Core
    /// What is stored, online or not.
    public nonisolated let store: Store

    public nonisolated var unownedExecutor: UnownedSerialExecutor { core.executor.asUnownedSerialExecutor() }

    /// Makes a client and opens its store, which takes a moment; nothing is sent yet.
    ///
    /// Throws ``Status/invalid`` (no or a wrong JID, an option out of range), ``Status/busy`` (another process or client owns
    /// the store), or what is wrong with the store.
    public init(_ options: Options) throws {
        core = try Core(options)
        store = Store(core.store, core.executor)
    }

    deinit {
        core.queue.async { [core] in core.close() }
    }

    /// Lets go of everything: connection, store and descriptor are free when this returns. The session at the server is not
    /// ended, so that it can be resumed; for the opposite see ``stop(_:)``. Whoever waits for something gets
    /// ``Status/cancelled``, and ``events`` ends behind what is left. It happens by itself, a moment later, when nobody holds
    /// the client any more.
    public func close() async {
        core.close()
        await withCheckedContinuation { core.whenClosed($0) }
    }

    // --- events

    /// What happens, in order. Each loop over it is a consumer of its own, and gets everything from its beginning on; the
    /// first one also gets what happened before it, and the next one what was left when the last one ended. A consumer that
    /// is slow makes the client read more slowly from the server, unless something else of the client is awaited; nothing is
    /// lost. Without any consumer the newest 4096 are kept.
    ///
    /// It ends when its task is cancelled, and with the client. Holding it does not hold the client.
    public nonisolated var events: Events { Events(core: core) }

    // --- the wish to be online

    /// The wish to be online; returns at once. The way there is told by ``Event/state(_:error:)``. After a final error: one
    /// more try.
    public func start() async throws {
        try call { client, _ in epode_client_start(client) }
    }

    /// Waits until the client is bound or resumed, through as many attempts as that takes. Throws why there will be no more
    /// of them: a final error, or ``Status/cancelled`` after ``stop(_:)``; or after the timeout ``Status/timeout``, with what is
    /// wrong at the moment. The wish to be online stays.
    public func ready(timeout: Duration? = nil) async throws {
        try await wait(for: .ready, timeout: timeout)
    }

    /// Waits until everything that was missed is here: every followed archive is held up to its end, in this session. With
    /// ``Options/Flags/noSync`` that is ``ready()``. Throws what that does, and ``Status/stanza`` where the server has no
    /// archive, or refuses to show it.
    public func synced(timeout: Duration? = nil) async throws {
        try await wait(for: core.options.flags.contains(.noSync) ? .ready : .synced, timeout: timeout)
    }

    /// The wish to be offline; returns when the client is. ``Stop/close`` ends the session at the server.
    public func stop(_ how: Stop = .close) async throws {
        try call { client, _ in epode_client_stop(client, how.rawValue) }
        try await wait(for: .stopped)
    }

    public var state: ConnectionState {
        guard let client = core.handle else { return .stopped }
        return ConnectionState(rawValue: epode_client_state(client).rawValue) ?? .stopped
    }

    /// Why it is not online; `nil`: nothing is wrong.
    public var error: EpodeError? {
        core.handle.flatMap { EpodeError(epode_client_error($0)) }
    }

    // --- the life of a mobile application

    /// Client state (XEP-0352): false when nobody looks at the application.
    public func setActive(_ active: Bool) throws {
        try call { client, _ in epode_client_set_active(client, active) }
    }

    public func hint(_ hint: Hint) throws {
        try call { client, _ in epode_client_hint(client, epode_hint(rawValue: hint.rawValue)) }
    }

    /// Confirms what came, drops the connection so that the session can be resumed, closes the store's file and gives its
    /// lease back. Meanwhile sending, reading and changing throw ``Status/state``.
    public func suspend() throws {
        try call { client, _ in epode_client_suspend(client) }
        core.stopAsking()
    }

    /// Opens the store again and goes on. ``Status/busy``: another process owns it now; it stays suspended then.
    public func resume() throws {
        try call { client, _ in epode_client_resume(client) }
    }

    /// An errand for a push notification: connects, gets everything that is new, and is over within this time, whatever
    /// happens; then the client is suspended, unless it was online before.
    @discardableResult
    public func fetch(within time: Duration) async throws -> Event.Fetched {
        try call { client, _ in epode_client_fetch(client, time.milliseconds) }
        guard case .fetched(let fetched) = try await wait(for: .fetched) else { throw EpodeError(.state) }
        return fetched
    }

    /// Forgets what is remembered, for when the user logs out. Only while stopped.
    public func forget(_ what: Forget) throws {
        try call { client, _ in epode_client_forget(client, what.rawValue) }
    }

    /// Accepts that the server authenticates with less than it did before: the answer to ``Status/downgrade``, after the
    /// user was asked and knows that the server was changed. Only while stopped.
    public func unpin() throws {
        try call { client, _ in epode_client_unpin(client) }
    }

    // --- calling

    /// Every call that may have an effect, with strings that live as long as it: what it told of is taken at once. `invalid`:
    /// what an argument has to be like.
    @discardableResult
    func call(invalid: String? = nil, _ body: (OpaquePointer, CStrings) throws -> epode_status) throws -> epode_status {
        let strings = CStrings()
        defer {
            withExtendedLifetime(strings) {}
            core.turn()
        }
        let status = try body(core.client(), strings)
        return try check(status, status == EPODE_EINVAL ? invalid : nil)
    }

    @discardableResult
    func wait(
        for wish: Waiters.Wish, timeout: Duration? = nil, unless already: () throws -> Waiters.Outcome? = { nil }
    ) async throws -> Waiters.Outcome {
        _ = try core.client()
        if let outcome = try already() { return outcome }
        let id = core.waiters.newID()
        if let timeout {
            core.queue.asyncAfter(deadline: .now() + .milliseconds(Int(timeout.milliseconds))) { [weak core] in core?.late(id) }
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { enlist(id, wish, $0) }
        } onCancel: {
            core.queue.async { [core] in core.waiters.cancel(id) }
        }
    }

    private func enlist(_ id: UInt64, _ wish: Waiters.Wish, _ continuation: CheckedContinuation<Waiters.Outcome, any Error>) {
        core.waiters.wait(id, wish, continuation)
        core.turn()
    }
}

/// What happens to a client: see ``Client/events``.
public struct Events: AsyncSequence, Sendable {
    public typealias Element = Event
    public typealias Failure = Never
    let core: Core

    public func makeAsyncIterator() -> Iterator { Iterator(consumer: Consumer(core)) }

    public struct Iterator: AsyncIteratorProtocol {
        let consumer: Consumer

        public mutating func next() async -> Event? { await consumer.next() }
    }

    /// Used by one task at a time, as iterators are.
    final class Consumer: @unchecked Sendable {
        private let core: Core
        private let id: UInt64
        /// Taken, and not used yet.
        private var taken: ArraySlice<Event> = []

        init(_ core: Core) {
            self.core = core
            id = Live.number()
            Live.born()
        }

        deinit {
            core.queue.async { [core, id, taken] in
                core.hub.remove(id, taken)
                core.turn()
            }
            Live.gone()
        }

        func next() async -> Event? {
            if taken.isEmpty || Task.isCancelled {
                let more = await take()
                // Of a task that was cancelled: what it has stays for the next consumer.
                guard !more.isEmpty else { return nil }
                taken = more[...]
            }
            return taken.popFirst()
        }

        private func take() async -> [Event] {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    core.queue.async { [core, id] in
                        core.hub.next(id, continuation)
                        core.turn()
                    }
                }
            } onCancel: {
                core.queue.async { [core, id] in core.hub.end(id) }
            }
        }
    }
}
