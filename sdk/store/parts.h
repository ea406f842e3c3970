/* parts.h: what the files of the archive share, and nobody else includes. */
#ifndef EP_STORE_PARTS_H
#define EP_STORE_PARTS_H

#include "store/conversation.h"
#include "store/internal.h"
#include "store/page.h"

/* Far enough above the end that a hole never fills up: positions within a span leave no gaps. */
#define EP_GAP (INT64_C(1) << 32)

/* Where a message stands. Values are in the file. */
typedef enum ep_place {
    EP_PLACE_TAIL = 0, /* provisional: a page is to confirm it */
    EP_PLACE_SPAN = 1, /* in the span around its position */
    EP_PLACE_FREE = 2  /* in no span, and nobody waits for one */
} ep_place;

/* ints.c: a list of numbers, and lists as JSON for json_each. */
typedef struct ep_ints {
    int64_t *at;
    size_t count, cap;
} ep_ints;
bool ep_ints_add(ep_ints *list, int64_t n);
void ep_ints_unique(ep_ints *list); /* sorts, and drops what is there twice */
void ep_ints_free(ep_ints *list);
void ep_json_ints(ep_buf *out, const ep_ints *list);
/* One more text of an array; to be opened by "[" and closed by "]". NULL is null. */
void ep_json_add(ep_buf *out, const char *text);

/* message.c */
epode_status ep_changes_add(ep_store *s, ep_changes *c, int64_t row, int64_t conversation,
                            ep_change_kind kind);
int64_t ep_id_hash(const char *id);
bool ep_msg_is_effect(const ep_msg *m);
/* EPODE_EINVAL with its text: the message cannot be stored. */
epode_status ep_msg_check(ep_store *s, const ep_msg *m);
typedef struct ep_spot {
    int64_t archive, pos, conversation;
    ep_place place;
    ep_delivery state;
} ep_spot;
const char *ep_msg_recipient(const ep_msg *m); /* NULL: the conversation's peer, or incoming */
/* insert.c */
epode_status ep_message_add(ep_store *s, const ep_spot *spot, const ep_msg *m, int64_t *row);
typedef struct ep_insert {
    const ep_msg *m;
    ep_spot spot;
} ep_insert;
/* Each gets the next row number. EPODE_EINVAL: one of them is there already; others may have been added, no later ones. */
epode_status ep_messages_add(ep_store *s, const ep_insert *in, size_t n);
/* Of something held: EPODE_DONE: it is not. */
typedef struct ep_held {
    int64_t row, pos, conversation;
    ep_place place;
} ep_held;
epode_status ep_message_held(ep_store *s, int64_t archive, const char *archive_id, ep_held *out);
/* The same for what came live from others without an id that counts (the account does not vouch for
 * them): the first such row of the tail that says the same, from the same sender under the same id; else one of the
 * same day that is awaited no longer. One copy joins one row, so equal messages lose nothing. */
epode_status ep_message_join_bare(ep_store *s, int64_t archive, int64_t conversation,
                                  const ep_msg *m, ep_held *out, ep_changes *changes);
/* Joins the copy m to an own message that no copy was joined to; EPODE_DONE: there is none. */
epode_status ep_message_join(ep_store *s, int64_t conversation, const ep_msg *m, ep_held *out,
                             ep_changes *changes);
/* What went wrong in the middle: nothing that the caller could have avoided. */
epode_status ep_store_solid(ep_store *s, epode_status status);

/* archive.c: the archive's own row. */
typedef struct ep_archive {
    int64_t id;
    ep_archive_kind kind;
    bool empty, has_mark, has_floor;
    int64_t top, end, mark, floor;
} ep_archive;
epode_status ep_archive_load(ep_store *s, int64_t id, ep_archive *out); /* EPODE_EINVAL: none */
epode_status ep_archive_save(ep_store *s, const ep_archive *a);
int64_t ep_archive_gap(const ep_store *s);
/* Everything up to this position becomes history; spans are the caller's to delete. */
epode_status ep_archive_detach(ep_store *s, ep_archive *a, int64_t upto);

