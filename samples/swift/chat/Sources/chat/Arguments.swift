import Epode
import Foundation

struct Usage: Error {
    static let text = """
        usage: chat JID PEER [--store FILE] [--host NAME] [--port N] [--ca FILE]
        The password is asked for where it is needed, or taken from EPODE_PASSWORD.
        /older: older messages; /search WORDS; /who: where PEER is; /correct TEXT: the last message anew; /quit
        """
}

/// What was asked for on the command line.
struct Arguments {
    var options: Options
    let peer: String

    init(_ words: [String]) throws {
        guard words.count >= 2, words.count % 2 == 0 else { throw Usage() }
        options = Options(jid: words[0], storePath: "\(words[0]).db")
        peer = words[1]
        for i in stride(from: 2, to: words.count, by: 2) {
            let value = words[i + 1]
            switch words[i] {
            case "--store": options.storePath = value
            case "--host": options.host = value
            case "--ca": options.caFile = value
            case "--port":
                guard let port = UInt16(value) else { throw Usage() }
                options.port = port
                options.tls = .direct
            default: throw Usage()
            }
        }
    }
}
