/* epode/client.h: one account on one device, for the application's whole life, across connections. */
#ifndef EPODE_CLIENT_H
#define EPODE_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "epode/error.h"
#include "epode/event.h"
#include "epode/export.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct epode_client epode_client;

/* Which TLS is used: as SRV records say (RFC 6120 section 3.2, XEP-0368), direct only, STARTTLS only. */
enum { EPODE_TLS_AUTO = 0, EPODE_TLS_DIRECT = 1, EPODE_TLS_STARTTLS = 2 };

enum {
    EPODE_ALLOW_PLAIN = 1 << 0,    /* the password may be sent inside TLS where nothing better is offered */
    EPODE_NO_FAST_PATH = 1 << 1,   /* guess nothing from memory, use and ask for no token */
    EPODE_START_INACTIVE = 1 << 2, /* begin in client state "inactive" (XEP-0352) */
    EPODE_NO_CARBONS = 1 << 3,
    EPODE_NO_SM = 1 << 4,          /* no stream management (XEP-0198) */
    EPODE_NO_PRESENCE = 1 << 5,    /* send no presence by itself when ready */
    EPODE_RAW_STANZAS = 1 << 6,    /* an EPODE_EV_STANZA event for every stanza */
    EPODE_NO_RECONNECT = 1 << 7,   /* after a failure: offline for good, until started again */
    EPODE_NO_SYNC = 1 << 8,        /* ask no archive; what comes live is stored */
    EPODE_NO_SASL2 = 1 << 9,       /* log in and bind as RFC 6120 has it, whatever else is offered */
    /* Send nothing with TLS's ClientHello (RFC 8446, 2.3). Else a login by token (XEP-0484) leaves so where the server
     * offers it: whoever saw it can send it again, and the server's look at its count is what makes that harmless. */
    EPODE_NO_EARLY_DATA = 1 << 10,
    EPODE_NO_ROSTER = 1 << 11,     /* ask for no roster, and take no changes of it */
    /* Receipts (XEP-0184) are sent for live messages that ask for them, to those contacts who may see our presence, as
     * section 8 there recommends; never for carbons, what an archive holds, rooms and errors. */
    EPODE_NO_RECEIPTS = 1 << 12,   /* to nobody */
    EPODE_RECEIPTS_TO_ALL = 1 << 13, /* to strangers too: they learn that the account is online */
    EPODE_NO_SEARCH = 1 << 14,     /* do not index words now: a search finds what was indexed before */
    EPODE_MULTI_RESOURCE = 1 << 15, /* no stream management, so that more resources can be bound: resource.h */
    EPODE_BLOCK_LIST = 1 << 16,     /* ask for the block list in each session: blocking.h */
    EPODE_NO_AUTOJOIN = 1 << 17,   /* join no room for its bookmark: bookmark.h */
    EPODE_NO_BOOKMARKS = 1 << 18,  /* read no bookmarks at all */
    /* For extensions and services that the system gives little memory: stanzas of 256 KiB at most where max_stanza_bytes
     * is 0, archives in pages of 50 messages of which 200 share a commit, 512 KB of cache for the store. A long catch-up
     * costs more time. */
    EPODE_LOW_MEMORY = 1 << 19
};

enum { EPODE_LOG_ERROR = 1, EPODE_LOG_WARN, EPODE_LOG_INFO, EPODE_LOG_DEBUG, EPODE_LOG_TRACE };

/* Why a password is asked for. */
typedef enum epode_ask {
    EPODE_ASK_NEEDED = 1, /* nothing that is remembered can log in (any more) */
    EPODE_ASK_REFUSED     /* the last one was not taken; asked once, then it is EPODE_EAUTH */
} epode_ask;

/* What a server wants behind a login (XEP-0388, 2.6.3); see epode/login.h. */
typedef struct epode_task epode_task;

/* Begin with EPODE_OPTIONS_INIT; new fields are appended; zero is the default. All strings are UTF-8 and are
 * copied. */
