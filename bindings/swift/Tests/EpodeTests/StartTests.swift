import Testing

@testable import Epode

extension All {
    @Suite struct Starts {
        @Test func aFirstStartIsReadyAndTheSecondWaitsOnce() async throws {
            let server = try Server()
            for start in 1...2 {
                let client = try server.client(store: "alice.db")
                try await client.start()
                try await within { try await client.ready() }
                let session = try #require(await client.session)
                #expect(session.jid.hasPrefix("alice@localhost/"))
                #expect(session.bind == .bind2)
                #expect(session.token == (start == 1 ? .new : .used))
                #expect(session.transport == "tcp" && session.leftOut.isEmpty)
                #expect(session.tls.version == "TLSv1.3" && session.tls.isDirect)
                #expect(session.has(.carbons) && session.has(.sm) && session.has(.csi))
                #expect(start == 1 ? session.waits.xmpp > 1 : session.waits.xmpp == 1)
                #expect(session.flights.map(\.layer).contains("xmpp") && session.attempts.contains(where: \.won))
                #expect(await client.state == .ready)
                #expect(await client.error == nil)
                try await within { try await client.synced() }
                #expect(await client.session?.synced != nil)
                try await client.stop()
                #expect(await client.state == .stopped)
                await client.close()
            }
            try await nothingIsLeft()
        }

        @Test func eventsTellTheWayThereFromTheBeginning() async throws {
            let server = try Server()
            let client = try server.client()
            try await client.start()
            try await within { try await client.ready() }
            var states: [ConnectionState] = []
            for await event in client.events {
                if case .state(let state, nil) = event { states.append(state) }
                if states.last == .ready { break }
            }
            #expect(states == [.connecting, .ready])
            await client.close()
            try await nothingIsLeft()
        }

        @Test func aWrongPasswordIsFinalAndSaysSo() async throws {
            let server = try Server()
            let client = try server.client { $0.password = "wrong" }
            try await client.start()
            let error = try await #require(throws: EpodeError.self) { try await within { try await client.ready() } }
            #expect(error.code == .auth && error.code.name == "EPODE_EAUTH" && error.isFinal)
            #expect(error.condition == "not-authorized")
            #expect(!error.description.contains("wrong") && error.description.contains("EPODE_EAUTH"))
            let told = try await client.events.first { if case .state(.stopped, let error?) = $0 { error } else { nil } }
            #expect(told == error)
            #expect(await client.state == .stopped)
            await client.close()
            try await nothingIsLeft()
        }

        @Test func whoWantsNoSecondAttemptIsToldOfTheFirst() async throws {
            let server = try Server()
            let client = try server.client {
                $0.port = 1
                $0.flags = [.noReconnect]
            }
            let never = try await #require(throws: EpodeError.self) { try await within { try await client.ready() } }
            #expect(never.code == .cancelled)
            try await client.start()
            for wait in [client.ready(timeout:), client.synced(timeout:)] {
                let error = try await #require(throws: EpodeError.self) { try await within { try await wait(nil) } }
                #expect(error.code == .connect && error.native != 0)
            }
            await client.close()
        }

        @Test func withoutCatchUpThereIsNothingToWaitFor() async throws {
            let server = try Server()
            let client = try server.client { $0.flags = [.noSync] }
            try await client.start()
            try await within { try await client.synced() }
            try server.say("drop-connections hard")
            try await eventually { await client.state != .ready }
            // Of the session that is over it says nothing about the next.
            try await within { try await client.synced() }
            #expect(await client.state == .ready)
            await client.close()
        }

        @Test func whoWaitsMayWaitForSomeTimeOnly() async throws {
            let server = try Server()
            let nowhere = try server.client { $0.port = 1 }
            try await nowhere.start()
            for wait in [nowhere.ready(timeout:), nowhere.synced(timeout:)] {
                let late = try await #require(throws: EpodeError.self) { try await within { try await wait(.milliseconds(300)) } }
                #expect(late.code == .timeout && !late.isFinal)
                #expect(late.text.hasPrefix("not in time: "))
            }
            // The wish stays, and the message on its way.
            let row = try await nowhere.send(to: "bob@localhost", "later")
            let late = try await #require(throws: EpodeError.self) {
                try await within { try await nowhere.delivery(of: row, timeout: .milliseconds(10)) }
            }
            #expect(late.code == .timeout)
            #expect(try await nowhere.message(row)?.delivery == .queued)
            await nowhere.close()
            let client = try server.client()
            try await client.start()
            try await client.ready(timeout: .seconds(30))
            try await client.synced(timeout: .seconds(30))
            await client.close()
            try await nothingIsLeft()
        }

