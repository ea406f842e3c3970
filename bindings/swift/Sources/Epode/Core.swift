import CEpode
import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Owns the C client: its handle, its descriptor's source, and everything that waits for it. Only on its queue, apart from
/// what is constant.
final class Core: @unchecked Sendable {
    let executor: QueueExecutor
    private(set) lazy var hub = EventHub { [unowned self] in read($0) }
    let waiters = Waiters()
    private(set) var options: Options
    private(set) var handle: OpaquePointer?
    private(set) var store: StoreHandle!
    private var source: (any DispatchSourceRead)?
    private var closed: [CheckedContinuation<Void, Never>] = []
    private var isClosed = false
    /// Why the archives could not be read, in this session.
    private var unsynced: EpodeError?
    /// Requests whose answer is awaited.
    var requests = 0
    /// The question that was asked last, and who looks for its answer.
    var asked = 0
    var asking: Task<Void, Never>?

    var queue: DispatchQueue { executor.queue }

    init(_ options: Options) throws {
        self.options = options
        executor = QueueExecutor(label: "epode.client")
        try queue.sync {
            let client = try open()
            // The library has its own copies, and wipes them.
            self.options.password = nil
            self.options.oauthToken = nil
            handle = client
            Live.born()
            do {
                store = try StoreHandle(queue: queue, of: client)
            } catch {
                handle = nil
                epode_client_free(client)
                Live.gone()
                throw error
            }
            watch(client)
            turn()
        }
    }

    /// What is not on the queue would be a race, and ends here.
    func checkQueue() { dispatchPrecondition(condition: .onQueue(queue)) }

    func client() throws -> OpaquePointer {
        checkQueue()
        guard let handle else { throw EpodeError(.state, "the client is closed") }
        return handle
    }

    // --- the loop

    private func watch(_ client: OpaquePointer) {
        let source = DispatchSource.makeReadSource(fileDescriptor: epode_client_fd(client), queue: queue)
        // They hold this object, until the source is cancelled.
        source.setEventHandler { self.process() }
        source.setCancelHandler { self.freed(client) }
        self.source = source
        source.activate()
    }

    private func process() {
        guard let handle else { return }
        epode_client_process(handle)
        turn()
    }

    /// Whether one more event is to be taken. While something of the client is awaited they all are: whoever waits may be
    /// the very consumer that is slow, and the answer comes behind the events.
    private var hasRoom: Bool { hub.hasRoom || waiters.isWaiting || requests > 0 }

    /// Takes the events that there is room for, and tells those who wait for a state.
    func turn() {
        checkQueue()
        guard let handle else { return }
        var event: UnsafePointer<epode_event>?
        while hasRoom, epode_client_next_event(handle, &event) == EPODE_OK, let event {
            take(event.pointee)
        }
        hub.flush()
        let state = ConnectionState(rawValue: epode_client_state(handle).rawValue) ?? .stopped
        if state == .stopped { stopAsking() }
        guard waiters.isWaiting else { return }
        waiters.state(state, EpodeError(epode_client_error(handle)))
        guard state == .ready, let session = epode_client_session(handle) else { return }
        if epode_session_synced_us(session) >= 0 { waiters.synced(nil) }
        if let unsynced, unsynced.code == .stanza { waiters.synced(unsynced) }
    }

    private func take(_ e: epode_event) {
        if e.type == EPODE_EV_MESSAGE {
            hub.publish(.message(row: e.row, Change(rawValue: e.change.rawValue) ?? .changed, history: e.history))
        } else {
            let event = Event(e)
            switch event {
            case .sync(let sync): unsynced = sync.error
            case .state: unsynced = nil
            default: break
            }
            waiters.saw(event)
            hub.publish(.event(event))
        }
    }

    /// From the file where the client does not have it: it is suspended, or closed.
    private func read(_ row: UInt64) -> Message? {
        if let message = try? store.message(row) { return message }
        return options.storePath.flatMap { try? StoreHandle.message(row, inFile: $0) }
    }

    /// Who waits so long waits no longer.
    func late(_ id: UInt64) {
        waiters.late(id, handle.flatMap { EpodeError(epode_client_error($0)) })
    }

    /// Nobody waits for the answer any more.
    func stopAsking() {
        asking?.cancel()
        asking = nil
    }

    // --- the end

    /// Lets go of everything. The handle is freed once its descriptor is not watched any more.
    func close() {
        checkQueue()
        guard let handle else { return }
        turn()
        var event: UnsafePointer<epode_event>?
        while epode_client_next_event(handle, &event) == EPODE_OK, let event { take(event.pointee) }
        hub.finish()
        self.handle = nil
        stopAsking()
        store.close()
        source?.cancel()
        source = nil
        waiters.end()
    }

    private func freed(_ client: OpaquePointer) {
        epode_client_free(client)
        Live.gone()
        isClosed = true
        for continuation in closed { continuation.resume() }
        closed = []
    }

    func whenClosed(_ continuation: CheckedContinuation<Void, Never>) {
        if isClosed { continuation.resume() } else { closed.append(continuation) }
    }
}
