/* Whether bytes from outside are text that may be shown: valid UTF-8 without control characters. */
#include "base/utf8.h"

#include <stdint.h>

/* Length of the sequence that starts with `lead`, 0 for a byte that starts none. The least code
 * point of each length keeps overlong forms out. */
static size_t sequence_length(unsigned char lead, uint32_t *bits, uint32_t *least)
{
    static const struct {
        unsigned char mask, mark;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if ((lead & forms[i].mask) == forms[i].mark) {
            *bits = (uint32_t)lead & ~(uint32_t)forms[i].mask;
            *least = forms[i].least;
            return i + 1;
        }
    return 0;
}

static bool may_be_shown(uint32_t code)
{
    if (code < 0x20)
        return code == '\n' || code == '\t';
    return !(code >= 0x7f && code < 0xa0) && !(code >= 0xd800 && code < 0xe000) && code < 0x110000;
}

bool umbra_utf8_is_text(const char *text, size_t size, size_t *offset)
{
    for (size_t at = 0; at < size;) {
        uint32_t code = 0, least = 0;
        size_t length = sequence_length((unsigned char)text[at], &code, &least);
        bool good = length > 0 && length <= size - at;
        for (size_t i = 1; good && i < length; i++) {
            unsigned char next = (unsigned char)text[at + i];
            good = (next & 0xc0) == 0x80;
            code = code << 6 | (next & 0x3f);
        }
        if (!good || code < least || !may_be_shown(code)) {
            if (offset != NULL)
                *offset = at;
            return false;
        }
        at += length;
    }
    return true;
}
