/* Whether bytes from outside are text that may be shown: valid UTF-8 without control characters. */
#ifndef UMBRA_BASE_UTF8_H
#define UMBRA_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* A label of a file from somebody else ends up on a terminal, where an escape sequence could
 * rewrite what the user reads. Newline and tab are allowed; the other control characters, C0, DEL
 * and C1, are not, nor are overlong forms, surrogates and code points past U+10FFFF.
 *
 * offset: of the first byte that is wrong, where there is one; may be NULL
 * Source: Unicode 15, table 3-7 */
bool umbra_utf8_is_text(const char *text, size_t size, size_t *offset);

#endif
