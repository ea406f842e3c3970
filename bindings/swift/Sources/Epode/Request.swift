import CEpode

/// Reads an answer while it is there.
enum Answer {
    typealias Read<T> = (UnsafePointer<epode_iq_answer>) throws -> T

    static func nothing(_ answer: UnsafePointer<epode_iq_answer>) throws {}

    static func xml(_ answer: UnsafePointer<epode_iq_answer>) throws -> String { string(answer.pointee.xml) ?? "" }

    /// What other outcomes than a result are.
    static func check(_ answer: UnsafePointer<epode_iq_answer>) throws {
        let a = answer.pointee
        switch a.outcome {
        case EPODE_IQ_RESULT:
            return
        case EPODE_IQ_ERROR:
            throw EpodeError(.stanza, "the answer is an error", condition: string(a.condition))
        case EPODE_IQ_TIMEOUT:
            throw EpodeError(.timeout, "there was no answer in time")
        case EPODE_IQ_CANCELLED:
            throw EpodeError(.cancelled, a.again ? "the session was lost before the answer" : "the request was ended")
        default:
            throw EpodeError(.state, "the answer is of a kind that is not known")
        }
    }
}

/// One request: resumed exactly once, by the C side's callback.
final class Request {
    typealias Done = @convention(c) (OpaquePointer?, UnsafePointer<epode_iq_answer>?, UnsafeMutableRawPointer?) -> Void
    private let finish: (UnsafePointer<epode_iq_answer>) -> Void
    private let core: Core

    init<T: Sendable>(_ core: Core, read: @escaping Answer.Read<T>, _ continuation: CheckedContinuation<T, any Error>) {
        self.core = core
        core.requests += 1
        finish = { answer in
            continuation.resume(
                with: Result {
                    try Answer.check(answer)
                    return try read(answer)
                })
        }
        Live.born()
    }

    /// On the queue: where the answer is, or where nothing was asked.
    deinit {
        core.requests -= 1
        Live.gone()
    }

    static let done: Done = { _, answer, user in
        Unmanaged<Request>.fromOpaque(user!).takeRetainedValue().finish(answer!)
    }
}

/// Names a request that may be cancelled. Only on the client's queue.
final class RequestNumber: @unchecked Sendable {
    var id: UInt64 = 0
    var isCancelled = false
}

extension Client {
    typealias Asking = (OpaquePointer, CStrings, @escaping Request.Done, UnsafeMutableRawPointer, UnsafeMutablePointer<UInt64>) throws -> epode_status

    /// Asks, and waits for the answer; when the task is cancelled it is not waited for any more. `nil` of the status that a
    /// call may have in place of an answer: nothing was asked.
    @discardableResult
    func request<T: Sendable>(read: @escaping Answer.Read<T>, _ ask: Asking) async throws -> T? {
        let core = core
        let number = RequestNumber()
        do {
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    begin(number, read, continuation, ask)
                }
            } onCancel: {
                core.queue.async { core.cancel(number) }
            }
        } catch let error as EpodeError where error.code == .cancelled {
            try Task.checkCancellation()
            throw error
        }
    }

    private func begin<T: Sendable>(
        _ number: RequestNumber, _ read: @escaping Answer.Read<T>, _ continuation: CheckedContinuation<T?, any Error>, _ ask: Asking
    ) {
        let request = Unmanaged.passRetained(Request(core, read: { try read($0) }, continuation))
        do {
            let status = try call { try ask($0, $1, Request.done, request.toOpaque(), &number.id) }
            guard status != EPODE_OK else {
                if number.isCancelled { core.cancel(number) }
                return
            }
            // Nothing was asked, so nobody will answer.
            continuation.resume(returning: nil)
        } catch {
            continuation.resume(throwing: error)
        }
        request.release()
    }
}

extension Core {
    func cancel(_ number: RequestNumber) {
        number.isCancelled = true
        // Before the request: it is looked at then.
        guard let handle, number.id != 0 else { return }
        epode_iq_cancel(handle, number.id)
        turn()
    }
}
