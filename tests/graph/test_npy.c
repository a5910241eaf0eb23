/* NumPy files: written ones are read back, legal headers in every form, hostile ones refused. */
#include "check.h"

#include "base/memory.h"
#include "graph/build.h"
#include "graph/npy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void round_trip(umbra_shape shape)
{
    char path[] = "/tmp/umbra_npy_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    fclose(file);
    float data[24], *back;
    umbra_shape shape_back;
    for (int i = 0; i < 24; i++)
        data[i] = (float)i * 0.5f - 3.0f;
    data[1] = -0.0f;
    check_ok(umbra_npy_write_f32(path, &shape, data));
    check_ok(umbra_npy_read_f32(path, &shape_back, &back));
    assert_true(umbra_shape_equal(&shape, &shape_back));
    assert_memory_equal(data, back, (size_t)umbra_shape_elements(&shape) * sizeof(float));
    umbra_memory_free(back);
    remove(path);
}

static void test_round_trip(void **state)
{
    (void)state;
    round_trip((umbra_shape){.rank = 0});
    round_trip((umbra_shape){.rank = 1, .dim = {24}});
    round_trip((umbra_shape){.rank = 4, .dim = {1, 2, 3, 4}});
    round_trip((umbra_shape){.rank = 2, .dim = {0, 7}});
    round_trip((umbra_shape){.rank = 6, .dim = {1, 2, 1, 3, 4, 1}});
}

/* A version 1 file with this header text and `data_bytes` zeros. */
static size_t make(unsigned char *out, const char *header, size_t data_bytes)
{
    size_t length = strlen(header);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (unsigned char)length;
    out[9] = (unsigned char)(length >> 8);
    memcpy(out + 10, header, length);
    memset(out + 10 + length, 0, data_bytes);
    return 10 + length + data_bytes;
}

static umbra_status parse(const char *header, size_t data_bytes)
{
    static unsigned char file[4096];
    umbra_shape shape;
    float *data = NULL;
    umbra_status status =
        umbra_npy_parse_f32(file, make(file, header, data_bytes), "x.npy", &shape, &data);
    umbra_memory_free(data);
    return status;
}

static void test_headers(void **state)
{
    (void)state;
    check_ok(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", 24));
    check_ok(parse("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n", 48));
    check_ok(parse("{\"shape\":(3,),\"fortran_order\":False,\"descr\":\"<f4\"}", 12));
    check_ok(parse("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 4));
    check_fails(UMBRA_E_INPUT, "float32 or float64",
                parse("{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }", 24));
    check_fails(UMBRA_E_INPUT, "float32 or float64",
                parse("{'descr': '>f4', 'fortran_order': False, 'shape': (3,), }", 12));
    check_fails(UMBRA_E_INPUT, "Fortran",
                parse("{'descr': '<f4', 'fortran_order': True, 'shape': (3,), }", 12));
    check_fails(UMBRA_E_INPUT, "bytes of data",
                parse("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 11));
    check_fails(UMBRA_E_INPUT, "bytes of data",
                parse("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 13));
    check_fails(UMBRA_E_INPUT, "elements",
                parse("{'descr': '<f4', 'fortran_order': False, 'shape': (99999, 99999), }", 8));
    static const char *const broken[] = {
        "",
        "{",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3 }",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}",
        "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (3,)}",
        "{'other': '<f4', 'fortran_order': False, 'shape': (3,)}",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        check_fails(UMBRA_E_INPUT, "header cannot be read", parse(broken[i], 4));
}

static void test_truncated(void **state)
{
    (void)state;
    unsigned char file[256];
    umbra_shape shape;
    float *data = NULL;
    size_t size = make(file, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\n", 12);
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *exact = malloc(cut + 1); /* the sanitizer sees a read past the end */
        assert_non_null(exact);
        memcpy(exact, file, cut);
        assert_int_equal(umbra_npy_parse_f32(exact, cut, "x", &shape, &data), UMBRA_E_INPUT);
        free(exact);
    }
    check_fails(UMBRA_E_INPUT, "nowhere.npy", umbra_npy_read_f32("nowhere.npy", &shape, &data));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_truncated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
