/* Status codes and the thread-local error message. */
#include "umbra/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char error_message[4096];

/* Messages are put together aside, because the arguments may point into the old message. */
umbra_status umbra_fail(umbra_code code, const char *fmt, ...)
{
    char text[sizeof error_message] = "";
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    memcpy(error_message, text, strlen(text) + 1);
    return code;
}

umbra_status umbra_fail_within(umbra_status code, const char *fmt, ...)
{
    char text[sizeof error_message] = "";
    va_list args;
    va_start(args, fmt);
    int formatted = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    size_t used = formatted < 0 ? 0 : strlen(text), before = strlen(error_message);
    if (used + 2 < sizeof text) {
        size_t room = sizeof text - 1 - (used + 2), kept = before < room ? before : room;
        memcpy(text + used, ": ", 2);
        memcpy(text + used + 2, error_message, kept);
        text[used + 2 + kept] = 0;
    }
    memcpy(error_message, text, strlen(text) + 1);
    return code;
}

const char *umbra_error_message(void)
{
    return error_message;
}

int umbra_status_exit_code(umbra_status status)
{
    switch (status) {
    case UMBRA_OK:
        return 0;
    case UMBRA_E_USAGE:
        return 2;
    case UMBRA_E_INPUT:
    case UMBRA_E_MODEL:
    case UMBRA_E_MISMATCH:
        return 3;
    case UMBRA_E_SECURITY:
        return 4;
    case UMBRA_E_RESOURCE:
    case UMBRA_E_IO:
        return 5;
    case UMBRA_E_ACCURACY:
        return 7;
    case UMBRA_E_CANCELLED:
        return 130;
    case UMBRA_E_INTERNAL:
        break;
    }
    return 70;
}
