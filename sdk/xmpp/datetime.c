/* datetime.c: times without the C library's locale and time zone. */
#include "xmpp/datetime.h"

#include <stdio.h>
#include <string.h>

/* Days since 1970-01-01 of the proleptic Gregorian calendar. */
static int64_t days_of(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* In the shape, 0 stands for a digit. */
static bool has_shape(const char *text, const char *shape)
{
    for (; *shape; text++, shape++)
        if (*shape == '0' ? *text < '0' || *text > '9' : *text != *shape)
            return false;
    return true;
}

static int digits(const char *text, int n)
{
    int value = 0;
    while (n-- > 0)
        value = value * 10 + (*text++ - '0');
    return value;
}

static int days_in(int y, int m)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 29 : days[m - 1];
}

bool ep_datetime_offset(const char *z, int *minutes)
{
    *minutes = 0;
    if (strcmp(z, "Z") == 0)
        return true;
    if ((*z != '+' && *z != '-') || !has_shape(z + 1, "00:00") || z[6])
        return false;
    int h = digits(z + 1, 2), m = digits(z + 4, 2);
    if (h > 14 || m > 59)
        return false;
    *minutes = (h * 60 + m) * (*z == '-' ? -1 : 1);
    return true;
}

bool ep_datetime_parse(const char *text, int64_t *ms)
{
    int zone;
    if (!text || !has_shape(text, "0000-00-00T00:00:00"))
        return false;
    int y = digits(text, 4), mo = digits(text + 5, 2), d = digits(text + 8, 2);
    int h = digits(text + 11, 2), mi = digits(text + 14, 2), s = digits(text + 17, 2);
    if (mo < 1 || mo > 12 || d < 1 || d > days_in(y, mo) || h > 24 || mi > 59 || s > 60)
        return false;
    const char *p = text + strlen("0000-00-00T00:00:00");
    int frac = 0;
    if (*p == '.') {
        int scale = 100;
        if (p[1] < '0' || p[1] > '9')
            return false;
        for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
            frac += (*p - '0') * scale;
    }
    if (!ep_datetime_offset(p, &zone))
        return false;
    *ms = ((days_of(y, mo, d) * 24 + h) * 60 + mi - zone) * 60000 + s * 1000 + frac;
    return true;
}

void ep_datetime_format(int64_t ms, char out[32])
{
    int64_t days = ms / 86400000, rest = ms % 86400000;
    if (rest < 0)
        rest += 86400000, days--;
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153, d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9;
    int64_t y = yoe + era * 400 + (m <= 2);
    snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)y, (int)m, (int)d, (int)(rest / 3600000),
             (int)(rest / 60000 % 60), (int)(rest / 1000 % 60), (int)(rest % 1000));
}
