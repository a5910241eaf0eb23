/* Tests of src/plan/layout.c. */
#include "check.h"
#include "plan/layout.h"

#include <stdlib.h>

/* Multiplexed: channels, height, width, grid height and width, gap; modular: grid height 0. */
typedef struct spec {
    int channels, height, width, grid_height, grid_width, gap;
    size_t slots;
} spec;

static const spec specs[] = {
    {16, 32, 32, 32, 32, 1, 16384}, {32, 16, 16, 32, 32, 2, 16384}, {64, 8, 8, 32, 32, 4, 16384},
    {4, 32, 32, 32, 32, 1, 16384},  {32, 32, 32, 32, 32, 1, 16384}, {5, 7, 3, 16, 8, 2, 1024},
    {1, 1, 1, 1, 1, 1, 1},          {7, 3, 3, 16, 16, 3, 256},      {14, 1, 1, 0, 0, 0, 16384},
    {64, 1, 1, 0, 0, 0, 64},        {11, 5, 4, 8, 4, 1, 64},        {2, 32, 32, 16, 16, -2, 1024},
    {1, 9, 7, 4, 2, -4, 32},
};

static umbra_layout layout_of(const spec *s)
{
    umbra_layout layout;
    if (s->grid_height == 0)
        check_ok(umbra_layout_modular(&layout, s->channels, s->slots));
    else if (s->gap < 0)
        check_ok(umbra_layout_phased(&layout, s->channels, s->height, s->width, s->grid_height,
                                     s->grid_width, -s->gap, s->slots));
    else
        check_ok(umbra_layout_multiplexed(&layout, s->channels, s->height, s->width, s->grid_height,
                                          s->grid_width, s->gap, s->slots));
    return layout;
}

static void the_stages_of_resnet20_have_their_layouts(void **state)
{
    (void)state;
    static const int blocks[] = {16, 8, 4, 4, 16};
    static const size_t copies[] = {1, 2, 4, 4, 1};
    static const int ciphertexts[] = {1, 1, 1, 1, 2};
    for (int i = 0; i < 5; i++) {
        umbra_layout layout = layout_of(&specs[i]);
        assert_int_equal(layout.blocks, blocks[i]);
        assert_int_equal(layout.copies, copies[i]);
        assert_int_equal(layout.ciphertexts, ciphertexts[i]);
        assert_int_equal(umbra_layout_period(&layout), 16384 / copies[i]);
    }
    umbra_layout layout = layout_of(&specs[1]);
    int ciphertext;
    size_t slot;
    umbra_layout_position(&layout, (6 * 16 + 3) * 16 + 5, &ciphertext, &slot); /* c 6, y 3, x 5 */
    assert_int_equal(ciphertext, 0);
    assert_int_equal(slot, 1 * 1024 + (3 * 2 + 1) * 32 + 5 * 2 + 0);
    layout = layout_of(&specs[4]);
    umbra_layout_position(&layout, 17 * 1024 + 5, &ciphertext, &slot);
    assert_int_equal(ciphertext, 1);
    assert_int_equal(slot, 1024 + 5);
}

/* A step by two in the image is one by one on the grid. */
static void phases_are_planes_of_their_own(void **state)
{
    (void)state;
    umbra_layout layout;
    int ciphertext;
    size_t slot;
    check_ok(umbra_layout_phased(&layout, 2, 32, 32, 16, 16, 2, 1024));
    assert_int_equal(layout.ciphertexts, 2);
    assert_int_equal(umbra_layout_elements(&layout), 2 * 32 * 32);
    umbra_layout_position(&layout, (1 * 32 + 7) * 32 + 10, &ciphertext, &slot); /* phase (1, 0) */
    assert_int_equal(ciphertext, 1);
    assert_int_equal(slot, 2 * 256 + 3 * 16 + 5);
    check_fails(UMBRA_E_MODEL, "3 phases",
                umbra_layout_phased(&layout, 2, 32, 32, 16, 16, 3, 1024));
    check_fails(UMBRA_E_MODEL, "do not fit",
                umbra_layout_phased(&layout, 2, 33, 32, 16, 16, 2, 1024));
}

static void positions_are_unique_in_every_copy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        umbra_layout layout = layout_of(&specs[i]);
        size_t period = umbra_layout_period(&layout), slots = layout.slots;
        unsigned char *taken = calloc((size_t)layout.ciphertexts * slots, 1);
        assert_non_null(taken);
        assert_int_equal(slots % period, 0);
        for (size_t e = 0; e < umbra_layout_elements(&layout); e++) {
            int ciphertext;
            size_t slot;
            umbra_layout_position(&layout, e, &ciphertext, &slot);
            assert_in_range(ciphertext, 0, layout.ciphertexts - 1);
            assert_true(slot < period);
            for (; slot < slots; slot += period) {
                assert_int_equal(taken[(size_t)ciphertext * slots + slot], 0);
                taken[(size_t)ciphertext * slots + slot] = 1;
            }
        }
        free(taken);
    }
}

