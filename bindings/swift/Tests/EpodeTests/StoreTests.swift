import Foundation
import Testing

@testable import Epode

extension All {
    @Suite struct Stores {
        /// A store with that many messages of the archive, and its client.
        private func filled(_ n: Int, _ server: Server, first: UInt32 = 0) async throws -> Client {
            try server.say("archive-add alice@localhost bob@localhost \(n)")
            let client = try server.client(store: "alice.db") { $0.firstSyncMessages = first }
            try await client.start()
            try await within { try await client.synced() }
            return client
        }

        @Test func historyIsReadInBothDirectionsAndFromAnywhere() async throws {
            let server = try Server()
            let client = try await filled(100, server)
            let all = try await client.history().all()
            #expect(all.count == 100 && all.first?.body?.hasPrefix("#1 ") == true)
            #expect(all.allSatisfy { $0.xml == nil && $0.archiveID != nil && $0.archive == "alice@localhost" })
            #expect(zip(all, all.dropFirst()).allSatisfy { $0.time < $1.time })
            let newest = try await client.history("bob@localhost", limit: 33).all()
            #expect(newest.map(\.row) == all.suffix(33).reversed().map(\.row))
            var query = Query(newestFirst: true)
            query.fromRow = newest.last!.row
            query.withXML = true
            let older = try await client.history(query).all()
            #expect(older.map(\.row) == all.prefix(67).reversed().map(\.row))
            #expect(older.allSatisfy { $0.xml?.contains("<message") == true })
            query = Query()
            query.fromTime = all[50].time
            #expect(try await client.history(query).all().map(\.row) == all[50...].map(\.row))
            #expect(try await client.history(limit: 0).all().isEmpty)
            #expect(try await client.message(all[7].row)?.body == all[7].body)
            #expect(try await client.message(1 << 40) == nil)
            await client.close()
        }

        @Test func aReaderBesideTheOwnerSeesTheSame() async throws {
            let server = try Server()
            let client = try await filled(10, server)
            let store = try Store(path: server.path("alice.db"))
            #expect(try await store.history().all().map(\.row) == client.history().all().map(\.row))
            #expect(try await store.conversations().map(\.peer) == ["bob@localhost"])
            #expect(try await store.roster().isEmpty)
            #expect(try await store.extent()?.first == client.store.extent()?.first)
            await store.close()
            let error = try await #require(throws: EpodeError.self) { try await store.conversations() }
            #expect(error.code == .state)
            await client.close()
            let missing = try #require(throws: EpodeError.self) { _ = try Store(path: server.path("none.db")) }
            #expect(missing.code == .store)
            try "no store".write(toFile: server.path("text.db"), atomically: true, encoding: .utf8)
            let text = try #require(throws: EpodeError.self) { _ = try Store(path: server.path("text.db")) }
            #expect(text.code == .storeCorrupt)
            do { _ = try Store(path: server.path("alice.db")).history().makeAsyncIterator() }
            try await nothingIsLeft()
        }

        @Test func cancellingInTheMiddleOfHistoryClosesIt() async throws {
            let server = try Server()
            let client = try await filled(200, server)
            let reading = Task {
                var n = 0
                for try await _ in client.history() {
                    n += 1
                    if n == 40 { withUnsafeCurrentTask { $0?.cancel() } }
                }
                return n
            }
            await #expect(throws: CancellationError.self) { try await within { _ = try await reading.value } }
            // Of the store only the client's own is left, and the events of nobody.
            try await eventually { Live.count == 2 }
            for try await _ in client.history() { break }
            try await eventually { Live.count == 2 }
            await client.close()
            try await nothingIsLeft()
        }

        @Test func aReaderThatIsStillThereWhenTheClientClosesGetsAnError() async throws {
            let server = try Server()
            let client = try await filled(100, server)
            var reader = client.history().makeAsyncIterator()
            _ = try await reader.next()
            await client.close()
            var n = 1
            let error = try await #require(throws: EpodeError.self) { while try await reader.next() != nil { n += 1 } }
            #expect(error.code == .state && n < 100)
            #expect(try await reader.next() == nil)
            try await nothingIsLeft()
        }

