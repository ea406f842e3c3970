/* epode/login.h: what a login asks of its application: a password or an OAuth token where nothing remembered will do,
 * and the tasks that a server has behind it, as a second factor. */
#ifndef EPODE_LOGIN_H
#define EPODE_LOGIN_H

#include "epode/client.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum epode_secret {
    EPODE_SECRET_PASSWORD = 1,
    EPODE_SECRET_OAUTH /* a bearer token, for OAUTHBEARER (RFC 7628) */
} epode_secret;

/* The answer to on_password, from within it or at any later time, on the owner's thread. The secret is copied, and
 * wiped when the login has succeeded or ended. secret NULL: there is none; the client stops with EPODE_ECANCELLED.
 * While the answer is awaited the deadline of the connect stands still. If the server ends the connection meanwhile,
 * the client waits for the answer and connects anew with it. EPODE_ESTATE: nothing was asked, or the client was
 * stopped or suspended since; EPODE_EINVAL: no such kind; EPODE_ENOMEM. What comes of it is told by EPODE_EV_STATE. */
EPODE_API epode_status epode_client_answer_password(epode_client *client, epode_secret kind, const char *secret);

/* The tasks to choose from (XEP-0388, 2.6.3), by their names; 0 where the one under way goes on. NULL: out of range. */
EPODE_API size_t epode_task_count(const epode_task *task);
EPODE_API const char *epode_task_name_at(const epode_task *task, size_t i);
EPODE_API const char *epode_task_current(const epode_task *task); /* the task under way; NULL: to be chosen */
EPODE_API const char *epode_task_text(const epode_task *task);    /* the server's, for people; NULL: none */
EPODE_API const char *epode_task_xml(const epode_task *task);     /* what <task-data/> held; NULL: nothing */

/* The answer to on_task, from within it or at any later time, on the owner's thread. name: the chosen task, for
 * <next/>; NULL: the data of the one under way, for <task-data/>. xml: one element with its namespace, as the task's
 * specification says, or NULL. The deadline of the connect stands still until then; a server has a patience of its
 * own, and a connection that it ends takes the question with it: on_task comes again. EPODE_ESTATE: no task waits;
 * EPODE_EINVAL: not one of the names, or not XML. */
EPODE_API epode_status epode_client_answer_task(epode_client *client, const char *name, const char *xml);
/* No answer will come: the login is aborted, and the client stops with EPODE_ECANCELLED. EPODE_ESTATE: no task
 * waits. */
EPODE_API epode_status epode_client_cancel_task(epode_client *client);

#ifdef __cplusplus
}
#endif
#endif
