import CEpode

/// The facts of a session: what was bound, what was enabled, what the start cost.
public struct Session: Sendable {
    /// Full.
    public let jid: String
    public let isResumed: Bool
    public let bind: Bind
    public let token: Token
    /// SASL's name for it.
    public let mechanism: String?
    /// Of those that are not on, a stable token: "not-wanted", "not-offered", "refused", "failed".
    public let whyNot: [Feature: String]
    /// For how long the server keeps the session when its link is gone: zero: it does not say; `nil`: it cannot be resumed.
    public let resumable: Duration?
    /// What carried the stream: "tcp", unless the application gave it a connection of its own.
    public let transport: String
    /// What that cannot do, so that it was left out: stable tokens.
    public let leftOut: [String]
    public let tls: TLS
    /// `nil`: the server did not say.
    public let archive: Archive?
    /// What servers of the first drafts of Bind 2 say; `nil`: it does not.
    public let unread: [ServerUnread]?
    public let waits: Waits
    /// The timeline.
    public let flights: [Flight]
    /// The race of addresses that came before.
    public let attempts: [Attempt]
    /// What was guessed from memory and was wrong.
    public let fallbacks: [Fallback]
    /// From the beginning of the connect.
    public let ready: Duration
    /// Until every followed archive was held up to its end; `nil`: not yet.
    public let synced: Duration?
    /// Messages that this session brought.
    public let newMessages: UInt64

    public func has(_ feature: Feature) -> Bool { whyNot[feature] == nil }

    /// How often the start had to wait for the network, one after the other. `epode_waits`.
    public struct Waits: Sendable, Hashable {
        public let dns, tcp, tls, xmpp: Int
    }

    /// `epode_tls_info`.
    public struct TLS: Sendable, Hashable {
        /// "TLSv1.3".
        public let version, cipher: String?
        public let isResumed, hadEarlyData, isDirect: Bool
        /// Where the connection went.
        public let host, address: String?
        public let port: UInt16
    }

    /// The ends of the account's archive at the bind; `nil`: empty. `epode_archive_info`.
    public struct Archive: Sendable, Hashable {
        public let firstID, firstTime, lastID, lastTime: String?
    }

    /// `epode_unread`.
    public struct ServerUnread: Sendable, Hashable {
        public let jid: String
        public let readID: String?
        public let count: UInt64
    }

    /// What was sent in one go, and when the last byte of the answer was there. `epode_flight`.
    public struct Flight: Sendable, Hashable {
        /// "dns", "tcp", "tls", "xmpp".
        public let layer: String
        /// What it held: "header", "authenticate", ...
        public let held: [String]
        /// Since the connect began.
        public let sent, answered: Duration
        public let bytesOut, bytesIn: UInt64
        public let waits: Int
    }

    /// `epode_attempt`.
    public struct Attempt: Sendable, Hashable {
        public let host, address: String?
        public let port: UInt16
        public let isDirect, won: Bool
        /// Since the connect began; `tcp` `nil`: never.
        public let began: Duration
        public let tcp: Duration?
        public let ended: Duration
        public let failure: String?
    }

    /// Both are stable tokens. `epode_fallback`.
    public struct Fallback: Sendable, Hashable {
        public let what, why: String
    }
}

extension Session {
    init(_ s: OpaquePointer) {
        jid = string(epode_session_jid(s)) ?? ""
        isResumed = epode_session_is_resumed(s)
        bind = Bind(rawValue: epode_session_bind(s).rawValue) ?? .none
        token = Token(rawValue: epode_session_token(s).rawValue) ?? .none
        mechanism = string(epode_session_mechanism(s))
        whyNot = Session.missing(s)
        let seconds = epode_session_resume_s(s)
        resumable = seconds < 0 ? nil : .seconds(seconds)
        transport = string(epode_session_transport(s)) ?? ""
        leftOut = (0...).lazy.map { string(epode_session_left_out_at(s, $0)) }.prefix { $0 != nil }.compactMap { $0 }
        tls = TLS(cepode_tls(s))
        archive = Session.archive(s)
        let count = epode_session_unread_count(s)
        unread = count < 0 ? nil : (0..<count).compactMap { epode_session_unread_at(s, $0).map { ServerUnread($0.pointee) } }
        let w = cepode_waits(s)
        waits = Waits(dns: Int(w.dns), tcp: Int(w.tcp), tls: Int(w.tls), xmpp: Int(w.xmpp))
        flights = (0..<epode_session_flight_count(s)).compactMap { epode_session_flight_at(s, $0).map { Flight($0.pointee) } }
        attempts = (0..<epode_session_attempt_count(s)).compactMap {
            epode_session_attempt_at(s, $0).map { Attempt($0.pointee) }
        }
        fallbacks = (0..<epode_session_fallback_count(s)).compactMap {
            epode_session_fallback_at(s, $0).map { Fallback(what: string($0.pointee.what) ?? "", why: string($0.pointee.why) ?? "") }
        }
        ready = .microseconds(epode_session_ready_us(s))
        let us = epode_session_synced_us(s)
        synced = us < 0 ? nil : .microseconds(us)
        newMessages = epode_session_new_messages(s)
    }

    private static func missing(_ s: OpaquePointer) -> [Feature: String] {
        var whyNot: [Feature: String] = [:]
        for feature in Feature.allCases {
            var why: UnsafePointer<CChar>?
            if !epode_session_has(s, epode_feature(rawValue: feature.rawValue), &why) { whyNot[feature] = string(why) ?? "" }
        }
        return whyNot
    }

    private static func archive(_ s: OpaquePointer) -> Archive? {
        var a = epode_archive_info()
        guard cepode_archive(s, &a) else { return nil }
        return Archive(
            firstID: string(a.first_id), firstTime: string(a.first_time), lastID: string(a.last_id),
            lastTime: string(a.last_time))
    }
}

extension Session.TLS {
    init(_ t: epode_tls_info) {
        version = string(t.version)
        cipher = string(t.cipher)
        isResumed = t.resumed
        hadEarlyData = t.early_data
        isDirect = t.direct
        host = string(t.host)
        address = string(t.address)
        port = t.port
    }
}

extension Session.ServerUnread {
    init(_ u: epode_unread) {
        jid = string(u.jid) ?? ""
        readID = string(u.read_id)
        count = u.count
    }
}

extension Session.Flight {
    init(_ f: epode_flight) {
        layer = string(f.layer) ?? ""
        held = (string(f.held) ?? "").split(separator: " ").map(String.init)
        sent = .microseconds(f.sent_us)
        answered = .microseconds(f.answered_us)
        bytesOut = f.bytes_out
        bytesIn = f.bytes_in
        waits = Int(f.waits)
    }
}

extension Session.Attempt {
    init(_ a: epode_attempt) {
        host = string(a.host)
        address = string(a.address)
        port = a.port
        isDirect = a.direct
        won = a.won
        began = .microseconds(a.began_us)
        tcp = a.tcp_us == 0 ? nil : .microseconds(a.tcp_us)
        ended = .microseconds(a.ended_us)
        failure = string(a.failure)
    }
}

extension Client {
    /// The present or last session; `nil` before the first.
    public var session: Session? {
        core.handle.flatMap { epode_client_session($0) }.map(Session.init)
    }
}