        @Test func wordsAreFound() async throws {
            let server = try Server()
            let client = try server.client()
            try await client.start()
            try await within { try await client.synced() }
            for text in ["the quick fox", "a slow fox", "no animal"] { try server.message(text) }
            _ = try await client.events.message("no animal")
            try await eventually { try await client.search("fox").all().map(\.body) == ["a slow fox", "the quick fox"] }
            #expect(try await client.search("fox quick", peer: "bob@localhost").all().count == 1)
            #expect(try await client.search("fox", limit: 1).all().count == 1)
            #expect(try await client.search("fox", peer: "carol@localhost").all().isEmpty)
            await client.close()
        }

        @Test func holesAreKnownAndFilled() async throws {
            let server = try Server()
            let client = try await filled(150, server, first: 30)
            let hole = try #require(try await client.holes().first)
            #expect(hole.archive == "alice@localhost" && hole.afterID == nil && hole.beforeID != nil && hole.before != nil)
            let before = try await client.history().all().count
            #expect(before < 150)
            try await within {
                while try await client.fill() {}
            }
            #expect(try await client.history().all().count == 150)
            #expect(try await client.holes().isEmpty)
            await client.close()
            // Who reads to the end, newest first, has the rest asked for.
            let reader = try server.client(store: "other.db") { $0.firstSyncMessages = 30 }
            try await reader.start()
            try await within { try await reader.synced() }
            try await eventually { try await reader.history("bob@localhost").all().count == 150 }
            await reader.close()
        }

        @Test func historyIsFilledAsFarAsItGoesInARoomToo() async throws {
            let server = try Server()
            let room = "long@rooms.localhost"
            try server.say("room-create long")
            try server.say("archive-add \(room) dave 120")
            let client = try await filled(90, server, first: 20)
            #expect(try await client.history("bob@localhost", limit: 60, fill: true).all().count == 60)
            try await client.join(room, nick: "al")
            try await eventually { try await client.holes().contains { $0.archive == room } }
            let held = try await client.store.history(Query(peer: room)).all().count
            #expect(held < 120)
            #expect(try await client.unread(room).count == held)
            let account = try await client.store.history().all().count
            let bodies = try await within { try await client.history(room, fill: true).all().compactMap(\.body) }
            #expect(bodies.map { $0.prefix { $0 != " " } } == (1...120).reversed().map { "#\($0)" })
            #expect(try await !client.holes().contains { $0.archive == room })
            // Nothing else was asked for.
            #expect(try await client.store.history().all().count == account)
            // Where nothing is shown, its lowest message says where.
            let other = try await server.online { $0.firstSyncMessages = 20 }
            try await other.join(room, nick: "al")
            try await eventually { try await other.holes().contains { $0.archive == room } }
            var query = Query(peer: room, newestFirst: true)
            query.fromTime = Date(timeIntervalSince1970: 1)
            let shown = try await within { [query] in try await other.history(query, fill: true).all() }
            #expect(shown.isEmpty)
            #expect(try await other.store.history(Query(peer: room)).all().count == 120)
            try await other.stop()
            let error = try await #require(throws: EpodeError.self) { try await other.fill() }
            #expect(error.code == .state)
            await client.close()
            await other.close()
        }

        @Test func anArchiveThatNeverEndsIsNotAskedForEver() async throws {
            let server = try Server()
            let client = try await filled(150, server, first: 30)
            try server.say("fault mam-repeat-page on")
            let error = try await #require(throws: EpodeError.self) {
                try await within { for try await _ in client.history(Query(newestFirst: true), fill: true) {} }
            }
            #expect(error.code == .proto)
            await client.close()
        }

        @Test func whatIsUnreadIsCountedUntilItWasDisplayed() async throws {
            let server = try Server()
            let client = try server.client()
            try await client.start()
            try await within { try await client.synced() }
            for i in 1...3 { try server.message("unread \(i)") }
            let last = try await client.events.message("unread 3")
            #expect(try await client.unread("bob@localhost").count == 3)
            let conversation = try #require(try await client.conversations().first)
            #expect(conversation.peer == "bob@localhost" && conversation.lastRow == last.row && conversation.unread.count == 3)
            try await client.markDisplayed(last.row)
            #expect(try await client.unread("bob@localhost").count == 0)
            #expect(try await client.unread("nobody@localhost").count == 0)
            let error = try await #require(throws: EpodeError.self) { try await client.markDisplayed(1 << 40) }
            #expect(error.code == .invalid)
            await client.close()
        }
    }
}
