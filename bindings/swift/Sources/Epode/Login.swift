import CEpode

// What the C client is made with, and what it asks while it logs in.
extension Core {
    static func at(_ user: UnsafeMutableRawPointer?) -> Core {
        Unmanaged<Core>.fromOpaque(user!).takeUnretainedValue()
    }

    /// Makes the C client, which holds this object until it is freed.
    func open() throws -> OpaquePointer {
        let strings = CStrings()
        var cOptions = cepode_options()
        try fill(&cOptions, strings)
        cOptions.on_password = options.onPassword == nil ? nil : { _, why, user in Core.at(user).passwordAsked(why) }
        cOptions.on_task = options.onTask == nil ? nil : { _, task, user in Core.at(user).taskAsked(task) }
        if options.onLog != nil {
            cOptions.on_log = { level, area, line, user in
                Core.at(user).options.onLog?(
                    LogLevel(rawValue: level) ?? .info, string(area) ?? "", string(line) ?? "")
            }
        }
        let held = Unmanaged.passRetained(self)
        cOptions.user = held.toOpaque()
        cOptions.user_destroy = { user in Unmanaged<Core>.fromOpaque(user!).release() }
        var client: OpaquePointer?
        do {
            try withExtendedLifetime(strings) { try withWhy { epode_client_new(&client, &cOptions, $0, $1) } }
        } catch {
            held.release()
            throw error
        }
        return client!
    }

    private func fill(_ cOptions: inout epode_options, _ strings: CStrings) throws {
        cOptions.jid = try strings.add(options.jid)
        cOptions.password = try strings.add(options.password)
        cOptions.store_path = try strings.add(options.storePath)
        cOptions.tag = try strings.add(options.tag)
        cOptions.software = try strings.add(options.software)
        cOptions.device = try strings.add(options.device)
        cOptions.host = try strings.add(options.host)
        cOptions.port = options.port
        cOptions.ca_file = try strings.add(options.caFile)
        cOptions.dns_server = try strings.add(options.dnsServer)
        cOptions.tls = options.tls.rawValue
        cOptions.flags = options.flags.rawValue
        cOptions.connect_timeout_ms = options.connectTimeout.milliseconds
        cOptions.max_stanza_bytes = options.maxStanzaBytes
        cOptions.log_level = options.logLevel?.rawValue ?? 0
        cOptions.first_sync_messages = options.firstSyncMessages
        cOptions.first_sync_days = options.firstSyncDays
        cOptions.client_cert_file = try strings.add(options.clientCertFile)
        cOptions.client_key_file = try strings.add(options.clientKeyFile)
        cOptions.oauth_token = try strings.add(options.oauthToken)
        // not mapped: epode_options.on_event (events are pulled)
        cOptions.keepalive_s = UInt32(clamping: (UInt64(options.keepalive.milliseconds) + 999) / 1000)
    }

    // --- questions: a later one takes the place of an earlier one

    private func passwordAsked(_ why: epode_ask) {
        guard let ask = options.onPassword else { return }
        let why = Ask(rawValue: why.rawValue) ?? .needed
        question { try await ask(why) } answer: { client, secret in
            let strings = CStrings()
            var kind = EPODE_SECRET_PASSWORD
            var text: String?
            switch secret {
            case .password(let password): text = password
            case .oauth(let token): (kind, text) = (EPODE_SECRET_OAUTH, token)
            case nil: break
            }
            // A secret that cannot be one is none.
            epode_client_answer_password(client, kind, try? strings.add(text))
        }
    }

    private func taskAsked(_ task: OpaquePointer?) {
        guard let task, let ask = options.onTask else { return }
        let value = LoginTask(
            names: (0..<epode_task_count(task)).compactMap { string(epode_task_name_at(task, $0)) },
            current: string(epode_task_current(task)), text: string(epode_task_text(task)),
            xml: string(epode_task_xml(task)))
        question { try await ask(value) } answer: { client, answer in
            // Without an answer, or with one that the task does not know, the login ends.
            if answer.map({ Core.answer($0, client) }) != EPODE_OK { epode_client_cancel_task(client) }
        }
    }

    private static func answer(_ answer: TaskAnswer, _ client: OpaquePointer) -> epode_status {
        let strings = CStrings()
        guard let texts = try? strings.add([answer.name ?? "", answer.xml ?? ""]) else { return EPODE_EINVAL }
        return epode_client_answer_task(
            client, answer.name == nil ? nil : texts[0], answer.xml == nil ? nil : texts[1])
    }

    private func question<Answer: Sendable>(
        _ ask: @escaping @Sendable () async throws -> Answer?,
        answer: @escaping @Sendable (OpaquePointer, Answer?) -> Void
    ) {
        asking?.cancel()
        asked += 1
        let number = asked
        asking = Task {
            let found = try? await ask()
            self.queue.async {
                guard let handle = self.handle, number == self.asked else { return }
                answer(handle, found)
                self.turn()
            }
        }
    }
}
