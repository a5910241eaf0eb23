/* Progress and warnings on stderr; silent unless the program turns it on. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

static _Atomic umbra_log_level threshold = UMBRA_LOG_WARNING;

void umbra_log_set(umbra_log_level level)
{
    atomic_store(&threshold, level);
}

umbra_log_level umbra_log_get(void)
{
    return atomic_load(&threshold);
}

static void write_line(const char *prefix, const char *fmt, va_list args)
{
    char line[4096];
    vsnprintf(line, sizeof line, fmt, args);
    fprintf(stderr, "%s%s\n", prefix, line);
}

void umbra_log_warning(const char *fmt, ...)
{
    if (umbra_log_get() < UMBRA_LOG_WARNING)
        return;
    va_list args;
    va_start(args, fmt);
    write_line("warning: ", fmt, args);
    va_end(args);
}

void umbra_log_info(const char *fmt, ...)
{
    if (umbra_log_get() < UMBRA_LOG_INFO)
        return;
    va_list args;
    va_start(args, fmt);
    write_line("", fmt, args);
    va_end(args);
}