        @Test func withoutAnArchiveSyncedSaysSo() async throws {
            let server = try Server("--fault", "no-mam=on")
            try server.say("archive-add alice@localhost bob@localhost 1")
            let client = try server.client()
            try await client.start()
            for _ in 1...2 {
                let error = try await #require(throws: EpodeError.self) { try await within { try await client.synced() } }
                #expect(error.code == .stanza)
            }
            await client.close()
        }

        @Test func aPasswordIsAskedForLateAndOnceMoreAfterARefusal() async throws {
            let server = try Server()
            let asked = Recorder<Ask>()
            let client = try server.client {
                $0.password = nil
                $0.onPassword = { why in
                    await asked.add(why)
                    return .password(why == .refused ? "alice-pw" : "wrong")
                }
            }
            try await client.start()
            try await within { try await client.ready() }
            #expect(await asked.all == [.needed, .refused])
            await client.close()
            try await nothingIsLeft()
        }

        @Test func withoutAnAnswerTheLoginIsCancelled() async throws {
            let server = try Server()
            struct NoIdea: Error {}
            for answer in 0...1 {
                let client = try server.client {
                    $0.password = nil
                    $0.onPassword = { _ in
                        if answer == 0 { return nil }
                        throw NoIdea()
                    }
                }
                try await client.start()
                let error = try await #require(throws: EpodeError.self) { try await within { try await client.ready() } }
                #expect(error.code == .cancelled)
                await client.close()
            }
            try await nothingIsLeft()
        }

        @Test func aQuestionThatIsOverCancelsItsTask() async throws {
            let server = try Server()
            let ended = Recorder<Bool>()
            let client = try server.client {
                $0.password = nil
                $0.onPassword = { _ in
                    await ended.add(false)
                    try? await Task.sleep(for: .seconds(600))
                    await ended.add(Task.isCancelled)
                    return .password("alice-pw")
                }
            }
            try await client.start()
            try await eventually { await ended.all == [false] }
            try await client.stop()
            try await eventually { await ended.all == [false, true] }
            await client.close()
            try await nothingIsLeft()
        }

        @Test func aSecondFactorIsAnswered() async throws {
            let server = try Server("--feature", "second-factor=123456")
            let client = try server.client {
                $0.onTask = { task in
                    #expect(task.names == ["TOTP-EXAMPLE"] || task.current == "TOTP-EXAMPLE")
                    return TaskAnswer(
                        name: task.names.isEmpty ? nil : "TOTP-EXAMPLE", xml: "<totp xmlns='urn:totp:example'>MTIzNDU2</totp>")
                }
            }
            try await client.start()
            try await within { try await client.ready() }
            await client.close()
            for wrong in ["<totp", "\0"] {
                let client = try server.client { $0.onTask = { _ in TaskAnswer(name: "TOTP-EXAMPLE", xml: wrong) } }
                try await client.start()
                let error = try await #require(throws: EpodeError.self) { try await within { try await client.ready() } }
                #expect(error.code == .cancelled)
                await client.close()
            }
            try await nothingIsLeft()
        }

        @Test func optionsThatAreNoneAreRefused() async throws {
            let server = try Server()
            for (change, word) in [
                ({ $0.jid = "nobody" }, "JID"), ({ $0.jid = "" }, "JID"), ({ $0.password = "a\0b" }, "NUL"),
                ({ $0.clientKeyFile = "key.pem" }, "certificate"),
            ] as [((inout Options) -> Void, String)] {
                let error = try #require(throws: EpodeError.self) { _ = try server.client("alice", change) }
                #expect(error.code == .invalid && error.text.contains(word))
            }
            let missing = try #require(throws: EpodeError.self) { _ = try server.client { $0.storePath = "/nowhere/at/all.db" } }
            #expect(missing.code == .store)
            try await nothingIsLeft()
        }

        @Test func secretsAreInNoDescription() throws {
            var options = Options(jid: "alice@localhost", password: "tell-nobody")
            options.oauthToken = "tell-nobody"
            var text = "\(options)\(Secret.password("tell-nobody"))\(TaskAnswer(name: "x", xml: "tell-nobody"))"
            dump(options, to: &text)
            dump(Secret.oauth("tell-nobody"), to: &text)
            dump(TaskAnswer(name: "x", xml: "tell-nobody"), to: &text)
            text += String(reflecting: options) + String(reflecting: Secret.oauth("tell-nobody"))
            #expect(!text.contains("tell-nobody") && text.contains("alice@localhost"))
        }

        @Test func logLinesComeWithTheirLevel() async throws {
            let server = try Server()
            let lines = Lines()
            let client = try server.client {
                $0.logLevel = .trace
                $0.onLog = { level, area, line in lines.add("\(level) \(area) \(line)") }
            }
            try await client.start()
            try await within { try await client.ready() }
            await client.close()
            #expect(lines.all.contains { $0.hasPrefix("trace") })
            #expect(!lines.all.contains { $0.contains("alice-pw") })
        }
    }
}

