/* Tests of src/imaging/phantom.c: the same film for the same seed everywhere, another for another.
 */
#include "check.h"
#include "imaging/image.h"

#include <math.h>

static double mean_of(const umbra_image *image, double x0, double y0, double x1, double y1)
{
    double sum = 0.0, side = image->width;
    int count = 0;
    for (int y = (int)(y0 * side); y < (int)(y1 * side); y++)
        for (int x = (int)(x0 * side); x < (int)(x1 * side); x++, count++)
            sum += (double)image->pixels[y * image->width + x];
    return sum / count;
}

static void the_same_seed_gives_the_same_film(void **state)
{
    (void)state;
    umbra_image a = {0}, b = {0}, c = {0};
    check_ok(umbra_phantom_chest(256, 7, &a));
    check_ok(umbra_phantom_chest(256, 7, &b));
    check_ok(umbra_phantom_chest(256, 8, &c));
    assert_string_equal(a.source, "phantom chest film, seed 7");
    assert_memory_equal(a.pixels, b.pixels, 256 * 256 * sizeof(float));
    double difference = 0.0;
    for (int i = 0; i < 256 * 256; i++) {
        assert_true(a.pixels[i] >= 0.0f && a.pixels[i] <= 1.0f);
        difference += fabs((double)a.pixels[i] - (double)c.pixels[i]) / (256 * 256);
    }
    assert_true(difference > 0.02);
    umbra_image_free(&a);
    umbra_image_free(&b);
    umbra_image_free(&c);
}

/* Means of 32 x 32 pixels, out of 255. A compiler that fuses multiplications moves a pixel by less
 * than one; a changed drawing moves a mean by more. */
static void the_drawing_is_the_same_for_every_compiler(void **state)
{
    (void)state;
    static const unsigned char means[64] = {
        4,   42,  98,  157, 159, 102, 45,  16,  115, 123, 62,  127, 133, 62,  122, 117,
        149, 68,  68,  129, 148, 65,  64,  151, 127, 56,  86,  155, 169, 84,  57,  130,
        88,  66,  88,  185, 194, 134, 65,  86,  76,  73,  92,  189, 199, 191, 74,  76,
        87,  165, 201, 202, 200, 184, 145, 84,  131, 191, 200, 200, 201, 202, 192, 133,
    };
    umbra_image image = {0};
    check_ok(umbra_phantom_chest(256, 1, &image));
    for (int i = 0; i < 64; i++) {
        double x = i % 8 / 8.0, y = i / 8 / 8.0;
        double mean = 255.0 * mean_of(&image, x, y, x + 0.125, y + 0.125);
        assert_true(fabs(mean - means[i]) < 1.0);
    }
    umbra_image_free(&image);
}

static void it_is_a_chest(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        umbra_image image = {0};
        check_ok(umbra_phantom_chest(128, seed, &image));
        double air = mean_of(&image, 0.0, 0.0, 0.1, 0.08);
        double right_lung = mean_of(&image, 0.2, 0.3, 0.3, 0.6);
        double left_lung = mean_of(&image, 0.72, 0.25, 0.82, 0.5);
        double spine = mean_of(&image, 0.47, 0.5, 0.53, 0.7);
        double heart = mean_of(&image, 0.56, 0.6, 0.63, 0.7);
        double mirror = mean_of(&image, 0.30, 0.6, 0.37, 0.7);
        double liver = mean_of(&image, 0.2, 0.9, 0.4, 0.98);
        assert_true(air < 0.08 && right_lung < 0.45 && left_lung < 0.45);
        assert_true(spine > 0.6 && heart > 0.6 && liver > 0.6);
        assert_true(heart > mirror + 0.2); /* it lies to the patient's left */
        umbra_image_free(&image);
    }
}

static void impossible_sides_are_refused(void **state)
{
    (void)state;
    umbra_image image = {0};
    check_fails(UMBRA_E_USAGE, "side of 15 is outside 16 .. 4096",
                umbra_phantom_chest(15, 0, &image));
    check_fails(UMBRA_E_USAGE, "side of 4097", umbra_phantom_chest(4097, 0, &image));
    check_ok(umbra_phantom_chest(16, 0, &image));
    umbra_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_film),
        cmocka_unit_test(the_drawing_is_the_same_for_every_compiler),
        cmocka_unit_test(it_is_a_chest),
        cmocka_unit_test(impossible_sides_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