/* live.c: at the end of the tail. */
epode_status ep_tail_pos(ep_store *s, const ep_archive *a, int64_t *pos);
epode_status ep_tail_add(ep_store *s, ep_archive *a, const ep_msg *m, int64_t conversation,
                         ep_delivery state, int64_t *row, ep_changes *changes);
/* What a message at the end of the tail brings about. */
epode_status ep_tail_effects(ep_store *s, const ep_archive *a, const ep_msg *m, int64_t row,
                             int64_t conversation, ep_changes *changes);

/* span.c: the spans of an archive in memory; their strings live in rows. */
typedef struct ep_spans {
    ep_rows rows;
    ep_span *at;
    size_t count;
} ep_spans;
epode_status ep_spans_load(ep_store *s, int64_t archive, ep_spans *out);
void ep_spans_free(ep_spans *spans);
/* The spans that end below this position become history. */
epode_status ep_spans_detach(ep_store *s, ep_archive *a, const ep_spans *spans, int64_t below,
                             bool *any);

/* layout.c: where the messages of a page go. */
typedef struct ep_slot {
    const ep_msg *m; /* NULL: one without an archive id, carried along with its neighbour */
    int64_t row;     /* 0: not held */
    int64_t conversation, old_pos, pos;
    bool is_fixed; /* in a span: stays where it is */
    bool is_tail;  /* from the provisional tail */
    bool is_new;   /* row is the number that it gets with this page */
    bool is_own;   /* a message without an archive id that this page joined */
} ep_slot;
typedef struct ep_layout {
    ep_store *s;
    ep_archive a;
    ep_spans spans;
    ep_slot *slots; /* oldest first */
    size_t count;
    bool has_left, has_right; /* what stands next to the page, if that is known */
    int64_t left, right;
    bool stay; /* nothing may be moved to make room: EPODE_AGAIN then */
    bool renumbered;
} ep_layout;
/* Gives every slot that is not fixed a position between its neighbours, and makes room for it. */
epode_status ep_layout_place(ep_layout *l);

/* conversation.c */
typedef struct ep_peers {
    struct {
        char *peer;
        int64_t id;
    } at[16];
    size_t next;
    ep_ints seen; /* every conversation that was asked for */
} ep_peers;
epode_status ep_peers_find(ep_store *s, ep_peers *peers, int64_t archive, const char *peer,
                           int64_t *id);
void ep_peers_free(ep_peers *peers);
/* The last message of these conversations is looked up again. */
epode_status ep_conversation_refresh(ep_store *s, const ep_ints *conversations);
/* Displayed ids that were not held, and are now. */
epode_status ep_conversation_awaited(ep_store *s, int64_t archive, ep_changes *changes);

/* effect.c: adds to targets the messages that an effect in this conversation acts on; room_archive
 * is 0 unless archive ids are meant too. */
epode_status ep_effect_targets(ep_store *s, int64_t conversation, int64_t room_archive,
                               const char *ref_id, ep_ints *targets);
/* The same for a stored one, by its row. */
epode_status ep_effect_targets_of(ep_store *s, int64_t row, ep_ints *targets);
/* EPODE_DONE: there is no effect in any of these conversations. */
epode_status ep_effect_any(ep_store *s, const ep_ints *conversations);
/* Adds the texts above after_row that effects waited for. */
epode_status ep_effect_awaited(ep_store *s, const ep_archive *a, int64_t after_row,
                               ep_ints *targets);
/* Works out anew what acts on each of these messages. */
epode_status ep_effect_apply(ep_store *s, ep_ints *targets, ep_changes *changes);

/* delivery.c: moves the state forward. */
epode_status ep_delivery_move(ep_store *s, int64_t row, ep_delivery state, const char *reason,
                              ep_changes *changes);
bool ep_delivery_is_forward(ep_delivery from, ep_delivery to);

#endif
