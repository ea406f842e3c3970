/* rows.c: copies of rows. A cell is a byte (its type), eight bytes (a number or a length), the
 * bytes and a NUL. */
#include <string.h>

#include "store/internal.h"

static void rows_add_cell(ep_rows *rows, sqlite3_stmt *st, int column)
{
    ep_buf *b = &rows->cells;
    int64_t n;
    switch (sqlite3_column_type(st, column)) {
    case SQLITE_NULL:
        n = 0;
        ep_buf_putc(b, 'n');
        ep_buf_add(b, &n, sizeof n);
        break;
    case SQLITE_INTEGER:
        n = sqlite3_column_int64(st, column);
        ep_buf_putc(b, 'i');
        ep_buf_add(b, &n, sizeof n);
        break;
    default: {
        const void *p = sqlite3_column_blob(st, column);
        n = sqlite3_column_bytes(st, column);
        ep_buf_putc(b, 'b');
        ep_buf_add(b, &n, sizeof n);
        ep_buf_add(b, p, p ? (size_t)n : 0);
        ep_buf_putc(b, '\0');
    }
    }
}

static epode_status rows_copy(ep_store *s, ep_rows *rows, sqlite3_stmt *row)
{
    int rc, columns = sqlite3_column_count(row);
    do {
        for (int i = 0; i < columns; i++)
            rows_add_cell(rows, row, i);
        if (rows->cells.failed)
            return ep_store_fail(s, EPODE_ENOMEM, "out of memory");
        rows->count++;
        rc = sqlite3_step(row);
    } while (rc == SQLITE_ROW);
    return rc == SQLITE_DONE ? EPODE_OK : ep_store_failed(s, rc);
}

epode_status ep_rows_take(ep_store *s, ep_rows *rows, sqlite3_stmt *row)
{
    ep_buf_clear(&rows->cells);
    rows->count = rows->at = 0;
    epode_status status = rows_copy(s, rows, row);
    ep_sql_end(row);
    return status;
}

static char rows_next(ep_rows *rows, int64_t *n)
{
    const char *cell = ep_buf_ptr(&rows->cells) + rows->at;
    memcpy(n, cell + 1, sizeof *n);
    rows->at += 1 + sizeof *n;
    return cell[0];
}

int64_t ep_rows_int(ep_rows *rows, bool *is_null)
{
    int64_t n;
    char type = rows_next(rows, &n);
    if (is_null)
        *is_null = type == 'n';
    return n;
}

const char *ep_rows_bytes(ep_rows *rows, size_t *len)
{
    int64_t n;
    char type = rows_next(rows, &n);
    const char *bytes = ep_buf_ptr(&rows->cells) + rows->at;
    if (len)
        *len = (size_t)n;
    if (type != 'b')
        return NULL;
    rows->at += (size_t)n + 1;
    return bytes;
}

void ep_rows_free(ep_rows *rows)
{
    ep_buf_free(&rows->cells);
    rows->count = rows->at = 0;
}
