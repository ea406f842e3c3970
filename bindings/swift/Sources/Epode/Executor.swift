import CEpode
import Dispatch

/// One serial queue on which everything of a client runs: its actor's jobs, its descriptor's events, its callbacks.
final class QueueExecutor: SerialExecutor {
    let queue: DispatchQueue

    init(label: String) { queue = DispatchQueue(label: label) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }
}

/// Counts what holds something of the C side, so that tests can see that all of it goes.
package enum Live {
    private static let counter = Counter()

    package static var count: Int { counter.add(0) }

    private static let numbers = Counter()

    /// A number that no other consumer of events has.
    static func number() -> UInt64 { UInt64(numbers.add(1)) }

    static func born() { _ = counter.add(1) }
    static func gone() { _ = counter.add(-1) }

    private final class Counter: @unchecked Sendable {
        private let lock = DispatchQueue(label: "epode.live")
        private var value = 0

        func add(_ n: Int) -> Int {
            lock.sync {
                value += n
                return value
            }
        }
    }
}
