import CEpode

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Name and version of somebody's software (XEP-0092). `epode_software`.
public struct Software: Sendable, Hashable {
    public let name, version, os: String?
}

/// What belongs to somebody (XEP-0030, 4). `epode_item`.
public struct Item: Sendable, Hashable {
    public let jid: String
    public let node, name: String?
}

/// A place to put a file (XEP-0363). `epode_upload`.
public struct UploadSlot: Sendable, Hashable {
    public let put, get: String
    /// To be sent with the PUT.
    public let headers: [Header]
    public let service: String?
    /// Of a file, as the service says.
    public let maxBytes: UInt64?

    public struct Header: Sendable, Hashable {
        public let name, value: String
    }
}

/// Why there is no slot: beside the error, what the service said about it.
public struct UploadError: Error, Sendable, Hashable {
    public let error: EpodeError
    public let service: String?
    public let maxBytes: UInt64?
    /// When it may be tried again.
    public let retry: Date?
}

extension Client {
    /// Whether somebody answers (XEP-0199): a full JID, a server, or `nil` for our own server. An error as an answer is
    /// thrown as ``Status/stanza``.
    public func ping(_ jid: String? = nil) async throws {
        try await request(read: Answer.nothing) { client, strings, done, user, id in
            epode_ping(client, try strings.add(jid), done, user, id)
        }
    }

    /// `nil`: the answer has none. `jid` `nil`: our own server.
    public func version(of jid: String? = nil) async throws -> Software? {
        try await request(read: Answer.software) { client, strings, done, user, id in
            epode_version_ask(client, try strings.add(jid), done, user, id)
        } ?? nil
    }

    /// What time it is there (XEP-0202), and how far local time is ahead of UTC; `nil`: the answer has none. `jid` `nil`: our
    /// own server.
    public func time(of jid: String? = nil) async throws -> (utc: Date, offset: Duration)? {
        try await request(read: Answer.time) { client, strings, done, user, id in
            epode_time_ask(client, try strings.add(jid), done, user, id)
        } ?? nil
    }

    /// How long ago somebody was there (XEP-0012): a full JID, since when its user has not looked; a bare one, since when no
    /// device of it is there; a server, or `nil` for our own: since it started.
    public func lastActivity(of jid: String? = nil) async throws -> Duration? {
        try await request(read: Answer.lastActivity) { client, strings, done, user, id in
            epode_last_activity_ask(client, try strings.add(jid), done, user, id)
        } ?? nil
    }

    /// Services of a server, rooms of a service.
    public func items(of jid: String? = nil, node: String? = nil) async throws -> [Item] {
        try await request(read: Answer.items) { client, strings, done, user, id in
            epode_items_ask(client, try strings.add(jid), try strings.add(node), done, user, id)
        } ?? []
    }

    /// Has the account's server notify this push service of what comes while no device takes it (XEP-0357), until it is
    /// disabled. `fields`: of its publish-options form.
    public func enablePush(_ service: String, node: String? = nil, fields: [(name: String, value: String)] = []) async throws {
        try await request(read: Answer.nothing) { client, strings, done, user, id in
            epode_push_enable(
                client, try strings.add(service), try strings.add(node), try strings.add(fields.map(\.name)),
                try strings.add(fields.map(\.value)), fields.count, done, user, id)
        }
    }

    /// `node` `nil`: everything that was enabled for that service.
    public func disablePush(_ service: String, node: String? = nil) async throws {
        try await request(read: Answer.nothing) { client, strings, done, user, id in
            epode_push_disable(client, try strings.add(service), try strings.add(node), done, user, id)
        }
    }

    /// Asks for a place to put a file. Throws ``UploadError`` where the service refuses.
    public func uploadSlot(name: String, bytes: UInt64, type: String? = nil) async throws -> UploadSlot {
        try await withCheckedThrowingContinuation { continuation in
            let waiting = Unmanaged.passRetained(Reply(core, continuation))
            do {
                try call {
                    epode_upload_slot(
                        $0, try $1.add(name), bytes, try $1.add(type),
                        { _, upload, user in
                            Reply<UploadSlot>.take(user).resume(with: Result { try UploadSlot(upload!) })
                        }, waiting.toOpaque())
                }
            } catch {
                waiting.release()
                continuation.resume(throwing: error)
            }
        }
    }

    // --- several resources on one stream (XEP-0193)

    /// What is bound: full JIDs, the oldest first, which is the default.
    public func resources() throws -> [String] {
        let client = try core.client()
        return (0..<epode_resource_count(client)).compactMap { string(epode_resource_at(client, $0)) }
    }

