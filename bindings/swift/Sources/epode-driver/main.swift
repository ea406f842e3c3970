import Epode
import Foundation

/// The client is let go of before the process ends.
func play(_ arguments: Arguments) async throws -> Int32 {
    let client: Client
    do {
        client = try Client(arguments.options)
    } catch let error as EpodeError {
        say(error, isFinal: true)
        return 1
    }
    do {
        let code = try await Driver(client: client, arguments: arguments).run()
        await client.close()
        return code
    } catch {
        await client.close()
        throw error
    }
}

do {
    exit(try await play(Arguments(Array(CommandLine.arguments.dropFirst()))))
} catch let error as EpodeError {
    say(error)
    exit(1)
} catch {
    FileHandle.standardError.write(Data("usage: epode-driver COMMAND --jid JID --host ADDR --port PORT --ca FILE ...\n".utf8))
    exit(2)
}
