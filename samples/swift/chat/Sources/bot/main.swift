// bot JID STORE: says back what it is told from now on. The password is in EPODE_PASSWORD.
import Epode
import Foundation

let (jid, store) = (CommandLine.arguments[1], CommandLine.arguments[2])
let password = ProcessInfo.processInfo.environment["EPODE_PASSWORD"]
let client = try Client(Options(jid: jid, password: password, storePath: store))
let began = Date()
try await client.start()
try await client.ready()
print("ready after \(await client.session?.waits.xmpp ?? 0) waits of XMPP")
for await event in client.events {
    if case .message(let message, .new) = event, !message.isOutgoing, !message.isGroupchat, message.time > began {
        try await client.send(to: message.peer, "you said: \(message.body ?? "nothing")")
    }
}
