/* Every feature and fault of the server, as rows: symbol, name, kind, default, meaning. */
#ifndef SRV_OPTIONS_H
#define SRV_OPTIONS_H

#include "buf.h"

/*
 * Kinds: BOOL "on"/"off"; INT a number; TEXT anything, "off" or "" is empty; TIMES is a fault that
 * happens always ("on"), never ("off") or the next N times ("N").
 */
#define SRV_FEATURES(X)                                                                            \
    X(SASL1, "sasl1", BOOL, "on", "RFC 6120 SASL")                                                 \
    X(SASL2, "sasl2", BOOL, "on", "XEP-0388")                                                      \
    X(SASL2_NEEDS_FROM, "sasl2-needs-from", BOOL, "off", "SASL2 only if the header has from")      \
    X(BIND2, "bind2", BOOL, "on", "XEP-0386 inline in SASL2")                                      \
    X(BIND1, "bind1", BOOL, "on", "RFC 6120 resource binding")                                     \
    X(SESSION, "session", BOOL, "on", "RFC 3921 session, optional")                                \
    X(FAST, "fast", BOOL, "on", "XEP-0484")                                                        \
    X(SM, "sm", BOOL, "on", "XEP-0198")                                                            \
    X(SM_INLINE, "sm-inline", BOOL, "on", "resumption in SASL2, enabling in Bind 2")               \
    X(SM_RESUME, "sm-resume", BOOL, "on", "sessions can be resumed")                               \
    X(SM_MAX, "sm-max", INT, "600", "seconds a session waits for its resumption")                  \
    X(SM_FAILED_H, "sm-failed-h", BOOL, "on", "h in <failed/> where the session was known")        \
    X(SM_REQUESTS, "sm-requests", BOOL, "on", "<r/> after stanzas")                                \
    X(RESUME_FEATURES, "resume-features", BOOL, "on", "features after a resumption in SASL2")      \
    X(CSI, "csi", BOOL, "on", "XEP-0352")                                                          \
    X(CSI_INLINE, "csi-inline", BOOL, "on", "CSI in Bind 2's inline list")                         \
    X(CARBONS, "carbons", BOOL, "on", "XEP-0280")                                                  \
    X(CARBONS_INLINE, "carbons-inline", BOOL, "on", "carbons in Bind 2's inline list")             \
    X(CARBONS_ENABLED, "carbons-enabled", BOOL, "off", "answer inline carbons with <enabled/>")    \
    X(CB_LIST, "cb-list", BOOL, "on", "XEP-0440 <sasl-channel-binding/>")                          \
    X(CB_TYPES, "cb-types", TEXT, "tls-exporter tls-server-end-point", "channel-binding types")    \
    X(MECHANISMS, "mechanisms", TEXT,                                                              \
      "SCRAM-SHA-512-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS "                                    \
      "SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1 PLAIN", "SASL mechanisms, in order")                \
    X(FAST_MECHANISMS, "fast-mechanisms", TEXT,                                                    \
      "HT-SHA-512-EXPR HT-SHA-512-ENDP HT-SHA-512-UNIQ HT-SHA-512-NONE "                           \
      "HT-SHA-256-EXPR HT-SHA-256-ENDP HT-SHA-256-UNIQ HT-SHA-256-NONE", "FAST mechanisms")        \
    X(UNIQ_ALWAYS, "uniq-always", BOOL, "off", "offer -UNIQ under TLS 1.3 too, as ejabberd does")  \
    X(TLS_0RTT, "tls-0rtt", BOOL, "off", "FAST in early data")                                     \
    X(TOKEN_SECONDS, "token-seconds", INT, "1814400", "a token's life (21 days)")                  \
    X(TOKEN_ROTATION, "token-rotation", TEXT, "half", "always, half or never")                     \
    X(SCRAM_ITERATIONS, "scram-iterations", INT, "4096", "of PBKDF2")                              \
    X(SCRAM_EXTRA, "scram-extra", TEXT, "", "extra attributes of server-first, e.g. x=1")          \
    X(SCRAM_HASH, "scram-downgrade-hash", BOOL, "off", "XEP-0474 h= in server-first")              \
    X(UPGRADES, "upgrades", TEXT, "", "XEP-0480: SCRAM mechanisms that a user has after an upgrade only") \
    X(SECOND_FACTOR, "second-factor", TEXT, "",                                                    \
      "code asked for by a SASL2 task, TOTP-EXAMPLE, where no token was used")                     \
    X(OAUTH_TOKEN, "oauth-token", TEXT, "", "what OAUTHBEARER takes for anybody")                  \
    X(SM_LOCATION, "sm-location", TEXT, "", "location in <enabled/>")                              \
    X(METADATA, "metadata", BOOL, "on", "MAM <metadata/> in <bound/> and by iq")                   \
    X(ACCOUNT_MAM, "account-mam", BOOL, "on", "account's disco#info has urn:xmpp:mam:2")           \
    X(ACCOUNT_SID, "account-sid", BOOL, "on", "account's disco#info has urn:xmpp:sid:0")           \
    X(STANZA_ID, "stanza-id", BOOL, "on", "live messages carry the archive's id")                  \
    X(STRIP_STANZA_ID, "strip-stanza-id", BOOL, "on", "forged ids in our name are removed")        \
    X(SENT_CARBON_ID, "sent-carbon-id", BOOL, "on", "sent carbons carry the owner's stanza-id")    \
    X(MAM_EXTENDED, "mam-extended", BOOL, "on", "before-id, after-id, ids, flip-page, metadata")   \
    X(MAM_PAGE, "mam-page", INT, "20", "results of a query that names no max")                     \
    X(MAM_PAGE_MAX, "mam-page-max", INT, "50", "results of any query at most")                     \
    X(MAM_COUNT, "mam-count", BOOL, "on", "count and index in <set/>")                             \
    X(MAM_COMPLETE_FALSE, "mam-complete-false", BOOL, "off", "complete='false' is written out")    \
    X(MAM_FROM, "mam-from", BOOL, "off", "results carry from, the account's bare JID")             \
    X(MAM_INNER_ID, "mam-inner-id", BOOL, "off", "archived messages carry their stanza-id")        \
    X(MAM_UNKNOWN_FIELDS, "mam-unknown-fields", TEXT, "feature-not-implemented",                   \
      "condition for form fields that nobody knows; off: they are ignored")                        \
    X(MAM_GROUPCHAT_FIELD, "mam-groupchat-field", BOOL, "on", "include-groupchat is understood")   \
    X(MAM_STOPS_OFFLINE, "mam-stops-offline", BOOL, "off",                                         \
      "a MAM query before presence keeps offline messages back, as Prosody does")                  \
    X(ARCHIVE_EVERYTHING, "archive-everything", BOOL, "off", "chat states, receipts, headlines too") \
    X(ARCHIVE_GROUPCHAT, "archive-groupchat", BOOL, "off", "users' archives hold groupchat too")   \
    X(PUSH, "push", BOOL, "on", "XEP-0357: registrations are kept, nobody is notified")            \
    X(UPLOAD, "upload", BOOL, "on", "XEP-0363 at upload.DOMAIN: slots, and no web server")         \
    X(UPLOAD_MAX, "upload-max", INT, "1000000", "bytes of a file at most, 0: any")                 \
    X(UPLOAD_SILENT, "upload-silent", BOOL, "off", "that is not said in disco#info")               \
    X(BLOCKING, "blocking", BOOL, "on", "XEP-0191")                                                \
    X(PEP, "pep", BOOL, "on", "XEP-0163, for the account's own devices")                           \
    X(NOTIFY_ALL, "notify-all", BOOL, "off", "PEP events to all own devices, whatever their caps")  \
    X(MDS_ASSIST, "mds-assist", BOOL, "off", "XEP-0490 server assist")                             \
    X(ROOMS, "rooms", BOOL, "on", "XEP-0045 at rooms.DOMAIN; joining makes a room")                \
    X(ROOMS_ANONYMOUS, "rooms-anonymous", BOOL, "on", "occupants do not see JIDs")                 \
    X(ROOM_MAM, "room-mam", BOOL, "on", "rooms have archives for queries")                         \
    X(OCCUPANT_IDS, "occupant-ids", BOOL, "on", "XEP-0421")                                        \
    X(ROOM_SID, "room-sid", BOOL, "on", "what rooms reflect carries their stanza-id")              \
    X(ROOM_PASSWORD, "room-password", TEXT, "", "what every room asks for")                        \
    X(ROOM_IDS, "room-ids", BOOL, "on", "what rooms reflect keeps the id that its sender gave it")  \
    X(ROOM_HISTORY, "room-history", INT, "20", "messages sent on joining, if no less is asked for") \
    X(SELF_PING, "self-ping", BOOL, "on", "XEP-0410: rooms answer self-pings themselves")          \
    X(BIND2_DRAFT, "bind2-draft", BOOL, "off", "urn:xmpp:bind2:0, XEP-0386 before its 0.4")        \
    X(BIND2_UNREADS, "bind2-unreads", BOOL, "on", "<unreads/> in the draft's <bound/>")            \
    X(UNBIND, "unbind", BOOL, "off", "XEP-0193, several resources on one stream (without stream management)") \
    X(UNBIND_MAX, "unbind-max", INT, "5", "resources that one stream may have")                    \
    X(CONFIG_VERSION, "config-version", BOOL, "off", "XEP-0509")                                   \
    X(PIPELINING, "pipelining", BOOL, "off", "XEP-0305; bytes behind <starttls/> go to TLS")       \
    X(PROACTIVE, "proactive", BOOL, "off",                                                         \
      "XEP-0305, 5: header and features inside TLS before the client has said anything")           \
    X(LIMITS, "limits", BOOL, "on", "XEP-0478")                                                    \
    X(MAX_BYTES, "max-bytes", INT, "262144", "bytes per first-level element once authenticated")   \
    X(MAX_BYTES_UNAUTH, "max-bytes-unauth", INT, "65536", "the same before authentication")        \
    X(IDLE_SECONDS, "idle-seconds", INT, "840", "advertised; 0: not")                              \
    X(ROSTER_VERSION, "roster-version", BOOL, "on", "XEP-0237 <ver/>")                             \
    X(CAPS, "caps", BOOL, "on", "XEP-0115 <c/> in features")                                       \
    X(STARTTLS_REQUIRED, "starttls-required", BOOL, "on", "no authentication in clear")            \
    X(STRICT, "strict", BOOL, "off", "XEP-0388: anything else while authenticating disconnects")   \
    X(LENIENT_UNAUTH, "lenient-unauth", BOOL, "off",                                               \
      "stanzas before authentication get a stanza error each (Prosody), not a stream error")

