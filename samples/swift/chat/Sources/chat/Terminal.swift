import Epode
import Foundation

/// Lines that are typed. A thread of its own waits for them, since the terminal cannot be waited for otherwise.
final class Terminal: Sendable {
    let lines: AsyncStream<String>
    private let secrets = Secrets()

    init() {
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        self.lines = lines
        Thread.detachNewThread { [secrets] in
            while let line = readLine() {
                if !secrets.take(line) { continuation.yield(line) }
            }
            _ = secrets.take(nil)
            continuation.finish()
        }
    }

    /// Where a password is needed it comes from the environment, and else it is the next line, unseen.
    func password(_ why: Ask) async -> Secret? {
        if why == .needed, let given = ProcessInfo.processInfo.environment["EPODE_PASSWORD"] { return .password(given) }
        guard isatty(STDIN_FILENO) == 1 else { return nil }
        say(why == .refused ? "That was not it. Password:" : "Password:")
        echo(false)
        defer { echo(true) }
        let line = await withCheckedContinuation { secrets.wait($0) }
        return line.map { .password($0) }
    }

    private func echo(_ on: Bool) {
        var mode = termios()
        tcgetattr(STDIN_FILENO, &mode)
        if on { mode.c_lflag |= tcflag_t(ECHO) } else { mode.c_lflag &= ~tcflag_t(ECHO) }
        tcsetattr(STDIN_FILENO, TCSANOW, &mode)
    }

    /// Who waits for the next line, which is nobody else's then.
    private final class Secrets: @unchecked Sendable {
        private let lock = NSLock()
        private var waiting: CheckedContinuation<String?, Never>?

        func wait(_ continuation: CheckedContinuation<String?, Never>) {
            lock.withLock { waiting = continuation }
        }

        func take(_ line: String?) -> Bool {
            let taken = lock.withLock {
                defer { waiting = nil }
                return waiting
            }
            taken?.resume(returning: line)
            return taken != nil
        }
    }
}

/// At once, also into a pipe.
func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

func show(_ message: Message, as what: String = "") {
    let time = message.time.formatted(date: .omitted, time: .shortened)
    let who = message.isOutgoing ? "me" : message.peer
    let text = message.isRetracted ? "(retracted)" : message.body ?? ""
    let marks = (message.isEdited ? " (edited)" : "") + message.reactions.map { " " + $0.text }.joined()
    say("\(what)\(time) \(who): \(text)\(marks)")
}
