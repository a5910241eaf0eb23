/* Fuzz target: the client profile reader on arbitrary bodies, sealed as a file is. */
#include "fuzz_target.h"
#include "plan/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BODY_MOST 16384
#define ELEMENTS_MOST 4096

/* A file without a name, reached through its descriptor. */
static FILE *scratch;
static char path[64];

static int seal(const uint8_t *data, size_t size)
{
    unsigned char header[UMBRA_ENVELOPE_BYTES], hash[UMBRA_HASH_BYTES] = {0};
    umbra_reader body = umbra_reader_make(data, size, "body");
    umbra_params *params = NULL;
    if (umbra_params_read(&body, &params) == UMBRA_OK)
        memcpy(hash, umbra_params_hash(params), sizeof hash);
    umbra_params_free(params);
    if (scratch == NULL) {
        scratch = tmpfile();
        if (scratch == NULL)
            abort();
        snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(scratch));
    }
    umbra_envelope_seal(header, UMBRA_KIND_PROFILE, UMBRA_PROFILE_VERSION, hash, 0, data, size);
    rewind(scratch);
    return fwrite(header, 1, sizeof header, scratch) == sizeof header &&
           fwrite(data, 1, size, scratch) == size && fflush(scratch) == 0 &&
           ftruncate(fileno(scratch), (off_t)(sizeof header + size)) == 0;
}

/* What the client does with a layout stays inside its slots. */
static void check_layout(const umbra_layout *layout, size_t slots)
{
    size_t count = umbra_layout_elements(layout), step = count / ELEMENTS_MOST + 1;
    if (layout->slots != slots || count == 0 || umbra_layout_period(layout) > slots)
        abort();
    for (size_t i = 0; i < count; i += step) {
        int ciphertext = -1;
        size_t slot = SIZE_MAX;
        umbra_layout_position(layout, i, &ciphertext, &slot);
        if (ciphertext < 0 || ciphertext >= layout->ciphertexts ||
            slot >= umbra_layout_period(layout))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    umbra_profile *profile = NULL;
    if (size > BODY_MOST || !seal(data, size))
        return 0;
    if (umbra_profile_load(path, &profile) != UMBRA_OK)
        return 0;
    check_layout(&profile->input_layout, umbra_params_slots(profile->params));
    check_layout(&profile->output_layout, umbra_params_slots(profile->params));
    for (size_t i = 0; i < profile->key_count; i++)
        if (profile->keys[i].level >= umbra_params_level_count(profile->params))
            abort();
    umbra_profile_free(profile);
    return 0;
}
