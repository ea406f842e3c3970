import Epode
import Foundation

/// Plays one command; returns the exit code.
struct Driver {
    let client: Client
    let arguments: Arguments

    func run() async throws -> Int32 {
        try await client.start()
        if arguments.command == .listen { return try await listen() }
        return try await withThrowingTaskGroup(of: Int32.self) { group in
            group.addTask { try await errand() }
            group.addTask {
                try await Task.sleep(for: .seconds(arguments.timeout))
                say("error", ["status": Status.timeout.name, "condition": nil, "final": true])
                return 1
            }
            let code = try await group.next()!
            group.cancelAll()
            return code
        }
    }

    private func errand() async throws -> Int32 {
        switch arguments.command {
        case .count: try await count()
        case .catchup: try await catchUp()
        default:
            try await client.ready()
            if let session = await client.session { sayReady(session) }
        }
        return try await stop(.close)
    }

    private func stop(_ how: Stop) async throws -> Int32 {
        try await client.stop(how)
        say("stopped")
        return 0
    }

    private func catchUp() async throws {
        var done = 0
        events: for await event in client.events {
            switch event {
            case .sync(let sync) where sync.isSynced:
                done = sync.done
                break events
            case .state(.stopped, let error?):
                throw error
            default:
                break
            }
        }
        try Task.checkCancellation()
        var bodies: [String] = []
        for try await message in client.history() { bodies.append(message.body ?? "") }
        let synced = await client.session?.synced?.microseconds ?? -1
        say(
            "caughtup",
            [
                "done": done, "synced_us": synced, "count": bodies.count, "first": bodies.first ?? "",
                "last": bodies.last ?? "",
            ])
    }

    private func count() async throws {
        var seen = 0
        var began = ContinuousClock.now
        for await event in client.events {
            switch event {
            case .state(.ready, _):
                if let session = await client.session { sayReady(session) }
            case .state(.stopped, let error?):
                throw error
            case .message(let message, .new, _) where !message.isOutgoing:
                seen += 1
                if seen == 1 { began = .now }
            default:
                break
            }
            if seen == arguments.count { break }
        }
        try Task.checkCancellation()
        say("counted", ["n": seen, "us": (ContinuousClock.now - began).microseconds])
    }

    // --- listen

    private enum Input {
        case line(String?)
        case event(Event)
    }

    /// One thing at a time, so that "sent" is said before what becomes of it.
    private func listen() async throws -> Int32 {
        let (inputs, continuation) = AsyncStream.makeStream(of: Input.self)
        // Of standard input, which a thread of its own waits for.
        Thread.detachNewThread {
            while let line = readLine() { continuation.yield(.line(line)) }
            continuation.yield(.line(nil))
        }
        let events = Task { for await event in client.events { continuation.yield(.event(event)) } }
        defer { events.cancel() }
        for await input in inputs {
            switch input {
            case .event(let event):
                try await tell(event)
            case .line(let line):
                if let how = try await obey(line) { return try await stop(how) }
            }
        }
        return 0
    }

    private func obey(_ line: String?) async throws -> Stop? {
        guard let line else { return .close }
        let words = line.split(separator: " ", maxSplits: 2).map(String.init)
        switch words.first {
        case "send" where words.count == 3:
            let row = try await client.send(to: words[1], words[2])
            say("sent", ["row": row])
            return nil
        case "drop":
            return .resumable
        case "stop":
            return .close
        default:
            throw WrongUsage()
        }
    }

    private func tell(_ event: Event) async throws {
        switch event {
        case .state(.ready, _):
            if let session = await client.session { sayReady(session) }
        case .state(.offline, let error):
            say("offline", ["status": error?.code.name])
        case .state(.stopped, let error?):
            throw error
        case .message(let message, .new, _):
            say("message", ["row": message.row, "body": message.body, "peer": message.peer, "outgoing": message.isOutgoing])
        case .delivery(let row, _, let delivery):
            say("delivery", ["row": row, "state": "\(delivery)"])
        case .sync(let sync) where sync.isSynced:
            say("synced", ["done": sync.done])
        default:
            break
        }
    }
}
