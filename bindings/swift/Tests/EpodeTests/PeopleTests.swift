import CEpode
import Testing

@testable import Epode

extension All {
    @Suite struct People {
        private let server: Server

        init() throws {
            server = try Server()
            try server.say("roster-put alice bob@localhost both Bob")
            try server.say("roster-put bob alice@localhost both")
        }

        @Test func theRosterIsReadChangedAndToldOf() async throws {
            let client = try await server.online()
            _ = try await client.events.first { if case .roster(nil, .current, nil) = $0 { true } else { nil } }
            #expect(try await client.roster() == [contact("bob@localhost", "Bob", .both, [])])
            try await client.setContact("carol@localhost", name: "Carol ✓", groups: ["b", "a"])
            let (peer, change) = try await client.events.first {
                if case .roster(let peer?, let change, nil) = $0, peer == "carol@localhost" { (peer, change) } else { nil }
            }
            #expect(peer == "carol@localhost" && change.contains(.added))
            #expect(try await client.store.contact("carol@localhost") == contact("carol@localhost", "Carol ✓", .none, ["a", "b"]))
            try await client.subscription(.subscribe, "carol@localhost")
            try await eventually { try await client.store.contact("carol@localhost")?.isAsked == true }
            try await client.removeContact("carol@localhost")
            try await eventually { try await client.roster().count == 1 }
            #expect(try await client.store.contact("carol@localhost") == nil)
            let error = try await #require(throws: EpodeError.self) { try await client.setContact("alice@localhost") }
            #expect(error.code == .invalid)
            let nul = try await #require(throws: EpodeError.self) { try await client.setContact("x@localhost", groups: ["a\0b"]) }
            #expect(nul.code == .invalid)
            await client.close()
            try await nothingIsLeft()
        }

        private func contact(_ jid: String, _ name: String?, _ subscription: Epode.Subscription, _ groups: [String]) -> Contact {
            var c = epode_contact()
            return jid.withCString { jid in
                (name ?? "").withCString { text in
                    c.jid = jid
                    c.name = name == nil ? nil : text
                    c.subscription = epode_subscription(rawValue: subscription.rawValue)
                    let strings = CStrings()
                    c.group_count = groups.count
                    c.groups = try! strings.add(groups)
                    return withExtendedLifetime(strings) { Contact(c) }
                }
            }
        }

        @Test func aSubscriptionIsAskedForAndApproved() async throws {
            let server = try Server()
            let alice = try await server.online()
            let bob = try await server.online("bob")
            try await bob.subscription(.subscribe, "alice@localhost")
            let step = try await alice.events.first {
                if case .subscription("bob@localhost", let step) = $0 { step } else { nil }
            }
            #expect(step == .subscribe)
            try await alice.subscription(.subscribed, "bob@localhost")
            try await eventually { try await bob.store.contact("alice@localhost")?.subscription == .to }
            await alice.close()
            await bob.close()
        }

        @Test func whoIsThereIsKnown() async throws {
            let alice = try await server.online()
            let bob = try await server.online("bob")
            let there = try await alice.events.first {
                if case .presence(let p?) = $0, p.peer == "bob@localhost" { p } else { nil }
            }
            #expect(there.show == .online && there.from.hasPrefix("bob@localhost/") && there.error == nil)
            try await bob.setPresence(.away, status: "at lunch", priority: -7)
            try await eventually { try await alice.presence(of: "bob@localhost").first?.show == .away }
            let presence = try #require(try await alice.presence(of: "bob@localhost").first)
            #expect(presence.status == "at lunch" && presence.priority == -7 && presence.jid == there.from)
            #expect(try await alice.presences().filter { $0.jid == there.from } == [presence])
            #expect(try await alice.presence(of: "nobody@localhost").isEmpty)
            // Ours has a hash, so the other side can find out.
            try await eventually { try await bob.contact(alice.session!.jid, has: "urn:xmpp:ping") == true }
            #expect(try await bob.contact(alice.session!.jid, has: "urn:example:nothing") == false)
            // A session that is over knows of nobody.
            try await alice.stop()
            _ = try await alice.events.first { if case .presence(nil) = $0 { true } else { nil } }
            #expect(try await alice.presences().isEmpty)
            await alice.close()
            await bob.close()
            try await nothingIsLeft()
        }

        @Test func directedPresenceComesBackWhereNobodyIs() async throws {
            let client = try await server.online()
            try await client.sendPresence(to: "bob@localhost", .dnd, status: "busy")
            let bob = try await server.online("bob")
            try await client.sendPresence(to: await bob.session!.jid, .xa)
            try await eventually { try await bob.presence(of: "alice@localhost").first?.show == .xa }
            await client.close()
            await bob.close()
        }

        @Test func whoWritesIsTold() async throws {
            let alice = try await server.online()
            let bob = try await server.online("bob")
            #expect(try await alice.sendChatState(.composing, to: "bob@localhost") == false)
            var hello = Outgoing(to: "alice@localhost", body: "hello")
            hello.xml = "<active xmlns='http://jabber.org/protocol/chatstates'/>"
            try await bob.send(hello)
            _ = try await alice.events.message("hello")
            #expect(try await alice.sendChatState(.composing, to: "bob@localhost") == true)
            let told = try await bob.events.first {
                if case .chatState("alice@localhost", _, let state) = $0 { state } else { nil }
            }
            #expect(told == .composing)
            await alice.close()
            await bob.close()
        }

        @Test func whoIsBlockedIsKnownAndToldOf() async throws {
            let client = try await server.online { $0.flags = [.blockList] }
            try await client.block(["spam@localhost", "bad.example"])
            let peers = try await client.events.first {
                if case .blocking(let peer?, true, nil) = $0 { peer } else { nil }
            }
            #expect(["spam@localhost", "bad.example"].contains(peers))
            try await eventually { try await client.blocked() == ["bad.example", "spam@localhost"] }
            #expect(try await client.isBlocked("who@bad.example/x"))
            #expect(try await client.isBlocked("bob@localhost") == false)
            let empty = try await #require(throws: EpodeError.self) { try await client.unblock([]) }
            #expect(empty.code == .invalid)
            try await client.unblock(["bad.example"])
            try await eventually { try await client.blocked() == ["spam@localhost"] }
            try await client.unblockAll()
            try await eventually { try await client.blocked().isEmpty }
            await client.close()
        }
    }
}