    /// Binds another resource (`nil`: the server chooses its name) and returns its full JID. Why it cannot be done now is the
    /// error's condition: "not-ready", "not-offered", "stream-management", "bound".
    @discardableResult
    public func bind(resource: String? = nil) async throws -> String {
        try await self.resource { client, strings, done, user, why in
            epode_resource_bind(client, try strings.add(resource), done, user, &why)
        }
    }

    /// Unbinds one. After the last one the stream ends, and the client is stopped.
    @discardableResult
    public func unbind(resource: String) async throws -> String {
        try await self.resource { client, strings, done, user, why in
            epode_resource_unbind(client, try strings.add(resource), done, user, &why)
        }
    }

    private typealias ResourceDone = @convention(c) (
        OpaquePointer?, UnsafePointer<epode_resource_result>?, UnsafeMutableRawPointer?
    ) -> Void

    private func resource(
        _ ask: (OpaquePointer, CStrings, @escaping ResourceDone, UnsafeMutableRawPointer, inout UnsafePointer<CChar>?) throws -> epode_status
    ) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            let waiting = Unmanaged.passRetained(Reply(core, continuation))
            var why: UnsafePointer<CChar>?
            let done: ResourceDone = { _, result, user in
                let error = EpodeError(result!.pointee.error)
                let jid = string(result!.pointee.jid) ?? ""
                Reply<String>.take(user).resume(with: error.map { .failure($0) } ?? .success(jid))
            }
            do {
                try call { try ask($0, $1, done, waiting.toOpaque(), &why) }
            } catch {
                waiting.release()
                let token = string(why)
                let told = (error as? EpodeError).map { token == nil ? $0 : EpodeError($0.code, token, condition: token) }
                continuation.resume(throwing: told ?? error)
            }
        }
    }
}

/// Who waits for an outcome that is no iq's. Only on the client's queue.
private final class Reply<Value: Sendable> {
    private let core: Core
    private let continuation: CheckedContinuation<Value, any Error>

    init(_ core: Core, _ continuation: CheckedContinuation<Value, any Error>) {
        self.core = core
        self.continuation = continuation
        core.requests += 1
        Live.born()
    }

    deinit {
        core.requests -= 1
        Live.gone()
    }

    static func take(_ user: UnsafeMutableRawPointer?) -> CheckedContinuation<Value, any Error> {
        Unmanaged<Reply<Value>>.fromOpaque(user!).takeRetainedValue().continuation
    }
}

extension Answer {
    static func software(_ answer: UnsafePointer<epode_iq_answer>) throws -> Software? {
        let found = Box<Software?>(nil)
        _ = try found.fill {
            epode_iq_software(
                answer,
                { s, user in
                    let s = s!.pointee
                    Box<Software?>.at(user).value = Software(name: string(s.name), version: string(s.version), os: string(s.os))
                }, $0)
        }
        return found.value
    }

    static func time(_ answer: UnsafePointer<epode_iq_answer>) throws -> (utc: Date, offset: Duration)? {
        var (ms, minutes): (Int64, Int32) = (0, 0)
        guard try Epode.check(epode_iq_time(answer, &ms, &minutes)) == EPODE_OK else { return nil }
        return (Date(timeIntervalSince1970: Double(ms) / 1000), .seconds(Int64(minutes) * 60))
    }

    static func lastActivity(_ answer: UnsafePointer<epode_iq_answer>) throws -> Duration? {
        var seconds: UInt64 = 0
        guard try Epode.check(epode_iq_last_activity(answer, &seconds)) == EPODE_OK else { return nil }
        return .seconds(Int64(clamping: seconds))
    }

    static func items(_ answer: UnsafePointer<epode_iq_answer>) throws -> [Item] {
        let all = Box<[Item]>([])
        _ = try all.fill {
            epode_iq_items(
                answer,
                { i, user in
                    let i = i!.pointee
                    Box<[Item]>.at(user).value.append(
                        Item(jid: string(i.jid) ?? "", node: string(i.node), name: string(i.name)))
                    return true
                }, $0)
        }
        return all.value
    }
}

extension UploadSlot {
    init(_ upload: UnsafePointer<epode_upload>) throws {
        let u = upload.pointee
        let max = u.max_bytes == 0 ? nil : u.max_bytes
        if let error = EpodeError(u.error) {
            throw UploadError(error: error, service: string(u.service), maxBytes: max, retry: date(u.retry_ms))
        }
        put = string(u.put_url) ?? ""
        get = string(u.get_url) ?? ""
        service = string(u.service)
        maxBytes = max
        headers = (0..<u.header_count).compactMap { i in
            var (name, value): (UnsafePointer<CChar>?, UnsafePointer<CChar>?)
            guard epode_upload_header(upload, i, &name, &value) else { return nil }
            return Header(name: string(name) ?? "", value: string(value) ?? "")
        }
    }
}
