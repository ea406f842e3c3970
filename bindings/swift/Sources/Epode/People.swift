import CEpode

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One resource that is there. `epode_presence`.
public struct Presence: Sendable, Hashable {
    /// Full; bare where it has no resource.
    public let jid: String
    public let show: Show
    public let status: String?
    public let priority: Int
    /// Nobody touched it since (XEP-0319).
    public let idleSince: Date?
    /// It is of this time (XEP-0203); `nil`: of when it came.
    public let stamp: Date?
    /// SHA-1 of the avatar in its vCard (XEP-0153); "": it has none; `nil`: not said.
    public let photo: String?
    /// Names its software (XEP-0115).
    public let capsNode: String?

    init(_ p: epode_presence) {
        jid = string(p.jid) ?? ""
        show = Show(rawValue: p.show.rawValue) ?? .online
        status = string(p.status)
        priority = Int(p.priority)
        idleSince = date(p.idle_ms)
        stamp = date(p.stamp_ms)
        photo = string(p.photo)
        capsNode = string(p.caps_node)
    }
}

extension Client {
    // --- the roster

    public func roster() async throws -> [Contact] { try await store.roster() }

    /// Adds a contact, or gives it another name and other groups; returns when the server has done so.
    public func setContact(_ jid: String, name: String? = nil, groups: [String] = []) async throws {
        try await request(read: Answer.nothing) { client, strings, done, user, id in
            epode_roster_set(
                client, try strings.add(jid), try strings.add(name), try strings.add(groups), groups.count, done, user, id)
        }
    }

    /// Takes a contact out of the roster, which ends both subscriptions.
    public func removeContact(_ jid: String) async throws {
        try await request(read: Answer.nothing) { client, strings, done, user, id in
            epode_roster_remove(client, try strings.add(jid), done, user, id)
        }
    }

    /// Asks for a subscription, approves or ends one.
    public func subscription(_ step: SubscriptionStep, _ jid: String) throws {
        try call {
            epode_roster_subscription($0, try $1.add(jid), epode_subscription_step(rawValue: step.rawValue))
        }
    }

    // --- presence

    /// Our own: told now, or when there is a session, and again in each new one, by later processes too.
    public func setPresence(_ show: Show, status: String? = nil, priority: Int8 = 0) throws {
        try call {
            epode_presence_set($0, epode_show(rawValue: show.rawValue), try $1.add(status), Int32(priority))
        }
    }

    /// Our own, as it was set last.
    public func ownPresence() throws -> (show: Show, status: String?, priority: Int) {
        var status: UnsafePointer<CChar>?
        var priority: Int32 = 0
        let show = epode_presence_own(try core.client(), &status, &priority)
        return (Show(rawValue: show.rawValue) ?? .online, string(status), Int(priority))
    }

    /// To one JID alone, which need not be a contact; ``Show/offline`` withdraws it.
    public func sendPresence(to jid: String, _ show: Show, status: String? = nil) throws {
        try call {
            epode_presence_send_to($0, try $1.add(jid), epode_show(rawValue: show.rawValue), try $1.add(status))
        }
    }

    /// The resources of a bare JID that are there, the highest priority first.
    public func presence(of jid: String) throws -> [Presence] {
        let strings = CStrings()
        let (client, jid) = (try core.client(), try strings.add(jid))
        return withExtendedLifetime(strings) {
            (0..<epode_presence_count(client, jid)).compactMap { i in
                epode_presence_at(client, jid, i).map { Presence($0.pointee) }
            }
        }
    }

    /// Every resource of everybody.
    public func presences() throws -> [Presence] {
        let all = Box<[Presence]>([])
        let client = try core.client()
        _ = try all.fill {
            epode_presence_each(
                client,
                { p, user in
                    Box<[Presence]>.at(user).value.append(Presence(p!.pointee))
                    return true
                }, $0)
            return EPODE_OK
        }
        return all.value
    }

    /// Whether the software behind a full JID that is there has a feature (XEP-0030); `nil`: it is being asked, and
    /// ``Event/caps(peer:from:)`` follows.
    public func contact(_ jid: String, has feature: String) throws -> Bool? {
        Client.answer(try call { epode_contact_has($0, try $1.add(jid), try $1.add(feature)) })
    }

    /// What the server can do; `nil`: not known yet.
    public func serverHas(_ feature: String) throws -> Bool? {
        Client.answer(try call { epode_client_server_has($0, try $1.add(feature)) })
    }

    /// What the account itself can do; `nil`: not known yet.
    public func accountHas(_ feature: String) throws -> Bool? {
        Client.answer(try call { epode_client_account_has($0, try $1.add(feature)) })
    }

    private static func answer(_ status: epode_status) -> Bool? {
        switch status {
        case EPODE_OK: true
        case EPODE_DONE: false
        case EPODE_AGAIN: nil
        default: nil
        }
    }

    /// Tells a peer how we are with the conversation (XEP-0085), where it is known to understand. False: nothing was sent for
    /// that.
    @discardableResult
    public func sendChatState(_ state: ChatState, to jid: String) throws -> Bool {
        try call { epode_chat_state_send($0, try $1.add(jid), epode_chat_state(rawValue: state.rawValue)) } == EPODE_OK
    }

    // --- blocking

    /// Blocks JIDs: a whole domain, an account, or one resource.
    public func block(_ jids: [String]) async throws {
        try await request(read: Answer.nothing) { client, strings, done, user, id in
            epode_block(client, try strings.add(jids), jids.count, done, user, id)
        }
    }

    /// The way back; an empty list is refused, since it means everybody: ``unblockAll()``.
    public func unblock(_ jids: [String]) async throws {
        guard !jids.isEmpty else { throw EpodeError(.invalid, "nobody to be unblocked") }
        try await unblocking(jids)
    }

    public func unblockAll() async throws { try await unblocking([]) }

    private func unblocking(_ jids: [String]) async throws {
        try await request(read: Answer.nothing) { client, strings, done, user, id in
            epode_unblock(client, try strings.add(jids), jids.count, done, user, id)
        }
    }

    public func blocked() async throws -> [String] { try await store.blocked() }
    public func isBlocked(_ jid: String) async throws -> Bool { try await store.isBlocked(jid) }
}
