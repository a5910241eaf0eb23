/* Fuzz target: the reader of ciphertexts, and what a server first does with one. */
#include "ckks/evaluator.h"
#include "fuzz_target.h"
#include "golden_params.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const umbra_params *params = golden_params();
    umbra_reader reader = umbra_reader_make(data, size, "input");
    umbra_ciphertext *ct = NULL;
    if (umbra_ciphertext_read(&reader, params, &ct) != UMBRA_OK) {
        assert(ct == NULL);
        return 0;
    }
    umbra_writer again = {0};
    umbra_evaluator *e = NULL;
    assert(umbra_ciphertext_write(&again, ct, NULL) == UMBRA_OK);
    if (data[2] == 0) /* full: what was read is what is written */
        assert(again.size == reader.offset && memcmp(again.bytes, data, again.size) == 0);
    if (umbra_evaluator_new(&e, params, NULL, NULL) == UMBRA_OK) {
        (void)!umbra_eval_add(e, ct, ct, ct);
        (void)!umbra_eval_multiply_scalar(e, ct, ct, 3, 2);
        (void)!umbra_eval_rotate(e, ct, ct, 1);
        (void)!umbra_eval_rescale(e, ct, ct);
    }
    umbra_evaluator_free(e);
    umbra_writer_free(&again);
    umbra_ciphertext_free(ct);
    return 0;
}