#define SRV_FAULTS(X)                                                                              \
    X(UPLOAD_QUOTA, "upload-quota", TIMES, "off", "a slot is refused, to be tried again in 2030")  \
    X(UPLOAD_PLAIN, "upload-plain", TIMES, "off", "a slot that is not under HTTPS")                \
    X(NO_PIPELINING, "no-pipelining", TEXT, "off",                                                 \
      "drop, error or hang: what stands in the same read behind a stream header")                  \
    X(LEGACY_HANG, "legacy-hang", TIMES, "off",                                                    \
      "what stands in the same read behind a SASL1 auth or response is lost")                      \
    X(LEGACY_LATE, "legacy-late", TIMES, "off",                                                    \
      "it is taken, and the next read ends the stream, as Prosody does")                           \
    X(BIND_ALONE, "bind-alone", TIMES, "off",                                                      \
      "what stands in the same read behind RFC 6120's bind ends the stream, as in jabberd 2")      \
    X(ASKERS_NAME, "askers-name", TIMES, "off",                                                    \
      "an error about what names nobody comes by the asker's own full JID, as from jabberd 2")     \
    X(SILENT, "silent-after-header", TIMES, "off", "a header and then nothing")                    \
    X(STALL_AT, "stall-at", TEXT, "off", "CONN:BYTE, +N:BYTE or *:BYTE of output, then silence")   \
    X(CUT_AT, "cut-at", TEXT, "off", "the same, then a hard close")                                \
    X(DELAY, "delay-answers", INT, "0", "milliseconds that all output is held")                    \
    X(RECORD, "record-bytes", INT, "0", "bytes in a TLS record at most; 0: as they come")          \
    X(WRONG_SIGNATURE, "wrong-server-signature", TIMES, "off", "SCRAM v= is wrong")                \
    X(NO_SIGNATURE, "no-server-signature", TIMES, "off", "SCRAM success without v=")               \
    X(WRONG_RESPONDER, "wrong-responder", TIMES, "off", "HT's responder hash is wrong")            \
    X(NO_RESPONDER, "no-responder", TIMES, "off", "HT success without its responder hash")         \
    X(FAILURE_NS, "failure-namespace", TIMES, "off", "failure conditions in urn:xmpp:sasl:2")      \
    X(TEMPORARY, "temporary-auth-failure", TIMES, "off", "right credentials are refused so")       \
    X(FAIL_AUTH, "fail-auth", TEXT, "off", "right credentials are refused with this condition")    \
    X(SHOWN_MECHANISMS, "shown-mechanisms", TEXT, "off",                                           \
      "what somebody in between puts into the features in place of the true mechanisms")           \
    X(SHOWN_CB_TYPES, "shown-cb-types", TEXT, "off", "the same for XEP-0440's list; none: no list") \
    X(UPGRADE_FAILS, "upgrade-fails", TIMES, "off", "the upgrade's hash is answered by a failure") \
    X(EARLY_STANZA, "early-stanza", TIMES, "off", "a message in front of the answer to a login")   \
    X(SECOND_SUCCESS, "second-success", TIMES, "off", "two <success/> in a row")                   \
    X(INJECT, "inject-features", TEXT, "off",                                                      \
      "malformed, dtd, comment, entity, pi or huge in front of the features")                      \
    X(FORGED_STANZA_ID, "forged-stanza-id", TIMES, "off",                                          \
      "a stanza-id by somebody else in front of the right one")                                    \
    X(SEE_OTHER_HOST, "see-other-host", TEXT, "off", "HOST[:PORT] in answer to the header")        \
    X(IGNORE_R, "ignore-r", TIMES, "off", "<r/> is not answered")                                  \
    X(SM_H_OFFSET, "sm-h-offset", INT, "0", "added to every h the server says")                    \
    X(NO_BOUND, "no-bound", TIMES, "off", "success without <bound/> though asked")                 \
    X(BIND_CONFLICT, "bind-conflict", TIMES, "off", "RFC 6120 bind answered with conflict")        \
    X(IGNORE_IQ, "ignore-iq", TIMES, "off", "iq requests to the server are not answered")          \
    X(NO_MAM, "no-mam", BOOL, "off", "no archive in disco#info, service-unavailable for queries")  \
    X(UNKNOWN_ID, "unknown-id", TEXT, "item-not-found",                                            \
      "ids unknown to the archive: a condition, empty-complete or from-start")                     \
    X(MAM_NO_COMPLETE, "mam-no-complete", TIMES, "off", "complete is left out though true")        \
    X(MAM_STABLE, "mam-stable", TEXT, "off", "value of stable in <fin/>")                          \
    X(MAM_REPEAT_PAGE, "mam-repeat-page", TIMES, "off", "the page before is sent again")           \
    X(MAM_ORDER, "mam-order", TIMES, "off", "results reversed inside a page")                      \
    X(MAM_FORGED, "mam-forged", TEXT, "off",                                                       \
      "queryid, user, room, carbon, or all: forged results in front of the page")                  \
    X(MAM_DELAY, "mam-delay", INT, "0", "milliseconds that a query waits; nothing else does")      \
    X(MAM_ERROR, "mam-error", TEXT, "off", "CONDITION[:N], for the next N queries")                \
    X(MAM_CUT, "mam-cut", INT, "0", "the N-th page from now is cut in its middle, hard")           \
    X(MAM_ROUGH_TIMES, "mam-rough-times", BOOL, "off",                                             \
      "start and end in whole seconds, end's own second left out (Prosody)")                       \
    X(FORGED_ANSWER, "forged-answer", TIMES, "off",                                                \
      "an answer by somebody else in front of the right one")                                      \
    X(WRONG_CAPS, "wrong-caps", BOOL, "off", "the hash in the features is another's")              \
    X(ILL_FORMED_DISCO, "ill-formed-disco", BOOL, "off", "disco#info names a feature twice, hash included") \
    X(ROSTER_ERROR, "roster-error", TEXT, "off", "rosters are refused with this condition")         \
    X(ROSTER_JUNK, "roster-junk", BOOL, "off", "entries that are none among those of the roster")  \
    X(ROOM_SILENT, "room-silent", BOOL, "off", "whoever joins a room hears nothing")                     \
    X(ROOM_REFUSE, "room-refuse", TEXT, "off", "TYPE/CONDITION, for whoever joins a room")          \
    X(ARCHIVE_UNDELIVERED, "archive-undelivered", TIMES, "off",                                    \
      "messages are archived and delivered to nobody")

enum srv_opt {
#define X(symbol, name, kind, value, help) OPT_##symbol,
    SRV_FEATURES(X) SRV_FAULTS(X)
#undef X
    OPT_COUNT
};

struct srv_value {
    char *text;
    long number; /* BOOL 0/1; TIMES -1 always, else how often still */
};

struct srv_settings {
    struct srv_value values[OPT_COUNT];
};

void srv_settings_init(struct srv_settings *settings);
void srv_settings_free(struct srv_settings *settings);
int srv_settings_put(struct srv_settings *settings, int fault, const char *name,
                     const char *value);
void srv_settings_json(const struct srv_settings *settings, int faults, struct srv_buf *out);
void srv_settings_help(int faults, struct srv_buf *out);

#endif
