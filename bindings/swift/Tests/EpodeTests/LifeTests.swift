import Testing

@testable import Epode

extension All {
    @Suite struct Life {
        @Test func cancellingReadyEndsTheWaitAndNothingElse() async throws {
            let server = try Server("--rtt", "200")
            let client = try server.client()
            try await client.start()
            let waiting = Task { try await client.ready() }
            try await eventually { await client.state == .connecting }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await within { try await waiting.value } }
            // A task that was cancelled before it began does not wait either.
            let late = Task {
                try? await Task.sleep(for: .seconds(600))
                try await client.ready()
            }
            late.cancel()
            await #expect(throws: CancellationError.self) { try await within { try await late.value } }
            try await within { try await client.ready() }
            await client.close()
            try await nothingIsLeft()
        }

        @Test func closingInTheMiddleOfEverythingTellsEverybody() async throws {
            let server = try Server("--rtt", "200")
            let client = try server.client(store: "alice.db")
            try await client.start()
            let ready = Task { try await client.ready() }
            let synced = Task { try await client.synced() }
            try await eventually { await client.state == .connecting }
            await client.close()
            for task in [ready, synced] {
                let error = try await #require(throws: EpodeError.self) { try await within { try await task.value } }
                #expect(error.code == .cancelled)
            }
            await client.close()
            let error = try await #require(throws: EpodeError.self) { try await client.start() }
            #expect(error.code == .state && error.text.contains("closed"))
            await #expect(throws: EpodeError.self) { try await client.conversations() }
            #expect(await client.state == .stopped)
            #expect(await client.session == nil)
            try await nothingIsLeft()
        }

        @Test func aClientThatNobodyHoldsGoesByItself() async throws {
            let server = try Server()
            do {
                let client = try server.client(store: "alice.db")
                try await client.start()
                try await within { try await client.ready() }
                var reader = client.history().makeAsyncIterator()
                _ = try await reader.next()
            }
            try await nothingIsLeft()
            do { _ = try server.client(store: "alice.db") }
            try await nothingIsLeft()
            // The session was left as a cut would leave it, and goes on.
            let client = try server.client(store: "alice.db")
            try await client.start()
            try await within { try await client.ready() }
            #expect(await client.session?.isResumed == true)
            await client.close()
        }

        @Test func aTaskThatIsCancelledTakesItsClientWithIt() async throws {
            let server = try Server("--rtt", "100")
            // In the middle of the login, of reading, of a request, and of waiting for events.
            for moment in 0..<4 {
                let reached = Recorder<Int>()
                let options = server.options(store: "alice.db")
                let task = Task {
                    let client = try Client(options)
                    try await client.start()
                    if moment == 0 { await reached.add(0) }
                    try await client.ready()
                    await reached.add(moment)
                    switch moment {
                    case 1:
                        while true { for try await _ in client.history() {} }
                    case 2:
                        while true { try await client.ping() }
                    default:
                        for await _ in client.events {}
                        try Task.checkCancellation()
                    }
                }
                try await eventually { await reached.all.contains(moment) }
                task.cancel()
                await #expect(throws: CancellationError.self) { try await within { try await task.value } }
                try await nothingIsLeft()
            }
        }

        @Test func eventsDoNotHoldTheClient() async throws {
            let server = try Server()
            let loop: Task<Void, Never>
            do {
                let client = try server.client()
                let events = client.events
                loop = Task { for await _ in events {} }
                try await client.start()
                try await within { try await client.ready() }
            }
            try await within { await loop.value }
            try await nothingIsLeft()
        }

        @Test func hundredsOfConnectsLeaveNothing() async throws {
            let server = try Server()
            var files = 0
            for i in 1...200 {
                let client = try server.client(store: "alice.db")
                let loop = Task { for await _ in client.events {} }
                try await client.start()
                try await within { try await client.ready() }
                // Every way to go.
                switch i % 4 {
                case 0: try await client.stop()
                case 1: try await client.stop(.resumable)
                case 2: loop.cancel()
                default: break
                }
                await client.close()
                await loop.value
                if i == 20 { files = openFiles() }
            }
            try await nothingIsLeft()
            #expect(openFiles() <= files)
        }

        @Test func oneClientComesAndGoesAsOftenAsItLikes() async throws {
            let server = try Server()
            let client = try server.client(store: "alice.db")
            for i in 0..<20 {
                try await client.start()
                if i % 5 == 4 {
                    // Before it is ready, and twice.
                    try await client.stop()
                    try await client.stop()
                    continue
                }
                try await within { try await client.ready() }
                try await client.stop(i % 2 == 0 ? .close : .resumable)
                #expect(await client.state == .stopped)
            }
            await client.close()
            try await nothingIsLeft()
        }

