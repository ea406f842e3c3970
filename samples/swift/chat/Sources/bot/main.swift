// bot JID STORE: says back what it is told, also what came while it was away. EPODE_PASSWORD is the password; EPODE_HOST,
// EPODE_PORT and EPODE_CA are in place of DNS and of the system's authorities.
import Epode
import Foundation

/// At once, also into a pipe.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

func run(_ options: Options) async throws {
    let client = try Client(options)
    try await client.start()
    try await client.ready()
    say("ready after \(await client.session?.waits.xmpp ?? 0) waits of XMPP")
    for await event in client.events {
        switch event {
        case .message(let message, .new, history: false) where !message.isOutgoing && !message.isGroupchat:
            guard let body = message.body else { break }
            say("\(message.peer): \(body)")
            try await client.send(to: message.peer, "you said: \(body)")
        case .state(.stopped, let error?):
            throw error  // for good; whatever can pass is tried again
        default:
            break
        }
    }
}

guard CommandLine.arguments.count == 3 else { exit(2) }
let given = ProcessInfo.processInfo.environment
var options = Options(jid: CommandLine.arguments[1], password: given["EPODE_PASSWORD"], storePath: CommandLine.arguments[2])
options.host = given["EPODE_HOST"]
options.port = UInt16(given["EPODE_PORT"] ?? "") ?? 0
options.caFile = given["EPODE_CA"]
do {
    try await run(options)
} catch {
    say("bot: \(error)")
    exit(1)
}
