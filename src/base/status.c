/* Status codes and the thread-local error message. */
#include "umbra/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char error_message[4096];

umbra_status umbra_fail(umbra_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(error_message, sizeof error_message, fmt, args);
    va_end(args);
    return code;
}

umbra_status umbra_fail_within(umbra_status code, const char *fmt, ...)
{
    char before[sizeof error_message];
    memcpy(before, error_message, sizeof before);
    va_list args;
    va_start(args, fmt);
    int used = vsnprintf(error_message, sizeof error_message, fmt, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof error_message)
        snprintf(error_message + used, sizeof error_message - (size_t)used, ": %.*s",
                 (int)sizeof before - 1, before);
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
