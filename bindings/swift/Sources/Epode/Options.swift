/// Everything a ``Client`` is made with. Only the JID is required; zero and `nil` are the defaults, which are told in
/// `epode/client.h`.
public struct Options: Sendable {
    /// Bare; a full one asks for its resource on servers without Bind 2.
    public var jid: String
    /// `nil`: only what is remembered, a certificate, or what ``onPassword`` gives can log in.
    public var password: String?
    /// `nil`: in memory, forgotten with the client.
    public var storePath: String?
    /// Names the software in the resource (Bind 2); nothing private.
    public var tag: String?
    /// Shown to the account's owner by the server.
    public var software: String?
    public var device: String?
    /// A name or address in place of discovery; the certificate stays the domain's.
    public var host: String?
    public var port: UInt16 = 0
    /// PEM file of trusted authorities; `nil`: the system's.
    public var caFile: String?
    /// "ADDR", "ADDR:PORT", "[v6]:PORT".
    public var dnsServer: String?
    public var tls = TLS.auto
    public var flags: Flags = []
    /// One deadline for a whole connect, every retry of it included; zero: 30 s.
    public var connectTimeout = Duration.zero
    /// Larger stanzas end the stream; 0: 4 MiB, with ``Flags/lowMemory`` 256 KiB.
    public var maxStanzaBytes: UInt32 = 0
    public var logLevel: LogLevel?
    /// How many messages a first login gets, and of each room; 0: 1000; `UInt32.max`: all.
    public var firstSyncMessages: UInt32 = 0
    /// How old they may be; 0: any age.
    public var firstSyncDays: UInt32 = 0
    /// A certificate of the client's for EXTERNAL, PEM, with its chain, and its key.
    public var clientCertFile: String?
    public var clientKeyFile: String?
    /// A bearer token for OAUTHBEARER (RFC 7628).
    public var oauthToken: String?
    /// Zero: nothing is sent to keep an idle session alive but what the server asks for.
    public var keepalive = Duration.zero

    /// A password or an OAuth token is needed, after token and keys have failed or where there are none. It may take its
    /// time: the connect's deadline stands still meanwhile. `nil`, or an error thrown: there is none, and the client stops
    /// with ``Status/cancelled``. Its task is cancelled when the question is over.
    public var onPassword: (@Sendable (Ask) async throws -> Secret?)?
    /// The server wants something besides (XEP-0388), as a second factor. The rules are those of ``onPassword``.
    public var onTask: (@Sendable (LoginTask) async throws -> TaskAnswer?)?
    /// On the client's queue, which waits for it.
    public var onLog: (@Sendable (LogLevel, _ area: String, _ line: String) -> Void)?

    public init(jid: String, password: String? = nil, storePath: String? = nil) {
        self.jid = jid
        self.password = password
        self.storePath = storePath
    }

    /// `EPODE_TLS_*`.
    public enum TLS: UInt32, Sendable {
        /// As SRV records say (RFC 6120 section 3.2, XEP-0368).
        case auto = 0  // EPODE_TLS_AUTO
        case direct = 1  // EPODE_TLS_DIRECT
        case starttls = 2  // EPODE_TLS_STARTTLS
    }

