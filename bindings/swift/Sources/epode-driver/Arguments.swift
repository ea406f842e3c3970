import Epode
import Foundation

struct WrongUsage: Error {}

/// COMMAND --jid JID --host ADDR --port PORT --ca FILE [--db FILE] [--count N] [--read] [--timeout SECONDS]
struct Arguments {
    enum Command: String {
        case connect, listen, catchup, count
    }

    let command: Command
    var options: Options
    var count = 0
    var timeout = 60.0

    init(_ words: [String]) throws {
        var words = words[...]
        guard let command = words.popFirst().flatMap(Command.init) else { throw WrongUsage() }
        self.command = command
        options = Options(jid: "", password: ProcessInfo.processInfo.environment["EPODE_PASSWORD"])
        options.tls = .direct
        while let word = words.popFirst() {
            if word == "--read" { continue }  // events come with their message
            guard let value = words.popFirst() else { throw WrongUsage() }
            switch word {
            case "--jid": options.jid = value
            case "--host": options.host = value
            case "--port": options.port = try Arguments.number(value)
            case "--ca": options.caFile = value
            case "--db": options.storePath = value
            case "--count": count = try Arguments.number(value)
            case "--timeout": timeout = try Arguments.number(value)
            default: throw WrongUsage()
            }
        }
    }

    private static func number<N: LosslessStringConvertible>(_ text: String) throws -> N {
        guard let n = N(text) else { throw WrongUsage() }
        return n
    }
}
