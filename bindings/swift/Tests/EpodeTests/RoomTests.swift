import Testing

@testable import Epode

extension All {
    @Suite struct Rooms {
        private let den = "den@rooms.localhost"

        private func change(_ events: Events, _ wanted: RoomChange) async throws -> Event.RoomEvent {
            try await events.first { if case .room(let event) = $0, event.change == wanted { event } else { nil } }
        }

        @Test func whoIsInARoomIsKnownAndTheyTalk() async throws {
            let server = try Server()
            let alice = try await server.online()
            let bob = try await server.online("bob")
            #expect(try await alice.join(den, nick: "al"))
            #expect(try await change(alice.events, .joinedNow).room == den)
            #expect(try await alice.join(den, nick: "al") == false)
            try await bob.join(den, nick: "al")
            let refused = try await change(bob.events, .refused)
            #expect(refused.error?.condition == "conflict")
            try await bob.join(den, nick: "al", otherNick: true)
            _ = try await change(bob.events, .joinedNow)
            #expect(try await change(alice.events, .occupantCame).nick == "al_")
            let room = try #require(try await bob.room(den))
            #expect(room.isJoined && room.nick == "al_" && Set(room.occupants.map(\.nick)) == ["al", "al_"])
            #expect(room.occupants.first { $0.isSelf }?.nick == "al_")
            #expect(room.occupants.allSatisfy { $0.role == .participant && $0.jid == nil && $0.id != nil })
            #expect(try await bob.rooms() == [room])
            try await bob.setSubject("tea", of: den)
            _ = try await change(alice.events, .subject)
            #expect(try await alice.room(den)?.subject == "tea")
            try await bob.send(to: den, "hello all", type: "groupchat")
            let said = try await alice.events.message("hello all")
            #expect(said.isGroupchat && said.archive == den && said.from == "\(den)/al_")
            var query = Query()
            query.archive = den
            #expect(try await alice.history(query).all().compactMap(\.body) == ["hello all"])
            try await alice.follow(archive: "other@rooms.localhost")
            #expect(try await bob.leave(den, reason: "bye"))
            let left = try await change(alice.events, .occupantLeft)
            #expect(left.nick == "al_" && left.left == .self)
            #expect(try await bob.leave(den) == false)
            #expect(try await bob.room(den) == nil)
            let error = try await #require(throws: EpodeError.self) { try await bob.setSubject("x", of: den) }
            #expect(error.code == .state)
            let none = try await #require(throws: EpodeError.self) { try await bob.join("no room", nick: "al") }
            #expect(none.code == .invalid && none.text.hasPrefix("a room is a bare JID"))
            let nobody = try await #require(throws: EpodeError.self) { try await bob.send(to: "", "x") }
            #expect(nobody.code == .invalid && nobody.text.hasPrefix("a message needs a JID"))
            await alice.close()
            await bob.close()
            try await nothingIsLeft()
        }

        @Test func bookmarksAreSharedByDevicesAndJoined() async throws {
            let server = try Server()
            let one = try await server.online()
            let two = try await server.online()
            for client in [one, two] {
                _ = try await client.events.first { if case .bookmark(nil, .current, nil) = $0 { true } else { nil } }
            }
            let mark = Bookmark(jid: den, name: "The den", nick: "al", password: "sesame", autojoin: true)
            #expect(try await one.setBookmark(mark))
            let change = try await two.events.first { if case .bookmark(den, let change, nil) = $0 { change } else { nil } }
            #expect(change == .added)
            #expect(try await two.bookmarks() == [mark])
            try await eventually { try await two.room(den)?.isJoined == true }
            #expect(try await two.removeBookmark(den))
            try await eventually { try await one.bookmarks().isEmpty }
            #expect(try await two.removeBookmark(den) == false)
            await one.close()
            await two.close()
        }
    }
}