static void gathering_undoes_scattering(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        umbra_layout layout = layout_of(&specs[i]);
        size_t count = umbra_layout_elements(&layout), period = umbra_layout_period(&layout);
        size_t slots = (size_t)layout.ciphertexts * layout.slots, filled = 0;
        float *tensor = malloc(count * sizeof *tensor);
        double *vector = malloc(slots * sizeof *vector), *back = malloc(count * sizeof *back);
        assert_true(tensor != NULL && vector != NULL && back != NULL);
        for (size_t e = 0; e < count; e++)
            tensor[e] = (float)(e + 1);
        for (size_t s = 0; s < slots; s++)
            vector[s] = -1.0;
        umbra_layout_scatter(&layout, tensor, 1, vector);
        umbra_layout_gather(&layout, vector, 1, back);
        for (size_t e = 0; e < count; e++)
            assert_true(back[e] == (double)tensor[e]);
        for (size_t s = 0; s < slots; s++) {
            filled += vector[s] != 0.0;
            assert_true(vector[s] >= 0.0);
            if (s % layout.slots >= period)
                assert_true(vector[s] == vector[s - period]);
        }
        assert_int_equal(filled, count * (layout.slots / period));
        free(tensor);
        free(vector);
        free(back);
    }
}

/* Each image stands in its own room, and rooms without an image are zero. */
static void images_stand_side_by_side(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        const int images = 4, count = 3;
        umbra_layout one = layout_of(&specs[i]), layout = one;
        check_ok(umbra_layout_set_images(&layout, images));
        assert_int_equal(layout.images, images);
        assert_int_equal(layout.slots, (size_t)images * one.slots);
        assert_int_equal(layout.ciphertexts, one.ciphertexts);
        assert_int_equal(umbra_layout_period(&layout), one.slots);
        size_t elements = umbra_layout_elements(&layout), filled = 0;
        size_t slots = (size_t)layout.ciphertexts * layout.slots;
        float *tensors = malloc((size_t)count * elements * sizeof *tensors);
        double *vector = malloc(slots * sizeof *vector);
        double *back = malloc((size_t)count * elements * sizeof *back);
        assert_true(tensors != NULL && vector != NULL && back != NULL);
        for (size_t e = 0; e < (size_t)count * elements; e++)
            tensors[e] = (float)(e + 1);
        for (size_t s = 0; s < slots; s++)
            vector[s] = -1.0;
        umbra_layout_scatter(&layout, tensors, count, vector);
        umbra_layout_gather(&layout, vector, count, back);
        for (size_t e = 0; e < (size_t)count * elements; e++)
            assert_true(back[e] == (double)tensors[e]);
        for (size_t s = 0; s < slots; s++) {
            size_t room = s % layout.slots / one.slots;
            filled += vector[s] != 0.0;
            if (vector[s] != 0.0)
                assert_int_equal(((size_t)vector[s] - 1) / elements, room);
        }
        assert_int_equal(filled, (size_t)count * elements);
        free(tensors);
        free(vector);
        free(back);
    }
}

static void batches_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const int bad[] = {0, -1, 3, 12, 128, 1000000000, 1 << 30, INT32_MIN};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        umbra_layout layout = layout_of(&specs[0]), before = layout;
        check_fails(UMBRA_E_MODEL, "images", umbra_layout_set_images(&layout, bad[i]));
        assert_memory_equal(&layout, &before, sizeof layout);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    umbra_layout out;
    memset(&out, 7, sizeof out);
    umbra_layout before = out;
    check_fails(UMBRA_E_MODEL, "do not fit a grid",
                umbra_layout_multiplexed(&out, 4, 33, 32, 32, 32, 1, 16384));
    check_fails(UMBRA_E_MODEL, "do not fit a grid",
                umbra_layout_multiplexed(&out, 4, 8, 17, 32, 32, 2, 16384));
    check_fails(UMBRA_E_MODEL, "do not fit a grid",
                umbra_layout_multiplexed(&out, 1, 128, 128, 256, 128, 1, 16384));
    check_fails(UMBRA_E_MODEL, "do not fit a grid",
                umbra_layout_multiplexed(&out, 1, 32, 32, 32, 32, INT32_MAX, 16384));
    check_fails(UMBRA_E_MODEL, "powers of two",
                umbra_layout_multiplexed(&out, 1, 20, 20, 20, 32, 1, 16384));
    check_fails(UMBRA_E_MODEL, "power of two",
                umbra_layout_multiplexed(&out, 1, 2, 2, 2, 2, 1, 1000));
    check_fails(UMBRA_E_MODEL, "2^28 elements",
                umbra_layout_multiplexed(&out, 0, 2, 2, 2, 2, 1, 1024));
    check_fails(UMBRA_E_MODEL, "2^28 elements",
                umbra_layout_multiplexed(&out, INT32_MAX, INT32_MAX, INT32_MAX, 2, 2, 1, 1024));
    check_fails(UMBRA_E_MODEL, "ciphertexts",
                umbra_layout_multiplexed(&out, 1 << 27, 1, 1, 128, 128, 1, 16384));
    check_fails(UMBRA_E_MODEL, "vector of 65", umbra_layout_modular(&out, 65, 64));
    check_fails(UMBRA_E_MODEL, "vector of 0", umbra_layout_modular(&out, 0, 64));
    assert_memory_equal(&out, &before, sizeof out);
}

