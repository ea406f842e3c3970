import Epode
import Foundation

struct Usage: Error {
    static let text = """
        usage: chat JID PEER [STORE]
        EPODE_PASSWORD is the password, which is asked for otherwise; EPODE_HOST, EPODE_PORT and EPODE_CA are in place of DNS
        and of the system's authorities.
        /older: older messages; /search WORDS; /who: where PEER is; /correct TEXT: the last message anew; /quit
        """
}

/// What was asked for.
struct Arguments {
    var options: Options
    let peer: String

    init(_ words: [String], _ given: [String: String]) throws {
        guard words.count == 2 || words.count == 3 else { throw Usage() }
        options = Options(jid: words[0], storePath: words.count == 3 ? words[2] : "\(words[0]).db")
        options.host = given["EPODE_HOST"]
        options.port = UInt16(given["EPODE_PORT"] ?? "") ?? 0
        options.caFile = given["EPODE_CA"]
        peer = words[1]
    }
}
