/* search.c: feeding the full-text index, and what people type as its query. */
#include "store/search.h"

#include "base/str.h"
#include "store/cursorwork.h"

static epode_status search_fed(ep_store *s, int64_t *fed, int64_t *last)
{
    sqlite3_stmt *row;
    epode_status status = ep_sql_row(s, &row, EP_SQL_SEARCH_FED, "");
    if (status != EPODE_OK)
        return status == EPODE_DONE ? ep_store_failed(s, SQLITE_CORRUPT) : status;
    *fed = sqlite3_column_int64(row, 0);
    *last = sqlite3_column_int64(row, 1);
    ep_sql_end(row);
    return EPODE_OK;
}

epode_status ep_search_feed(ep_store *s, size_t max_rows, bool *more)
{
    int64_t fed = 0, last = 0;
    *more = false;
    epode_status status = search_fed(s, &fed, &last);
    if (status != EPODE_OK || fed >= last || !max_rows)
        return status;
    int64_t upto = (uint64_t)(last - fed) > max_rows ? fed + (int64_t)max_rows : last;
    status = ep_write_enter(s);
    if (status != EPODE_OK)
        return status;
    status = ep_sql_run(s, EP_SQL_SEARCH_FEED, "ii", fed, upto);
    if (status == EPODE_OK)
        status = ep_sql_run(s, EP_SQL_SEARCH_FED_PUT, "i", upto);
    status = ep_write_leave(s, ep_store_solid(s, status));
    *more = status == EPODE_OK && upto < last;
    return status;
}

static bool search_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Every word becomes a quoted string, in which only the quote itself means something. A star at the
 * end of a word asks for all that begins with it: dearer, for all these words are read. */
bool ep_search_query(ep_buf *out, const char *text, int64_t conversation)
{
    bool any = false;
    ep_buf_puts(out, "body : (");
    while (*text) {
        while (search_is_blank(*text))
            text++;
        if (!*text)
            break;
        ep_buf_puts(out, any ? " AND \"" : "\"");
        const char *word = text;
        for (; *text && !search_is_blank(*text); text++) {
            ep_buf_putc(out, *text);
            if (*text == '"')
                ep_buf_putc(out, '"');
        }
        ep_buf_puts(out, text - word > 1 && text[-1] == '*' ? "\"*" : "\"");
        any = true;
    }
    ep_buf_putc(out, ')');
    if (conversation)
        ep_buf_printf(out, " AND conversation : \"%lld\"", (long long)conversation);
    return any;
}
