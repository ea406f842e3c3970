/* datetime.h: XEP-0082 times. */
#ifndef EP_DATETIME_H
#define EP_DATETIME_H

#include <stdbool.h>
#include <stdint.h>

/* "2002-09-10T23:08:25.123Z", also with an offset in place of Z; *ms: Unix. False: not such a time. */
bool ep_datetime_parse(const char *text, int64_t *ms);
/* "Z", "+01:00": minutes ahead of UTC. */
bool ep_datetime_offset(const char *text, int *minutes);
void ep_datetime_format(int64_t ms, char out[32]);

#endif
