/* delivery.c: how far our own messages got. */
#include "store/parts.h"

/* A failure is the last word, though the server had the message (and may have archived it): only the
 * recipient's own word takes it back. */
bool ep_delivery_is_forward(ep_delivery from, ep_delivery to)
{
    if (from == EP_DELIVERY_NONE)
        return false;
    if (from == EP_DELIVERY_FAILED)
        return to == EP_DELIVERY_RECEIVED || to == EP_DELIVERY_READ;
    if (to == EP_DELIVERY_FAILED)
        return from < EP_DELIVERY_RECEIVED;
    return to > from;
}

epode_status ep_delivery_move(ep_store *s, int64_t row, ep_delivery state, const char *reason,
                              ep_changes *changes)
{
    sqlite3_stmt *st;
    epode_status status = ep_sql_row(s, &st, EP_SQL_DELIVERY_GET, "i", row);
    if (status != EPODE_OK)
        return status;
    ep_delivery from = (ep_delivery)sqlite3_column_int(st, 0);
    int64_t conversation = sqlite3_column_int64(st, 1);
    ep_sql_end(st);
    if (!ep_delivery_is_forward(from, state))
        return EPODE_DONE;
    status = ep_sql_run(s, EP_SQL_DELIVERY_PUT, "iit", row, (int64_t)state, reason);
    if (status == EPODE_OK)
        status = ep_changes_add(s, changes, row, conversation, EP_CHANGE_DELIVERY);
    return ep_store_solid(s, status);
}
