/* epode/event.h: what a client tells its application. */
#ifndef EPODE_EVENT_H
#define EPODE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epode/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum epode_state {
    EPODE_STOPPED = 0, /* not wished for, or a final error */
    EPODE_CONNECTING,  /* on the way */
    EPODE_READY,       /* bound or resumed, all that was wished for is asked and answered */
    EPODE_OFFLINE      /* lost or failed; the next attempt waits for its time */
} epode_state;

typedef enum epode_event_type {
    EPODE_EV_STATE = 1, /* state; error tells why, where something went wrong */
    EPODE_EV_MESSAGE,   /* a message is in the store: row, xml */
    EPODE_EV_DELIVERY,  /* an outgoing stanza: id, delivery */
    EPODE_EV_STANZA     /* any stanza, with EPODE_RAW_STANZAS: xml */
} epode_event_type;

typedef enum epode_delivery {
    EPODE_DELIVERY_SENT = 1,    /* written, on a session without stream management */
    EPODE_DELIVERY_ACKNOWLEDGED /* the server has it */
} epode_delivery;

/* Made by the library; fields may be appended. Valid during the callback, or until the next
 * epode_client_next_event(). */
typedef struct epode_event {
    size_t size;
    epode_event_type type;
    epode_state state;        /* STATE */
    const epode_error *error; /* STATE; NULL: nothing wrong */
    uint64_t row;             /* MESSAGE: its number in the inbox */
    const char *xml;          /* MESSAGE, STANZA: the stanza as text; xml_len bytes and a NUL */
    size_t xml_len;
    const char *id;           /* DELIVERY: the stanza's id */
    epode_delivery delivery;
} epode_event;

#ifdef __cplusplus
}
#endif
#endif
