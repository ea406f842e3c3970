import Epode
import Foundation

/// One JSON object a line, written at once.
func say(_ event: String, _ members: [String: (any Sendable)?] = [:]) {
    var object: [String: Any] = ["event": event]
    for (name, value) in members { object[name] = value ?? NSNull() }
    guard var line = try? JSONSerialization.data(withJSONObject: object) else { return }
    line.append(UInt8(ascii: "\n"))
    FileHandle.standardOutput.write(line)
}

func say(_ error: EpodeError, isFinal: Bool? = nil) {
    say("error", ["status": error.code.name, "condition": error.condition, "final": isFinal ?? error.isFinal])
}

func sayReady(_ session: Session) {
    let waits = session.waits
    let counts: [String: Int] = ["dns": waits.dns, "tcp": waits.tcp, "tls": waits.tls, "xmpp": waits.xmpp]
    say(
        "ready",
        [
            "jid": session.jid, "resumed": session.isResumed, "bind": "\(session.bind)", "token": "\(session.token)",
            "mechanism": session.mechanism, "waits": counts,
        ])
}

extension Duration {
    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
