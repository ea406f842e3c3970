import Foundation
import Testing

@testable import Epode

extension All {
    @Suite struct Services {
        @Test func pingsVersionsItemsAndTimesAreAskedAndRead() async throws {
            let server = try Server()
            let client = try await server.online()
            try await client.ping()
            let nobody = try await #require(throws: EpodeError.self) { try await client.ping("nobody@localhost/x") }
            #expect(nobody.code == .stanza && nobody.condition == "service-unavailable")
            #expect(try await client.version() == Software(name: "epode-testserver", version: "1", os: nil))
            #expect(try await client.items().map(\.jid) == ["rooms.localhost", "upload.localhost"])
            let wrong = try await #require(throws: EpodeError.self) { try await client.ping("@") }
            #expect(wrong.code == .invalid)
            // Of another device of ours.
            let other = try await server.online()
            let jid = try #require(await other.session?.jid)
            let time = try #require(try await client.time(of: jid))
            #expect(abs(time.utc.timeIntervalSinceNow) < 3600 && abs(time.offset.components.seconds) <= 14 * 3600)
            #expect(try await client.lastActivity(of: jid) == .zero)
            #expect(try await client.version(of: jid)?.name == "epode")
            await other.close()
            try await client.stop()
            let offline = try await #require(throws: EpodeError.self) { try await client.ping() }
            #expect(offline.code == .state)
            await client.close()
            try await nothingIsLeft()
        }

        @Test func whatServerAndAccountCanDoIsKnown() async throws {
            let server = try Server()
            let client = try await server.online()
            try await eventually { try await client.serverHas("urn:xmpp:blocking") == true }
            #expect(try await client.serverHas("urn:example:nothing") == false)
            #expect(try await client.accountHas("urn:xmpp:mam:2") == true)
            await client.close()
        }

        @Test func pushIsRegisteredAndWithdrawn() async throws {
            let server = try Server()
            let client = try await server.online()
            try await client.enablePush("push.example", node: "n1", fields: [("secret", "s3cret")])
            var dump = try server.say("push-dump alice")
            #expect(dump.contains("push.example n1") && dump.contains("s3cret"))
            try await client.disablePush("push.example")
            dump = try server.say("push-dump alice")
            #expect(!dump.contains("push.example"))
            await client.close()
        }

        @Test func aPlaceForAFileIsGivenOrRefused() async throws {
            let server = try Server()
            let client = try await server.online()
            let slot = try await client.uploadSlot(name: "cat.jpg", bytes: 1000, type: "image/jpeg")
            #expect(slot.put.hasPrefix("https://") && slot.get.hasPrefix("https://") && slot.service == "upload.localhost")
            #expect(slot.headers.allSatisfy { ["Authorization", "Cookie", "Expires"].contains($0.name) && !$0.value.isEmpty })
            #expect(slot.maxBytes == 1_000_000)
            let large = try await #require(throws: UploadError.self) { try await client.uploadSlot(name: "x", bytes: 2_000_000) }
            #expect(large.error.code == .limit && large.maxBytes == 1_000_000)
            try server.say("fault upload-quota 1")
            let quota = try await #require(throws: UploadError.self) { try await client.uploadSlot(name: "x", bytes: 1) }
            #expect(quota.error.condition == "resource-constraint" && quota.retry != nil)
            try await client.stop()
            let offline = try await #require(throws: EpodeError.self) { try await client.uploadSlot(name: "x", bytes: 1) }
            #expect(offline.code == .state)
            await client.close()
            try await nothingIsLeft()
        }

