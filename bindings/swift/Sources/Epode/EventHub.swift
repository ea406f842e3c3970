/// Who wants events, and what waits for them. Only on the client's queue.
///
/// Each consumer has a queue of its own; while the slowest one has enough to do, nothing more is taken from the library,
/// whose own queue then fills until it stops reading from the server. While there is no consumer, events are kept for the
/// next one: up to a limit, behind which the oldest go and are counted.
final class EventHub {
    static let perConsumer = 16
    static let kept = 4096

    /// What was told, as long as it waits: a message is its number until somebody takes it.
    enum Told {
        case event(Event)
        case message(row: UInt64, Change, history: Bool)
    }

    private let read: (UInt64) -> Message?
    private var consumers: [UInt64: Consumer] = [:]
    private var waiting = EventQueue()
    private var missed = 0
    private var finished = false

    private struct Consumer {
        var events = EventQueue()
        var next: CheckedContinuation<[Event], Never>?
        var ended = false
    }

    /// `read`: a message from the store, wherever that is now.
    init(read: @escaping (UInt64) -> Message?) { self.read = read }

    /// Whether one more event is to be taken from the library.
    var hasRoom: Bool { consumers.values.allSatisfy { $0.ended || $0.events.count < Self.perConsumer } }

    private func event(_ told: Told) -> Event {
        switch told {
        case .event(let event): event
        case .message(let row, let change, let history):
            read(row).map { .message($0, change, history: history) } ?? .missed(1)
        }
    }

    func publish(_ told: Told) {
        var taken = false
        for (id, consumer) in consumers where !consumer.ended {
            taken = true
            consumers[id]!.events.append(told)
        }
        guard !taken else { return }
        waiting.append(told)
        if waiting.count > Self.kept {
            _ = waiting.popFirst()
            missed += 1
        }
    }

    /// Behind the last of several: who waits for them gets them together.
    func flush() {
        for (id, consumer) in consumers {
            guard let next = consumer.next, consumer.events.count > 0 || finished else { continue }
            consumers[id]!.next = nil
            next.resume(returning: take(id))
        }
    }

    private func take(_ id: UInt64) -> [Event] {
        var events: [Event] = []
        while events.count < Self.perConsumer, let told = consumers[id]!.events.popFirst() { events.append(event(told)) }
        return events
    }

    /// The next events for this consumer, who is known from the first time on; none: there are no more.
    func next(_ id: UInt64, _ continuation: CheckedContinuation<[Event], Never>) {
        if consumers[id] == nil { admit(id) }
        if consumers[id]!.ended {
            continuation.resume(returning: [])
        } else {
            // One consumer that asks twice at the same time: the earlier question ends.
            consumers[id]!.next?.resume(returning: [])
            consumers[id]!.next = continuation
            flush()
        }
    }

    private func admit(_ id: UInt64) {
        var consumer = Consumer()
        if consumers.values.allSatisfy(\.ended) {
            swap(&consumer.events, &waiting)
            if missed > 0 { consumer.events.prepend([.event(.missed(missed))]) }
            missed = 0
        }
        consumers[id] = consumer
    }

    /// Its task was cancelled: the sequence ends. What it did not take is kept for the next consumer, if it was the only one.
    func end(_ id: UInt64) {
        if consumers[id] == nil { consumers[id] = Consumer() }
        guard !consumers[id]!.ended else { return }
        consumers[id]!.ended = true
        consumers[id]!.next?.resume(returning: [])
        consumers[id]!.next = nil
        var left = EventQueue()
        swap(&left, &consumers[id]!.events)
        if consumers.values.allSatisfy(\.ended) { waiting = left }
    }

    /// The consumer is gone; `left`: what it had taken and did not use.
    func remove(_ id: UInt64, _ left: ArraySlice<Event>) {
        guard consumers[id] != nil else { return }
        end(id)
        consumers[id] = nil
        if consumers.values.allSatisfy(\.ended) { waiting.prepend(left.map { .event($0) }) }
    }

    /// No more events come; what waits is still told, so messages are read while there is a store.
    func finish() {
        finished = true
        for id in consumers.keys { consumers[id]!.events.replace { .event(event($0)) } }
        flush()
    }
}

/// First in, first out.
struct EventQueue {
    private var items: [EventHub.Told?] = []
    private var head = 0

    var count: Int { items.count - head }

    mutating func append(_ told: EventHub.Told) { items.append(told) }

    mutating func prepend(_ told: [EventHub.Told]) { items.insert(contentsOf: told, at: head) }

    mutating func replace(_ by: (EventHub.Told) -> EventHub.Told) { items = items.map { $0.map(by) } }

    mutating func popFirst() -> EventHub.Told? {
        guard head < items.count else { return nil }
        let told = items[head]
        items[head] = nil
        head += 1
        if head == items.count {
            items.removeAll(keepingCapacity: head <= 64)
            head = 0
        } else if head >= 64 && head * 2 > items.count {
            items.removeFirst(head)
            head = 0
        }
        return told
    }
}