typedef struct epode_options {
    size_t size;            /* of this struct, as the application was compiled */
    const char *jid;        /* required: bare; a full one asks for its resource on servers without Bind 2 */
    /* NULL: only what is remembered (token, keys), a certificate, or what on_password gives can log in. With
     * on_password it is wiped as soon as something is remembered in its place. */
    const char *password;
    const char *store_path; /* NULL: in memory, forgotten with the client. Created with mode 0600 */
    const char *tag;        /* names the software in the resource (Bind 2); nothing private. NULL: "epode" */
    const char *software, *device; /* shown to the account's owner by the server; NULL: "epode", none */
    const char *host;       /* a name or address in place of discovery; the certificate stays the domain's */
    uint16_t port;          /* 0: what DNS says; with host 5223 (direct TLS) and 5222. Without host: the domain's own */
    const char *ca_file;    /* PEM file of trusted authorities; NULL: the system's */
    const char *dns_server; /* "ADDR", "ADDR:PORT", "[v6]:PORT"; NULL: the system's */
    uint32_t tls;           /* EPODE_TLS_* */
    uint32_t flags;         /* EPODE_ALLOW_PLAIN, ... */
    uint32_t connect_timeout_ms; /* one deadline for a whole connect, every retry of it included; 0: 30000 */
    uint32_t max_stanza_bytes;   /* larger ones end the stream; 0: 4 MiB, EPODE_LOW_MEMORY: 256 KiB */
    /* On the owner's thread, from epode_client_process() only. What one call of it does (messages sent, positions moved)
     * is on the disk together, or after a kill not at all. NULL: events are queued for epode_client_next_event(). */
    void (*on_event)(epode_client *client, const epode_event *event, void *user);
    /* A line without user data; at EPODE_LOG_TRACE also the stream's XML (which is user data), secrets masked. */
    void (*on_log)(int level, const char *area, const char *line, void *user);
    int log_level;          /* 0: EPODE_LOG_WARN */
    void *user;
    void (*user_destroy)(void *user); /* called once, when the client has let go of user */
    uint32_t first_sync_messages; /* how many messages a first login gets, and of each room; 0: 1000; UINT32_MAX: all */
    uint32_t first_sync_days;     /* and how old they may be; 0: any age */
    /* A certificate of the client's for EXTERNAL (XEP-0178), PEM, with its chain; its key, PEM, without a passphrase.
     * Read at each connect; files that are no such thing: EPODE_EINVAL, final. client_key_file NULL: in the same
     * file. */
    const char *client_cert_file, *client_key_file;
    const char *oauth_token;      /* a bearer token for OAUTHBEARER (RFC 7628); used where nothing better can be */
    /* A password or an OAuth token is needed, after token and keys have failed or where there are none. Answered by
     * epode_client_answer_password(), now or later. On the owner's thread, from epode_client_process() only. */
    void (*on_password)(epode_client *client, epode_ask why, void *user);
    /* The server wants something besides, as a second factor. Answered by epode_client_answer_task(), now or later;
     * task is valid during the callback. NULL: such a login fails with EPODE_EAUTH. Called as on_password is. */
    void (*on_task)(epode_client *client, const epode_task *task, void *user);
    /* 0: nothing is sent to keep an idle session alive but what the server asks for (XEP-0478), and a dead link without
     * anything to be answered is found by the kernel within ten minutes. N: after N seconds without a byte from the
     * server an answer is asked for; costs a wake-up each time. */
    uint32_t keepalive_s;
} epode_options;
#ifdef __cplusplus
#define EPODE_OPTIONS_INIT { sizeof(epode_options) }
#else
#define EPODE_OPTIONS_INIT { .size = sizeof(epode_options) }
#endif

/* Makes a client and opens its store; nothing is sent yet. *out is the caller's, NULL on failure; user_destroy
 * is called only for a client that was made. EPODE_EINVAL (no or a wrong JID, an option out of range),
 * EPODE_EBUSY (another process owns the store), EPODE_ESTORE*, EPODE_ENOMEM. The text of the failure is
 * copied to why[why_len], if that is given. */
EPODE_API epode_status epode_client_new(epode_client **out, const epode_options *options, char *why,
                                        size_t why_len);

/* Owner's thread; NULL is fine. Closes the connection without ending the session at the server: it can be
 * resumed. Inside a callback it returns at once, no further callback comes, and memory and user_destroy follow
 * when process() unwinds; otherwise everything is done when it returns. */
EPODE_API void epode_client_free(epode_client *client);

/* The wish to be online. Returns at once; the way there is told by EPODE_EV_STATE. Already wished for:
 * EPODE_OK, and a pending wait for the next attempt goes on. After a final error: one more try. */
EPODE_API epode_status epode_client_start(epode_client *client);

