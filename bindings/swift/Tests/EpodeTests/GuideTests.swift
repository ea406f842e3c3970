import Testing

@testable import Epode

extension All {
    /// What docs/swift.md shows, done.
    @Suite struct Guide {
        @Test func aClientSendsAndReads() async throws {
            let server = try Server()
            let options = server.options(store: "guide.db")
            let friend = "bob@localhost"
            let client = try Client(options)
            try await client.start()
            try await client.ready()  // through failures that are tried again
            let row = try await client.send(to: friend, "hello")  // it is in the store now, and survives a kill
            try await client.delivery(of: row)  // the server has it; or atLeast: .received, .read
            for try await message in client.history(friend, limit: 50, fill: true) {
                print(message.time, message.body ?? "")
            }
            try await client.stop()  // ends the session at the server
            await client.close()  // connection and store are free
            try await nothingIsLeft()
        }

        @Test func eventsAreTold() async throws {
            let server = try Server()
            let client = try await server.online()
            try await client.send(to: "bob@localhost", "hello")
            let following = Task { [events = client.events] in
                for await event in events {
                    switch event {
                    case .state(.offline, let error):
                        print("gone: \(error?.text ?? "")")
                    case .message(let message, .new, history: false) where !message.isOutgoing:
                        print("\(message.peer): \(message.body ?? "")")
                    case .delivery(let row, _, .read):
                        print("\(row) was read")
                    default:
                        break
                    }
                }
            }
            try server.message("for the guide")
            await client.close()
            await following.value
        }

        @Test func whatFailsIsTyped() async throws {
            let server = try Server()
            let client = try server.client { $0.password = "wrong" }
            try await client.start()
            var asked = false
            do {
                try await client.ready()
            } catch let error as EpodeError where error.code == .auth {
                asked = error.isFinal  // ask the user
            }
            #expect(asked)
            await client.close()
        }

        @Test func aPasswordIsAskedForLate() async throws {
            let server = try Server()
            let prompt = Prompt()
            var options = server.options()
            options.password = nil
            options.onPassword = { why in
                guard let text = await prompt.ask(again: why == .refused) else { return nil }
                return .password(text)
            }
            let client = try Client(options)
            try await client.start()
            try await within { try await client.ready() }
            await client.close()
        }

        actor Prompt {
            func ask(again: Bool) -> String? { again ? nil : "alice-pw" }
        }

        @Test func anExtensionFetchesWhileTheApplicationSleeps() async throws {
            let server = try Server()
            let application = try await server.online("alice", store: "shared.db")
            try server.message("seen by the application")
            _ = try await application.events.message("seen by the application")
            // The application is awake, and gets it itself.
            #expect(try await pushed(server.options(store: "shared.db")) == nil)
            try await application.suspend()
            try server.message("pushed")
            #expect(try await pushed(server.options(store: "shared.db")) == ["pushed"])
            try await application.resume()
            try await within { try await application.ready() }
            let bodies = try await application.history().all().compactMap(\.body)
            #expect(bodies == ["seen by the application", "pushed"])
            await application.close()
            try await nothingIsLeft()
        }

        /// What a push is about, for the notification; `nil`: the application is there to show it.
        private func pushed(_ shared: Options) async throws -> [String]? {
            var options = shared
            options.flags.insert(.lowMemory)
            let client: Client
            do {
                client = try Client(options)
            } catch let error as EpodeError where error.code == .busy {
                return nil  // the application is awake, and gets it itself
            }
            let fetched = try await client.fetch(within: .seconds(20))
            try await client.resume()  // the store, for reading; there is no wish to be online
            let news = try await client.history(Query(newestFirst: true), limit: fetched.newMessages).all()
            await client.close()
            return news.compactMap(\.body)
        }
    }
}