static void layouts_are_read_as_written(void **state)
{
    (void)state;
    static const unsigned char golden[] = {0,  0, 64, 0, 0,  1, 0, 0, 0,  32, 0, 0, 0, 16, 0, 0, 0,
                                           16, 0, 0,  0, 32, 0, 0, 0, 32, 0,  0, 0, 2, 0,  0, 0};
    static const unsigned char golden_vector[] = {1, 0, 64, 0, 0, 1, 0, 0, 0, 14, 0, 0, 0};
    static const unsigned char golden_batch[] = {1, 0, 64, 0, 0, 4, 0, 0, 0, 14, 0, 0, 0};
    umbra_writer writer = {0};
    umbra_layout layout = layout_of(&specs[1]);
    umbra_layout_write(&layout, &writer);
    assert_int_equal(writer.size, sizeof golden);
    assert_memory_equal(writer.bytes, golden, sizeof golden);
    layout = layout_of(&specs[8]);
    umbra_layout_write(&layout, &writer);
    assert_memory_equal(writer.bytes + sizeof golden, golden_vector, sizeof golden_vector);
    check_ok(umbra_layout_set_images(&layout, 4));
    umbra_layout_write(&layout, &writer);
    assert_memory_equal(writer.bytes + sizeof golden + sizeof golden_vector, golden_batch,
                        sizeof golden_batch);
    umbra_writer_free(&writer);
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        layout = layout_of(&specs[i]);
        check_ok(umbra_layout_set_images(&layout, 1 << i % 3));
        umbra_layout_write(&layout, &writer);
        umbra_layout back;
        memset(&back, 0, sizeof back);
        umbra_reader reader = umbra_reader_make(writer.bytes, writer.size, "x.plan");
        check_ok(umbra_layout_read(&reader, &back));
        assert_int_equal(umbra_reader_left(&reader), 0);
        assert_memory_equal(&back, &layout, sizeof back);
        for (size_t size = 0; size < writer.size; size++) {
            unsigned char *cut = malloc(size + 1);
            assert_non_null(cut);
            memcpy(cut, writer.bytes, size);
            reader = umbra_reader_make(cut, size, "x.plan");
            check_fails(UMBRA_E_INPUT, "x.plan: truncated", umbra_layout_read(&reader, &back));
            free(cut);
        }
        umbra_writer_free(&writer);
    }
}

/* One field of a good layout is replaced. */
static void hostile_layouts_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint32_t value;
        const char *text;
    } faults[] = {{0, 3, "kind"},
                  {1, 0, "power of two"},
                  {1, 1000, "power of two"},
                  {1, 1u << 31, "power"},
                  {5, 0, "images"},
                  {5, 3, "images"},
                  {5, 128, "images"},
                  {5, 1000000000u, "images"},
                  {5, 1u << 30, "images"},
                  {5, 0xffffffffu, "images"},
                  {9, 0, "elements"},
                  {9, 0xffffffffu, "elements"},
                  {13, 0, "elements"},
                  {13, 0x80000000u, "elements"},
                  {17, 0x7fffffffu, "elements"},
                  {9, 0x80000020u, "elements"},
                  {21, 0, "powers of two"},
                  {21, 33, "powers of two"},
                  {21, 1u << 30, "do not fit"},
                  {25, 31, "powers"},
                  {25, 0xfffffff0u, "powers"},
                  {29, 0, "gap"},
                  {29, 3, "do not fit"},
                  {29, 0x7fffffffu, "do not fit"}};
    umbra_writer writer = {0};
    umbra_layout layout = layout_of(&specs[1]), out = layout;
    umbra_layout_write(&layout, &writer);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        unsigned char bytes[64];
        memcpy(bytes, writer.bytes, writer.size);
        for (size_t k = 0; k < (faults[i].at == 0 ? 1 : 4); k++)
            bytes[faults[i].at + k] = (unsigned char)(faults[i].value >> 8 * k);
        umbra_reader reader = umbra_reader_make(bytes, writer.size, "bad.plan");
        check_fails(UMBRA_E_INPUT, faults[i].text, umbra_layout_read(&reader, &out));
        assert_non_null(strstr(umbra_error_message(), "bad.plan: "));
        assert_memory_equal(&out, &layout, sizeof out);
    }
    umbra_writer_free(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stages_of_resnet20_have_their_layouts),
        cmocka_unit_test(phases_are_planes_of_their_own),
        cmocka_unit_test(positions_are_unique_in_every_copy),
        cmocka_unit_test(gathering_undoes_scattering),
        cmocka_unit_test(images_stand_side_by_side),
        cmocka_unit_test(batches_that_do_not_fit_are_refused),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(layouts_are_read_as_written),
        cmocka_unit_test(hostile_layouts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
