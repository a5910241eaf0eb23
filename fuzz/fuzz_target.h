/* The entry point of a fuzz target, as libFuzzer calls it. */
#ifndef UMBRA_FUZZ_TARGET_H
#define UMBRA_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0. Any crash, sanitizer report or failed assert is a finding. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
