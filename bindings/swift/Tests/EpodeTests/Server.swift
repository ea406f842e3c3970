import Foundation
import Testing

@testable import Epode

/// The reference server as a child process, told what to do by lines on its standard input.
final class Server {
    let direct: UInt16
    let ca: String
    let directory: URL
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var rest = Data()

    init(_ arguments: String..., users: [String] = ["alice:alice-pw", "bob:bob-pw"]) throws {
        // In memory where there is such a place: the server makes each message durable.
        let base = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
        directory = URL(fileURLWithPath: base).appendingPathComponent("epode-swift-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        process.executableURL = URL(fileURLWithPath: try Server.program())
        process.arguments = ["--dir", directory.path] + users.flatMap { ["--user", $0] } + arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        struct Ready: Decodable { let direct_tls: UInt16, ca: String }
        let ready = try JSONDecoder().decode(Ready.self, from: Server.line(output, &rest))
        direct = ready.direct_tls
        ca = ready.ca
    }

    deinit {
        try? input.fileHandleForWriting.close()
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(at: directory)
    }

    private static func program() throws -> String {
        if let path = ProcessInfo.processInfo.environment["EPODE_TESTSERVER"] { return path }
        let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../..").standardized
        let path = root.appendingPathComponent("build/release/tests/server/epode-testserver").path
        try #require(FileManager.default.isExecutableFile(atPath: path), "build the project, or set EPODE_TESTSERVER")
        return path
    }

    private static func line(_ pipe: Pipe, _ rest: inout Data) throws -> Data {
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = rest[..<end]
                rest = Data(rest[(end + 1)...])
                return Data(line)
            }
            let more = pipe.fileHandleForReading.availableData
            try #require(!more.isEmpty, "the server ended")
            rest.append(more)
        }
    }

    /// One control line; the answer is its JSON.
    @discardableResult
    func say(_ line: String) throws -> String {
        try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
        let answer = String(decoding: try Server.line(output, &rest), as: UTF8.self)
        try #require(!answer.contains("\"ok\":false"), "\(line): \(answer)")
        return answer
    }

    func message(_ body: String, from: String = "bob@localhost", to: String = "alice@localhost") throws {
        try say("message \(from) \(to) \(body)")
    }

    /// A counter of the server's, 0 where it was not counted.
    func count(_ name: String) throws -> Int {
        let dump = try say("dump")
        guard let at = dump.range(of: "\"\(name)\":") else { return 0 }
        return Int(dump[at.upperBound...].prefix { $0.isNumber }) ?? 0
    }

    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    func options(_ user: String = "alice", store: String? = nil) -> Options {
        var options = Options(jid: "\(user)@localhost", password: "\(user)-pw", storePath: store.map(path))
        options.host = "127.0.0.1"
        options.port = direct
        options.tls = .direct
        options.caFile = ca
        return options
    }

    func client(_ user: String = "alice", store: String? = nil, _ change: (inout Options) -> Void = { _ in }) throws -> Client {
        var options = options(user, store: store)
        change(&options)
        return try Client(options)
    }

    /// A client that is ready, and holds what the server has.
    func online(_ user: String = "alice", store: String? = nil, _ change: (inout Options) -> Void = { _ in }) async throws -> Client {
        let client = try client(user, store: store, change)
        try await client.start()
        try await within { try await client.ready() }
        try await within { try await client.synced() }
        return client
    }
}

/// All tests, one after the other: they count what is alive.
@Suite(.serialized) enum All {}

/// Nothing of the C side is left. What goes with its last reference goes a moment later.
func nothingIsLeft(_ where: SourceLocation = #_sourceLocation) async throws {
    try await eventually("\(Live.count) objects are left", `where`) { Live.count == 0 }
}

func eventually(
    _ what: @autoclosure () -> String = "it did not happen", _ where: SourceLocation = #_sourceLocation,
    _ holds: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(20)
    while try await !holds() {
        try #require(ContinuousClock.now < end, "\(what())", sourceLocation: `where`)
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Runs with a limit, so that what hangs fails; on time it says nothing.
func within<T: Sendable>(
    _ limit: Duration = .seconds(30), _ where: SourceLocation = #_sourceLocation, _ body: @escaping @Sendable () async throws -> T
) async throws -> T {
    try await withThrowingTaskGroup(of: T?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        let first = try await group.next()!
        group.cancelAll()
        return try #require(first, "it hangs", sourceLocation: `where`)
    }
}

extension Events {
    /// The first event that fits, of a new consumer.
    func first<T: Sendable>(_ pick: @escaping @Sendable (Event) -> T?) async throws -> T {
        try await within {
            for await event in self {
                if let picked = pick(event) { return picked }
            }
            throw EpodeError(.state, "the events ended")
        }
    }

    func message(_ body: String) async throws -> Message {
        try await first { if case .message(let message, .new, _) = $0, message.body == body { message } else { nil } }
    }
}

/// What closures saw.
actor Recorder<Value: Sendable> {
    private(set) var all: [Value] = []
    func add(_ value: Value) { all.append(value) }
}

/// The same for closures that may not wait.
final class Lines: @unchecked Sendable {
    private let lock = NSLock()
    private var lines: [String] = []
    var all: [String] { lock.withLock { lines } }
    func add(_ line: String) { lock.withLock { lines.append(line) } }
}

/// How many descriptors this process has open.
func openFiles() -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
}
