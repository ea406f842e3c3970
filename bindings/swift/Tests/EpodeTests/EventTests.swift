import Testing

@testable import Epode

extension All {
    @Suite struct EventStreams {
        private func texts(_ n: Int) -> [String] { (0..<n).map { "text \($0)" } }

        private func come(_ texts: [String], _ server: Server) throws {
            for text in texts { try server.message(text) }
        }

        /// The bodies of what comes, until there are that many.
        private func take(_ n: Int, _ events: Events) async throws -> [String] {
            try await within {
                var bodies: [String] = []
                for await event in events {
                    if case .message(let message, .new, _) = event { bodies.append(message.body ?? "") }
                    if bodies.count == n { break }
                }
                return bodies
            }
        }

        @Test func aConsumerThatStopsEarlyLeavesTheRestToTheNext() async throws {
            let server = try Server()
            let client = try server.client()
            try await client.start()
            try await within { try await client.synced() }
            let all = texts(40)
            try come(all, server)
            var got = try await take(3, client.events)
            #expect(got == Array(all[..<3]))
            got += try await take(1, client.events)
            got += try await take(36, client.events)
            #expect(got == all)
            await client.close()
            try await nothingIsLeft()
        }

        @Test func eachConsumerGetsEverythingFromItsBeginningOn() async throws {
            let server = try Server()
            let client = try server.client()
            try await client.start()
            try await within { try await client.synced() }
            let all = texts(30)
            let began = Recorder<Int>()
            async let one = bodies(client.events, 30, began, 1)
            async let two = bodies(client.events, 30, began, 2)
            // Until both are there.
            try await eventually {
                try server.message("marker")
                return await Set(began.all) == [1, 2]
            }
            try come(all, server)
            #expect(try await one == all)
            #expect(try await two == all)
            await client.close()
        }

        private func bodies(_ events: Events, _ n: Int, _ began: Recorder<Int>, _ name: Int) async throws -> [String] {
            try await within {
                var bodies: [String] = []
                for await event in events {
                    await began.add(name)
                    if case .message(let message, .new, _) = event, message.body != "marker" { bodies.append(message.body ?? "") }
                    if bodies.count == n { break }
                }
                return bodies
            }
        }

        @Test func aSlowConsumerStopsTheReadingAndLosesNothing() async throws {
            let server = try Server()
            let client = try server.client { $0.flags = [.noSync] }
            try await client.start()
            try await within { try await client.ready() }
            // What is not awaited any more makes no room.
            try await client.ping()
            var iterator = client.events.makeAsyncIterator()
            // It is a consumer from now on, and takes nothing more.
            _ = await iterator.next()
            let all = texts(900)
            try come(all, server)
            // The library's queue is full, so it has stopped: what it did not read is not stored.
            var stored = 0
            try await eventually {
                let before = stored
                stored = try await client.history().all().count
                try await Task.sleep(for: .milliseconds(200))
                return stored >= 256 && stored == before
            }
            #expect(stored < 900)
            var got: [String] = []
            while got.count < 900, let event = await iterator.next() {
                if case .message(let message, .new, _) = event { got.append(message.body ?? "") }
            }
            #expect(got == all)
            await client.close()
        }

        @Test func whatWasThereBeforeTheStoreIsNoNews() async throws {
            let server = try Server()
            try server.say("archive-add alice@localhost bob@localhost 3")
            var client = try await server.online(store: "alice.db")
            for i in 1...3 {
                let old = try await client.events.first {
                    if case .message(let message, .new, let history) = $0 { (message.body ?? "", history) } else { nil }
                }
                #expect(old.0.hasPrefix("#\(i) ") && old.1)
            }
            try server.message("live")
            func isHistory(_ body: String) async throws -> Bool {
                try await client.events.first {
                    if case .message(let message, .new, let history) = $0, message.body == body { history } else { nil }
                }
            }
            #expect(try await isHistory("live") == false)
            try await client.stop()
            await client.close()
            try server.say("message bob@localhost alice@localhost away")
            client = try await server.online(store: "alice.db")
            #expect(try await isHistory("away") == false)
            await client.close()
        }

