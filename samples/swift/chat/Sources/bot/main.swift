// bot JID STORE: says back what it is told from now on. The password is in EPODE_PASSWORD.
import Epode
import Foundation

func run(_ options: Options) async throws {
    let client = try Client(options)
    let began = Date()
    try await client.start()
    try await client.ready()
    print("ready after \(await client.session?.waits.xmpp ?? 0) waits of XMPP")
    for await event in client.events {
        switch event {
        case .message(let message, .new) where !message.isOutgoing && !message.isGroupchat && message.time > began:
            try await client.send(to: message.peer, "you said: \(message.body ?? "nothing")")
        case .state(.stopped, let error?):
            throw error
        default:
            break
        }
    }
}

guard CommandLine.arguments.count == 3 else { exit(2) }
let password = ProcessInfo.processInfo.environment["EPODE_PASSWORD"]
do {
    try await run(Options(jid: CommandLine.arguments[1], password: password, storePath: CommandLine.arguments[2]))
} catch {
    print("bot: \(error)")
    exit(1)
}
