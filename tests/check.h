/* cmocka with the headers that it needs, and checks of a umbra_status and its message. */
#ifndef UMBRA_TESTS_CHECK_H
#define UMBRA_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "umbra/status.h"

static inline void check_ok_at(umbra_status status, const char *file, int line)
{
    if (status != UMBRA_OK) {
        print_error("status %d: %s\n", (int)status, umbra_error_message());
        _fail(file, line);
    }
}

static inline void check_fails_at(umbra_status status, umbra_code code, const char *text,
                                  const char *file, int line)
{
    if (status != code || strstr(umbra_error_message(), text) == NULL) {
        print_error("status %d, expected %d with \"%s\"; message: %s\n", (int)status, (int)code,
                    text, umbra_error_message());
        _fail(file, line);
    }
}

/* The call succeeds; or fails with this code, and a message that has `text` in it. */
#define check_ok(call) check_ok_at((call), __FILE__, __LINE__)
#define check_fails(code, text, call) check_fails_at((call), (code), (text), __FILE__, __LINE__)

#endif