        @Test func aConsumerMayWaitForTheClient() async throws {
            let server = try Server()
            let client = try server.client { $0.flags = [.noSync] }
            try await client.start()
            try await within { try await client.ready() }
            let all = texts(900)
            let asked = Recorder<Delivery>(), sent = Recorder<Bool>()
            let loop = Task {
                var bodies: [String] = []
                for await event in client.events {
                    guard case .message(let message, .new, _) = event, !message.isOutgoing else { continue }
                    bodies.append(message.body ?? "")
                    // Its answers stand behind hundreds of events that only this loop would take.
                    if bodies.count == 1 {
                        try await eventually { await !sent.all.isEmpty }
                        try await client.ping()
                        await asked.add(try await client.delivery(of: client.send(to: "bob@localhost", "got it")))
                    }
                    if bodies.count == 900 { break }
                }
                return bodies
            }
            try come(all, server)
            await sent.add(true)
            #expect(try await within { try await loop.value } == all)
            #expect(await asked.all == [.acknowledged])
            await client.close()
            try await nothingIsLeft()
        }

        @Test func withoutAConsumerTheOldestAreCountedAndTheClientGoesOn() async throws {
            let hub = EventHub { _ in nil }
            func take(_ consumer: UInt64) async -> [Event] { await withCheckedContinuation { hub.next(consumer, $0) } }
            for i in 0..<EventHub.kept + 5 { hub.publish(.event(.unknown(UInt32(i)))) }
            let first = await take(1)
            guard case .missed(5) = first[0], case .unknown(5) = first[1], case .unknown(6) = first[2] else {
                Issue.record("\(first)")
                return
            }
            #expect(first.count == EventHub.perConsumer && !hub.hasRoom)
            // It used two of them.
            hub.remove(1, first[2...])
            #expect(hub.hasRoom)
            guard case .unknown(6) = await take(2)[0] else {
                Issue.record("the rest is lost")
                return
            }
            hub.remove(2, [])
            // A message that cannot be read is not told silently.
            let small = EventHub { _ in nil }
            small.publish(.message(row: 1, .new, history: false))
            guard case .missed(1) = await withCheckedContinuation({ small.next(1, $0) })[0] else {
                Issue.record("it is lost")
                return
            }
            hub.finish()
            #expect(await !take(4).isEmpty)
            hub.end(4)
            #expect(await take(4).isEmpty)
        }

        @Test func manyEventsBeforeTheFirstConsumerAreAllThere() async throws {
            let server = try Server()
            try server.say("archive-add alice@localhost bob@localhost 600")
            let client = try server.client()
            try await client.start()
            try await within { try await client.synced() }
            #expect(try await take(600, client.events).count == 600)
            await client.close()
        }

        @Test func cancellingTheConsumerEndsItsLoop() async throws {
            let server = try Server()
            let client = try server.client()
            let loop = Task {
                var n = 0
                for await _ in client.events { n += 1 }
                return n
            }
            try await client.start()
            try await within { try await client.ready() }
            loop.cancel()
            #expect(try await within { await loop.value } >= 0)
            await client.close()
            try await nothingIsLeft()
        }

        @Test func theEndOfTheClientEndsTheEvents() async throws {
            let server = try Server()
            let client = try server.client()
            let loop = Task {
                var last: ConnectionState?
                for await event in client.events { if case .state(let state, _) = event { last = state } }
                return last
            }
            try await client.start()
            try await within { try await client.ready() }
            try await client.stop()
            await client.close()
            #expect(try await within { await loop.value } == .stopped)
            try await nothingIsLeft()
        }

        @Test func whatWasToldBeforeTheEndIsStillThere() async throws {
            let server = try Server()
            let client = try await server.online()
            var iterator = client.events.makeAsyncIterator()
            _ = await iterator.next()
            try come(texts(5), server)
            try await eventually { try await client.history().all().count == 5 }
            // In memory: with the client the store goes.
            await client.close()
            var bodies: [String] = []
            while let event = await iterator.next() {
                if case .message(let message, .new, _) = event { bodies.append(message.body ?? "") }
                if case .missed = event { Issue.record("lost") }
            }
            #expect(bodies == texts(5))
        }

        @Test func afterTheEndThereIsNothing() async throws {
            let server = try Server()
            let client = try server.client()
            await client.close()
            for await event in client.events { Issue.record("after the end: \(event)") }
            try await nothingIsLeft()
        }
    }
}
