/* What SASL2's <success/> does and says besides "authenticated" (XEP-0388, 2.6.1). */
#include "internal.h"

#include <stdlib.h>

static void add_data(struct srv_xml *success, const struct srv_buf *data)
{
    if (!data->len)
        return;
    char *text = srv_base64(data->data, data->len);
    srv_xml_puts(srv_xml_child(success, NS_SASL2, "additional-data"), text);
    free(text);
}

static void add_identity(struct srv_conn *conn, struct srv_xml *success)
{
    char *bare = srv_format("%s@%s", conn->user, conn->srv->domain);
    srv_xml_puts(srv_xml_child(success, NS_SASL2, "authorization-identifier"),
                 conn->session ? conn->session->full : bare);
    free(bare);
}

/*
 * Resumption first, then binding (XEP-0386, 4.2). Resource binding of another shape would be one
 * more branch here and one more line in features.c.
 */
static bool run_inline(struct srv_conn *conn, struct srv_xml *results)
{
    struct srv *srv = conn->srv;
    const struct srv_xml *request = conn->sasl.request;
    const struct srv_xml *resume = srv_xml_find(request, NS_SM, "resume");
    const struct srv_xml *bind = srv_xml_find(request, NS_BIND2, "bind");
    if (resume && srv_on(srv, SM) && srv_on(srv, SM_INLINE))
        srv_xml_add(results, srv_sm_resume(conn, resume));
    if (conn->session)
        return true;
    if (bind && srv_on(srv, BIND2)) {
        struct srv_xml *bound = srv_bind2(conn, bind);
        if (srv_hit(srv, NO_BOUND))
            srv_xml_free(bound);
        else
            srv_xml_add(results, bound);
    }
    return false;
}

void srv_sasl2_success(struct srv_conn *conn, const struct srv_buf *data)
{
    struct srv *srv = conn->srv;
    struct srv_xml *success = srv_xml_new(NS_SASL2, "success");
    struct srv_xml *results = srv_xml_new(NS_SASL2, "results");
    add_data(success, data);
    bool resumed = run_inline(conn, results);
    add_identity(conn, success);
    while (results->first) {
        struct srv_xml *child = results->first;
        results->first = child->next;
        child->next = NULL;
        srv_xml_add(success, child);
    }
    results->last = NULL;
    srv_xml_free(results);
    srv_token_answer(conn, success);
    srv_conn_send(conn, success);
    if (srv_hit(srv, SECOND_SUCCESS))
        srv_conn_send(conn, success);
    srv_xml_free(success);
    if (conn->state == CONN_CLOSED)
        return;
    conn->state = conn->session ? CONN_ACTIVE : CONN_READY;
    if (!resumed || srv_on(srv, RESUME_FEATURES))
        srv_features_send(conn);
    if (resumed)
        srv_sm_replay(conn->session);
}