enum {
    EPODE_STOP_CLOSE = 0,    /* ends the session: </stream:stream>; nothing can be resumed */
    EPODE_STOP_RESUMABLE = 1 /* drops the connection; the server keeps the session for a while */
};
/* The wish to be offline; a connect under way is cancelled. EPODE_EV_STATE with EPODE_STOPPED follows. */
EPODE_API epode_status epode_client_stop(epode_client *client, int how);

EPODE_API epode_state epode_client_state(const epode_client *client);
/* Why it is not online; NULL: nothing is wrong. Borrowed until the next process() or start(). */
EPODE_API const epode_error *epode_client_error(const epode_client *client);

/* Client state (XEP-0352): false when nobody looks at the application. Remembered across connections. Meanwhile a burst
 * of messages is confirmed to the server once, with what is sent next or 2 s later. */
EPODE_API epode_status epode_client_set_active(epode_client *client, bool active);

/* What the application knows and the client cannot: hints are merged, bring what is due forward, and never start a
 * second connect. They do not reset the time between attempts: that stays at 1 s at least, doubled up to 32 s with each
 * hinted attempt that fails. A session is tested after a hint: if nothing is heard for 8 s it is dropped and resumed. */
typedef enum epode_hint {
    EPODE_HINT_NETWORK_CHANGED = 1, /* another network, or one again */
    EPODE_HINT_NETWORK_LOST,        /* there is none: attempts wait for the hint above, or five minutes */
    EPODE_HINT_SUSPENDED,           /* the system is about to stop the process: what came is confirmed to the server */
    EPODE_HINT_WOKE_UP,             /* it went on */
    EPODE_HINT_FOREGROUND,          /* the user looks: client state is active, the session is tested */
    EPODE_HINT_BACKGROUND,          /* nobody looks: what came is confirmed with what is sent next, or after 2 s */
    EPODE_HINT_LOW_MEMORY           /* caches are given back */
} epode_hint;
EPODE_API epode_status epode_client_hint(epode_client *client, epode_hint hint); /* EPODE_EINVAL: no such hint */

/* For systems that kill a process which holds a file lock while it is stopped. What came is confirmed to the server, the
 * connection is dropped so that the session can be resumed, the store's file is closed and its lease given back, so that
 * another process may own it. Meanwhile sending, reading and changing give EPODE_ESTATE; the descriptor and process() may
 * be used, and the wish to be online stays. Inside a callback it takes effect when process() unwinds. Suspended already:
 * EPODE_OK. EPODE_ESTORE*: the store could not be written, and the client has stopped. */
EPODE_API epode_status epode_client_suspend(epode_client *client);
/* Opens the store again and goes on. EPODE_EBUSY: another process owns it now; EPODE_ESTORE*. It stays suspended then.
 * Cursors from before go on where they were. */
EPODE_API epode_status epode_client_resume(epode_client *client);

/* An errand for a push notification: connects (resuming what was suspended), gets everything that is new, and is over
 * within this time, whatever happens: EPODE_EV_FETCHED, once, and then the client is suspended, its session resumable.
 * A client that is online already stays so. The client state is inactive meanwhile. EPODE_ESTATE: one is running;
 * EPODE_EINVAL: no time at all; what epode_client_resume() gives. */
EPODE_API epode_status epode_client_fetch(epode_client *client, uint32_t within_ms);

/* What may be forgotten: for when the user logs out, or to accept a server that offers less than before. */
enum {
    EPODE_FORGET_FACTS = 1,   /* DNS, features, habits, pins, TLS tickets */
    EPODE_FORGET_TOKEN = 2,   /* token and keys: the next login needs the password */
    EPODE_FORGET_SESSION = 4, /* the stream management session */
    EPODE_FORGET_PINS = 8     /* how well this server authenticated before; see epode_client_unpin() */
};
/* Only while stopped (EPODE_ESTATE). EPODE_ESTORE* if the store fails. */
EPODE_API epode_status epode_client_forget(epode_client *client, int what);

/* Accepts that the server authenticates with less than it did before: the answer to EPODE_EDOWNGRADE, after the user
 * was asked and knows that the server was changed. What is pinned is the class (EXTERNAL, SCRAM with channel binding,
 * SCRAM, PLAIN), never a hash; the next login pins anew. A hash of XEP-0474 that is wrong is refused all the same.
 * The same as epode_client_forget(client, EPODE_FORGET_PINS): only while stopped (EPODE_ESTATE); EPODE_ESTORE*. */
EPODE_API epode_status epode_client_unpin(epode_client *client);

#ifdef __cplusplus
}
#endif
#endif
