/* backoff.c: the arithmetic of coming back. */
#include "client/backoff.h"

static int64_t doubled(int64_t first, int64_t last, unsigned times)
{
    int64_t us = first;
    while (times-- && us < last)
        us *= 2;
    return us < last ? us : last;
}

void ep_backoff_reset(ep_backoff *b)
{
    *b = (ep_backoff){ 0 };
}

void ep_backoff_attempt(ep_backoff *b, int64_t now_us)
{
    b->began_us = now_us;
    b->hinted += b->hint;
    b->hint = false;
}

void ep_backoff_ready(ep_backoff *b, int64_t now_us)
{
    b->ready_us = now_us;
}

int64_t ep_backoff_failed(ep_backoff *b, int64_t now_us, uint32_t chance)
{
    if (b->ready_us && now_us - b->ready_us >= EP_BACKOFF_STEADY_US)
        b->failures = b->hinted = 0;
    b->ready_us = 0;
    int64_t us = doubled(EP_BACKOFF_FIRST_US, EP_BACKOFF_LAST_US, b->failures++);
    return now_us + us + us / 1000 * chance;
}

int64_t ep_backoff_hint(ep_backoff *b, int64_t now_us, int64_t due_us)
{
    int64_t floor = b->began_us ? b->began_us + doubled(EP_BACKOFF_HINT_FIRST_US, EP_BACKOFF_HINT_LAST_US, b->hinted) : now_us;
    if (floor < now_us)
        floor = now_us;
    if (floor >= due_us)
        return due_us;
    b->hint = true;
    return floor;
}
