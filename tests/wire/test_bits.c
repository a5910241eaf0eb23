/* Tests of src/wire/bits.c against an oracle that moves one bit at a time. */
#include "check.h"
#include "wire/bytes.h"

#include <stdlib.h>

static uint64_t random_state = 88172645463325252u;

static uint64_t random_u64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Crowded at both ends of the range. */
static uint64_t random_value(int bits)
{
    uint64_t largest = UINT64_MAX >> (64 - bits), r = random_u64();
    switch (r % 4) {
    case 0:
        return largest - (r >> 8) % (largest < 4 ? largest + 1 : 4);
    case 1:
        return (r >> 8) % 4 & largest;
    default:
        return random_u64() & largest;
    }
}

static void pack_slowly(unsigned char *out, const uint64_t *values, size_t count, int bits)
{
    memset(out, 0, (count * (size_t)bits + 7) / 8);
    for (size_t i = 0; i < count * (size_t)bits; i++)
        if (values[i / (size_t)bits] >> i % (size_t)bits & 1)
            out[i / 8] |= (unsigned char)(1u << i % 8);
}

static void packing_agrees_with_the_slow_way(void **state)
{
    (void)state;
    for (int bits = 1; bits <= 64; bits++)
        for (size_t count = 0; count <= 70; count++) {
            size_t size = umbra_packed_bytes(count, bits);
            assert_int_equal(size, (count * (size_t)bits + 7) / 8);
            uint64_t values[70], again[71];
            unsigned char expected[70 * 8];
            unsigned char *packed =
                malloc(size + 1); /* exact, so that a sanitizer sees an overrun */
            assert_non_null(packed);
            packed[size] = 0xa5;
            for (size_t i = 0; i < count; i++)
                values[i] = random_value(bits);
            pack_slowly(expected, values, count, bits);
            umbra_pack_bits(packed, values, count, bits);
            assert_memory_equal(packed, expected, size);
            assert_int_equal(packed[size], 0xa5);
            packed = realloc(packed, size + (size == 0));
            assert_non_null(packed);
            again[count] = 0xa5a5;
            assert_true(umbra_unpack_bits(again, packed, count, bits, 0));
            assert_memory_equal(again, values, count * sizeof *values);
            assert_int_equal(again[count], 0xa5a5);
            free(packed);
        }
}

static void residues_that_are_too_large_are_refused(void **state)
{
    (void)state;
    enum { COUNT = 83 }; /* groups of eight and what they leave */
    for (int bits = 2; bits <= 64; bits++)
        for (size_t bad = 0; bad < COUNT; bad++) {
            uint64_t limit = (UINT64_MAX >> (64 - bits)) - 1; /* two values are too large */
            uint64_t values[COUNT], again[COUNT];
            unsigned char packed[COUNT * 8];
            for (size_t i = 0; i < COUNT; i++)
                values[i] = random_u64() % limit;
            values[bad] = limit - 1;
            umbra_pack_bits(packed, values, COUNT, bits);
            assert_true(umbra_unpack_bits(again, packed, COUNT, bits, limit));
            values[bad] = limit;
            umbra_pack_bits(packed, values, COUNT, bits);
            assert_false(umbra_unpack_bits(again, packed, COUNT, bits, limit));
        }
}

static void padding_must_be_zero(void **state)
{
    (void)state;
    for (int bits = 1; bits <= 64; bits++)
        for (size_t count = 1; count <= 20; count++) {
            uint64_t values[20] = {0}, again[20];
            unsigned char packed[20 * 8];
            umbra_pack_bits(packed, values, count, bits);
            size_t size = umbra_packed_bytes(count, bits), used = count * (size_t)bits;
            for (size_t bit = used; bit < 8 * size; bit++) {
                packed[bit / 8] ^= (unsigned char)(1u << bit % 8);
                assert_false(umbra_unpack_bits(again, packed, count, bits, 0));
                packed[bit / 8] ^= (unsigned char)(1u << bit % 8);
            }
            assert_true(umbra_unpack_bits(again, packed, count, bits, 0));
        }
}

static void sizes_that_do_not_fit_are_told(void **state)
{
    (void)state;
    assert_int_equal(umbra_packed_bytes(SIZE_MAX, 64), SIZE_MAX);
    assert_int_equal(umbra_packed_bytes(SIZE_MAX / 8 + 1, 64), SIZE_MAX);
    assert_int_equal(umbra_packed_bytes(SIZE_MAX / 8, 64), SIZE_MAX / 8 * 8);
    assert_int_equal(umbra_packed_bytes(SIZE_MAX, 1), SIZE_MAX / 8 + 1);
    assert_int_equal(umbra_packed_bytes(32768, 50), 204800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packing_agrees_with_the_slow_way),
        cmocka_unit_test(residues_that_are_too_large_are_refused),
        cmocka_unit_test(padding_must_be_zero),
        cmocka_unit_test(sizes_that_do_not_fit_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