        @Test func aRequestHasOneOutcome() async throws {
            let server = try Server()
            let client = try await server.online()
            let ping = "<iq type='get' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"
            let answer = try await client.iq(ping)
            #expect(answer.contains("type='result'") || answer.contains("type=\"result\""))
            for junk in ["", "<iq", "<iq type='result'/>", "no XML", "<message/>"] {
                let error = try await #require(throws: EpodeError.self) { try await client.iq(junk) }
                #expect(error.code == .invalid)
            }
            try server.say("fault ignore-iq on")
            let late = try await #require(throws: EpodeError.self) { try await client.iq(ping, timeout: .milliseconds(50)) }
            #expect(late.code == .timeout)
            // Cancelled before, and while it waits.
            for early in [true, false] {
                let asked = try server.count("iqs")
                let task = Task {
                    if early { withUnsafeCurrentTask { $0?.cancel() } }
                    return try await client.iq(ping)
                }
                if !early {
                    try await eventually { try server.count("iqs") > asked }
                    task.cancel()
                }
                await #expect(throws: CancellationError.self) { try await within { try await task.value } }
            }
            let asked = try server.count("iqs")
            let lost = Task { try await client.iq(ping) }
            let slot = Task { try await client.uploadSlot(name: "x", bytes: 1) }
            try await eventually { try server.count("iqs") > asked + 1 }
            await client.close()
            let error = try await #require(throws: EpodeError.self) { try await within { try await lost.value } }
            #expect(error.code == .cancelled)
            await #expect(throws: (any Error).self) { try await within { try await slot.value } }
            try await nothingIsLeft()
        }

        @Test func rawStanzasGoOutAndComeInAsText() async throws {
            let server = try Server()
            let client = try await server.online { $0.flags = [.rawStanzas] }
            let text = "<message to='alice@localhost' type='chat'><body>ünïcode ✓</body></message>"
            try await client.send(xml: text)
            let stanza = try await client.events.first {
                if case .stanza(let stanza) = $0, stanza.xml.contains("ünïcode ✓") { stanza } else { nil }
            }
            #expect(stanza.xml.hasPrefix("<message") && stanza.resource == nil)
            for junk in ["", "<message", "<other/>", "<message/><message/>"] {
                let error = try await #require(throws: EpodeError.self) { try await client.send(xml: junk) }
                #expect(error.code == .invalid)
            }
            await client.close()
        }

        @Test func severalResourcesOnOneStream() async throws {
            let server = try Server("--feature", "unbind=on")
            let client = try await server.online { $0.flags = [.multiResource] }
            let first = try #require(await client.session?.jid)
            let second = try await client.bind(resource: "second")
            #expect(second == "alice@localhost/second")
            #expect(try await client.resources() == [first, second])
            let bound = try await #require(throws: EpodeError.self) { try await client.bind(resource: "second") }
            #expect(bound.code == .state && bound.condition == "bound")
            #expect(try await client.unbind(resource: "second") == second)
            #expect(try await client.resources() == [first])
            await client.close()
            let plain = try await server.online()
            let none = try await #require(throws: EpodeError.self) { try await plain.bind() }
            #expect(none.code == .state && none.condition == "stream-management")
            #expect(await plain.session?.resumable == .seconds(600))
            await plain.close()
            try await nothingIsLeft()
        }

        @Test func correctionsRetractionsAndReactionsAreSent() async throws {
            let server = try Server()
            let alice = try await server.online()
            let bob = try await server.online("bob")
            var first = Outgoing(to: "bob@localhost", body: "frist")
            first.id = "m1"
            let row = try await alice.send(first)
            let came = try await bob.events.message("frist")
            #expect(came.stanzaID == "m1")
            var second = Outgoing(to: "bob@localhost", body: "first")
            second.replaceID = "m1"
            try await alice.send(second)
            let edited = try await bob.events.first { if case .message(let m, .changed, _) = $0, m.isEdited { m } else { nil } }
            #expect(edited.row == came.row && edited.body == "first")
            var like = Outgoing(to: "alice@localhost")
            like.reactID = "m1"
            like.reactions = "👍"
            try await bob.send(like)
            try await eventually { try await alice.message(row)?.reactions.map(\.text) == ["👍"] }
            #expect(try await alice.message(row)?.reactions.first?.isOutgoing == false)
            var nothing = Outgoing(to: "bob@localhost")
            nothing.retractID = "m1"
            try await alice.send(nothing)
            let gone = try await bob.events.first { if case .message(let m, .changed, _) = $0, m.isRetracted { m } else { nil } }
            #expect(gone.row == came.row && gone.body == nil)
            for wrong in [Outgoing(to: "", body: "x"), Outgoing(to: "bob@localhost"), Outgoing(to: "bob@localhost", body: "a\0b")] {
                let error = try await #require(throws: EpodeError.self) { try await alice.send(wrong) }
                #expect(error.code == .invalid)
            }
            await alice.close()
            await bob.close()
        }
    }
}
