import CEpode
import Testing

@testable import Epode

extension All {
    /// What needs no server.
    @Suite struct Codes {
        @Test func everyStatusHasItsNameAndNoneIsMissing() {
            for status in Status.allCases { #expect(status.name.hasPrefix("EPODE_E")) }
            for raw in Int32(-100)..<0 where Status(rawValue: raw) == nil {
                #expect(!String(cString: epode_status_name(epode_status(rawValue: raw))).hasPrefix("EPODE_E"))
            }
            #expect(Set(Status.allCases.map(\.name)).count == Status.allCases.count)
            #expect(!Epode.version.isEmpty)
        }

        @Test func durationsBecomeMillisecondsWithinTheirBounds() {
            for (duration, ms) in [
                (.zero, 0), (.seconds(-5), 0), (.milliseconds(1), 1), (.microseconds(1), 1), (.microseconds(1001), 2),
                (.seconds(30), 30000), (.seconds(Int64.max / 2), .max), (.seconds(Int64.max), .max), (.seconds(5_000_000), .max),
            ] as [(Duration, UInt32)] {
                #expect(duration.milliseconds == ms)
            }
        }

        @Test func stringsAreCopiedAsTheyAre() throws {
            let strings = CStrings()
            #expect(try strings.add(nil as String?) == nil)
            let text = "ü \u{1F600}"
            #expect(String(cString: try #require(try strings.add(text))) == text)
            let array = try #require(try strings.add(["a", "", "c"]))
            #expect((0..<3).map { String(cString: array[$0]!) } == ["a", "", "c"])
            #expect(throws: EpodeError.self) { try strings.add(["a", "\0"]) }
        }

        @Test func whatIsNotKnownIsNoCrash() {
            var e = epode_event()
            e.type = epode_event_type(rawValue: 999)
            guard case .unknown(999) = Event(e) else { Issue.record("an event of the future"); return }
            e.type = EPODE_EV_ROOM
            e.room = epode_room_change(rawValue: 999)
            guard case .unknown(EPODE_EV_ROOM.rawValue) = Event(e) else { Issue.record("a change of the future"); return }
        }

        @Test func queuesAreInOrderHoweverLong() {
            var queue = EventQueue()
            var (put, got): (UInt32, UInt32) = (0, 0)
            func take() {
                guard case .event(.unknown(got)) = queue.popFirst() else { Issue.record("out of order at \(got)"); return }
                got += 1
            }
            for round in 1...60 {
                for _ in 0..<round * 3 { queue.append(.event(.unknown(put))); put += 1 }
                for _ in 0..<round * 2 { take() }
                #expect(queue.count == Int(put - got))
            }
            while queue.count > 0 { take() }
            #expect(got == put && queue.count == 0)
            queue.append(.event(.unknown(1)))
            _ = queue.popFirst()
            queue.append(.event(.unknown(2)))
            queue.prepend([.event(.unknown(3)), .event(.unknown(4))])
            guard case .event(.unknown(3)) = queue.popFirst() else { Issue.record("not the first"); return }
        }
    }
}
