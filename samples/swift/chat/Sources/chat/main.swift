// chat JID PEER: a conversation on the terminal. What was said is in the store, so it shows something without a network.
import Epode
import Foundation

do {
    var arguments = try Arguments(Array(CommandLine.arguments.dropFirst()), ProcessInfo.processInfo.environment)
    let terminal = Terminal()
    arguments.options.onPassword = { why in await terminal.password(why) }
    let client = try Client(arguments.options)
    do {
        try await Chat(client, arguments.peer).run(terminal.lines)
        try await client.stop()
        await client.close()
    } catch {
        await client.close()
        throw error
    }
} catch is Usage {
    FileHandle.standardError.write(Data((Usage.text + "\n").utf8))
    exit(2)
} catch {
    FileHandle.standardError.write(Data("chat: \(error)\n".utf8))
    exit(1)
}