        @Test func aCutIsResumedAndNothingIsLostOrDoubled() async throws {
            let server = try Server()
            let client = try server.client(store: "alice.db")
            let events = client.events
            try await client.start()
            try await within { try await client.synced() }
            try server.message("before")
            _ = try await events.message("before")
            try server.say("drop-connections hard")
            let cut = try await events.first { if case .state(.offline, let error) = $0 { error } else { nil } }
            #expect(cut.code == .connect)
            // Of the session that is over this says nothing about the next.
            try await within { try await client.synced() }
            #expect(await client.state == .ready)
            try server.message("meanwhile")
            let row = try await client.send(to: "bob@localhost", "from offline")
            _ = try await events.message("meanwhile")
            #expect(try await within { try await client.delivery(of: row) } >= .acknowledged)
            #expect(await client.session?.isResumed == true)
            #expect(await client.session?.bind == .resumed)
            let bodies = try await client.history().all().compactMap(\.body)
            #expect(bodies.sorted() == ["before", "from offline", "meanwhile"])
            await client.close()
        }

        @Test func aStoreHasOneOwner() async throws {
            let server = try Server()
            let client = try server.client(store: "alice.db")
            let error = try #require(throws: EpodeError.self) { _ = try server.client(store: "alice.db") }
            #expect(error.code == .busy && !error.text.isEmpty)
            await client.close()
            // Free as soon as close() has returned.
            let next = try server.client(store: "alice.db")
            await next.close()
            try await nothingIsLeft()
        }

        @Test func twoClientsTalk() async throws {
            let server = try Server()
            let alice = try server.client("alice", store: "alice.db")
            let bob = try server.client("bob", store: "bob.db")
            for client in [alice, bob] {
                try await client.start()
                try await within { try await client.ready() }
            }
            let row = try await alice.send(to: "bob@localhost", "hello ✓ \u{1F600}")
            let came = try await bob.events.message("hello ✓ \u{1F600}")
            #expect(came.peer == "alice@localhost" && !came.isOutgoing && came.type == "chat" && came.xml != nil)
            try await bob.markDisplayed(came.row)
            #expect(try await within { try await alice.delivery(of: row, atLeast: .read) } == .read)
            let sent = try #require(try await alice.message(row))
            #expect(sent.isOutgoing && sent.delivery == .read)
            await alice.close()
            await bob.close()
            try await nothingIsLeft()
        }

        @Test func suspendedItHoldsNothingAndFetchIsAnErrand() async throws {
            let server = try Server()
            let client = try server.client(store: "alice.db")
            try await client.start()
            try await within { try await client.synced() }
            try await client.suspend()
            let error = try await #require(throws: EpodeError.self) { try await client.send(to: "bob@localhost", "x") }
            #expect(error.code == .state)
            // An extension of the application owns it meanwhile.
            let other = try server.client(store: "alice.db")
            await other.close()
            try server.message("pushed")
            let fetched = try await within { try await client.fetch(within: .seconds(10)) }
            #expect(fetched.isComplete && fetched.newMessages == 1 && fetched.error == nil)
            // It is told of, though the store is closed again.
            #expect(try await client.events.message("pushed").peer == "bob@localhost")
            let free = try server.client(store: "alice.db")
            await free.close()
            try await client.resume()
            try await client.start()
            try await within { try await client.ready() }
            #expect(try await client.history().all().compactMap(\.body) == ["pushed"])
            await client.close()
            try await nothingIsLeft()
        }

        @Test func anErrandThatCannotBeDoneEndsInTime() async throws {
            let server = try Server()
            let client = try server.client { $0.port = 1 }
            let fetched = try await within { try await client.fetch(within: .milliseconds(300)) }
            #expect(!fetched.isComplete && fetched.error?.code == .timeout)
            let wrong = try await #require(throws: EpodeError.self) { try await client.fetch(within: .zero) }
            #expect(wrong.code == .invalid)
            await client.close()
        }

        @Test func hintsAndActivityReachTheLibrary() async throws {
            let server = try Server()
            let client = try server.client()
            try await client.start()
            try await within { try await client.ready() }
            for hint in Hint.allCases where hint != .networkLost { try await client.hint(hint) }
            try await client.setActive(false)
            try await eventually { try server.count("csi-inactive") > 0 }
            try await client.setActive(true)
            #expect(await client.state == .ready)
            let error = try await #require(throws: EpodeError.self) { try await client.forget(.token) }
            #expect(error.code == .state)
            try await client.stop()
            try await client.forget([.token, .facts])
            try await client.unpin()
            await client.close()
        }
    }
}
