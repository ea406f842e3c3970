import CEpode

/// What went wrong, as ``EpodeError/code``. The cases are those of `epode_status`, with its values.
public enum Status: Int32, Sendable, CaseIterable {
    /// An argument is wrong; nothing was changed.
    case invalid = -1  // EPODE_EINVAL
    /// An allocation failed.
    case noMemory = -2  // EPODE_ENOMEM
    /// Not possible in this state.
    case state = -3  // EPODE_ESTATE
    /// The application asked for it.
    case cancelled = -4  // EPODE_ECANCELLED
    /// A deadline passed.
    case timeout = -5  // EPODE_ETIMEOUT
    /// The name could not be resolved.
    case dns = -10  // EPODE_EDNS
    /// No address accepted a connection, or it was cut.
    case connect = -11  // EPODE_ECONNECT
    /// TLS could not be set up.
    case tls = -12  // EPODE_ETLS
    /// The certificate is not valid for the JID's domain.
    case certificate = -13  // EPODE_ECERT
    /// The proxy refused.
    case proxy = -14  // EPODE_EPROXY
    /// Another process owns this store.
    case busy = -15  // EPODE_EBUSY
    /// The credentials were refused.
    case auth = -20  // EPODE_EAUTH
    /// The server offers less security than it did before.
    case downgrade = -21  // EPODE_EDOWNGRADE
    /// No resource could be bound.
    case bind = -22  // EPODE_EBIND
    /// Another connection took this session's place.
    case conflict = -23  // EPODE_ECONFLICT
    /// The server ended the stream with an error.
    case stream = -30  // EPODE_ESTREAM
    /// The peer broke the protocol.
    case proto = -31  // EPODE_EPROTO
    /// A limit of size, depth or number was passed.
    case limit = -32  // EPODE_ELIMIT
    /// A stanza was answered by an error.
    case stanza = -33  // EPODE_ESTANZA
    /// The store failed: see the native code.
    case store = -40  // EPODE_ESTORE
    /// The file is damaged, or not an epode store.
    case storeCorrupt = -41  // EPODE_ESTORE_CORRUPT
    /// The file was written by a newer version.
    case storeNewer = -42  // EPODE_ESTORE_NEWER
    /// No space left for the store.
    case storeFull = -43  // EPODE_ESTORE_FULL

    /// One line for people.
    public var meaning: String {
        switch self {
        case .invalid: "an argument is wrong; nothing was changed"
        case .noMemory: "an allocation failed"
        case .state: "not possible in this state"
        case .cancelled: "the application asked for it"
        case .timeout: "a deadline passed"
        case .dns: "the name could not be resolved"
        case .connect: "no address accepted a connection, or it was cut"
        case .tls: "TLS could not be set up"
        case .certificate: "the certificate is not valid for the JID's domain"
        case .proxy: "the proxy refused"
        case .busy: "another process owns this store"
        case .auth: "the credentials were refused"
        case .downgrade: "the server offers less security than it did before"
        case .bind: "no resource could be bound"
        case .conflict: "another connection took this session's place"
        case .stream: "the server ended the stream with an error"
        case .proto: "the peer broke the protocol"
        case .limit: "a limit of size, depth or number was passed"
        case .stanza: "a stanza was answered by an error"
        case .store: "the store failed: see the native code"
        case .storeCorrupt: "the file is damaged, or not an epode store"
        case .storeNewer: "the file was written by a newer version"
        case .storeFull: "no space left for the store"
        }
    }

    /// As the C header names it: `"EPODE_ECERT"`.
    public var name: String { String(cString: epode_status_name(epode_status(rawValue: rawValue))) }
}

/// What every call of this package throws, and what events carry (besides `CancellationError`, of a task that was
/// cancelled).
public struct EpodeError: Error, Sendable, Hashable, CustomStringConvertible {
    public let code: Status
    /// One line for people, without user data or secrets.
    public let text: String
    /// The defined condition of RFC 6120 (4.9.3, 6.5, 8.3.3), as `"not-authorized"`.
    public let condition: String?
    /// Of the part that failed: errno, OpenSSL, SQLite, c-ares; 0 where there is none.
    public let native: Int
    /// Trying again cannot help without a change by the application or the user.
    public let isFinal: Bool

    public var description: String {
        "\(text) (\(code.name)\(condition.map { ", " + $0 } ?? ""))"
    }

    init(_ code: Status, _ text: String? = nil, condition: String? = nil) {
        self.code = code
        self.text = text ?? code.meaning
        self.condition = condition
        native = 0
        isFinal = false
    }

    /// Of the status of a call that failed.
    init(_ status: epode_status, _ text: String? = nil) {
        self.init(Status(rawValue: status.rawValue) ?? .state, text)
    }

    /// Copies what the library tells; `nil`: nothing is wrong.
    init?(_ error: OpaquePointer?) {
        guard let error else { return nil }
        let status = epode_error_status(error)
        guard status.rawValue < 0 else { return nil }
        code = Status(rawValue: status.rawValue) ?? .state
        text = String(cString: epode_error_text(error))
        condition = string(epode_error_condition(error))
        native = epode_error_native(error)
        isFinal = epode_error_is_final(error)
    }
}

/// Throws what failed; what is positive is told to the caller.
@discardableResult
func check(_ status: epode_status, _ what: @autoclosure () -> String? = nil) throws -> epode_status {
    guard status.rawValue < 0 else { return status }
    throw EpodeError(status, what())
}