    /// The flags of `epode_options`.
    public struct Flags: OptionSet, Sendable, Hashable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// The password may be sent inside TLS where nothing better is offered.
        public static let allowPlain = Flags(rawValue: 1 << 0)  // EPODE_ALLOW_PLAIN
        /// Guess nothing from memory, use and ask for no token.
        public static let noFastPath = Flags(rawValue: 1 << 1)  // EPODE_NO_FAST_PATH
        /// Begin in client state "inactive" (XEP-0352).
        public static let startInactive = Flags(rawValue: 1 << 2)  // EPODE_START_INACTIVE
        public static let noCarbons = Flags(rawValue: 1 << 3)  // EPODE_NO_CARBONS
        /// No stream management (XEP-0198).
        public static let noSm = Flags(rawValue: 1 << 4)  // EPODE_NO_SM
        /// Send no presence by itself when ready.
        public static let noPresence = Flags(rawValue: 1 << 5)  // EPODE_NO_PRESENCE
        /// An ``Event/stanza(_:)`` for every stanza.
        public static let rawStanzas = Flags(rawValue: 1 << 6)  // EPODE_RAW_STANZAS
        /// After a failure: offline for good, until started again.
        public static let noReconnect = Flags(rawValue: 1 << 7)  // EPODE_NO_RECONNECT
        /// Ask no archive; what comes live is stored.
        public static let noSync = Flags(rawValue: 1 << 8)  // EPODE_NO_SYNC
        /// Log in and bind as RFC 6120 has it, whatever else is offered.
        public static let noSasl2 = Flags(rawValue: 1 << 9)  // EPODE_NO_SASL2
        /// Send nothing with TLS's ClientHello (RFC 8446, 2.3).
        public static let noEarlyData = Flags(rawValue: 1 << 10)  // EPODE_NO_EARLY_DATA
        public static let noRoster = Flags(rawValue: 1 << 11)  // EPODE_NO_ROSTER
        /// Receipts (XEP-0184) to nobody.
        public static let noReceipts = Flags(rawValue: 1 << 12)  // EPODE_NO_RECEIPTS
        /// Receipts to strangers too.
        public static let receiptsToAll = Flags(rawValue: 1 << 13)  // EPODE_RECEIPTS_TO_ALL
        public static let noSearch = Flags(rawValue: 1 << 14)  // EPODE_NO_SEARCH
        /// No stream management, so that more resources can be bound.
        public static let multiResource = Flags(rawValue: 1 << 15)  // EPODE_MULTI_RESOURCE
        /// Ask for the block list in each session.
        public static let blockList = Flags(rawValue: 1 << 16)  // EPODE_BLOCK_LIST
        /// Join no room for its bookmark.
        public static let noAutojoin = Flags(rawValue: 1 << 17)  // EPODE_NO_AUTOJOIN
        /// Read no bookmarks at all.
        public static let noBookmarks = Flags(rawValue: 1 << 18)  // EPODE_NO_BOOKMARKS
        /// For extensions and services that the system gives little memory; a long catch-up costs more time.
        public static let lowMemory = Flags(rawValue: 1 << 19)  // EPODE_LOW_MEMORY
    }
}

extension Options: CustomStringConvertible, CustomReflectable {
    /// Without the secrets, which are in no description, `dump()` or debugger's summary either.
    public var description: String { "Options(\(jid))" }
    public var customMirror: Mirror { Mirror(self, children: ["jid": jid]) }
}

/// The answer to ``Options/onPassword``.
public enum Secret: Sendable, CustomStringConvertible, CustomReflectable {
    case password(String)
    /// A bearer token, for OAUTHBEARER (RFC 7628).
    case oauth(String)

    public var description: String { "Secret" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// What a server wants behind a login (XEP-0388, 2.6.3).
public struct LoginTask: Sendable {
    /// To choose from; empty where the one under way goes on.
    public let names: [String]
    /// The task under way; `nil`: to be chosen.
    public let current: String?
    /// The server's, for people.
    public let text: String?
    /// What `<task-data/>` held.
    public let xml: String?
}

/// The answer to ``Options/onTask``: the chosen task (`nil`: the one under way), and its data as one element.
public struct TaskAnswer: Sendable, CustomStringConvertible, CustomReflectable {
    public var name: String?
    public var xml: String?

    public init(name: String? = nil, xml: String? = nil) {
        self.name = name
        self.xml = xml
    }

    /// The data may be a second factor's code.
    public var description: String { "TaskAnswer(\(name ?? "going on"))" }
    public var customMirror: Mirror { Mirror(self, children: ["name": name as Any]) }
}
