/* Tests of src/imaging/resample.c: identities, and a direct evaluation of the triangle filter. */
#include "check.h"
#include "imaging/image.h"

#include <math.h>
#include <stdlib.h>

static umbra_image image_of(int width, int height)
{
    umbra_image image = {.width = width, .height = height};
    image.pixels = calloc((size_t)width * (size_t)height, sizeof(float));
    assert_non_null(image.pixels);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            image.pixels[y * width + x] =
                0.5f + 0.25f * sinf(0.37f * (float)x) + 0.25f * cosf(0.23f * (float)(y + x));
    return image;
}

static void same_size_is_identity(void **state)
{
    (void)state;
    umbra_image image = image_of(64, 64);
    float tensor[64 * 64];
    check_ok(umbra_image_to_tensor(&image, 64, -1.0f, 1.0f, tensor));
    for (int i = 0; i < 64 * 64; i++)
        assert_true(tensor[i] == -1.0f + image.pixels[i] * 2.0f);
    free(image.pixels);
}

static void crop_takes_the_centre(void **state)
{
    (void)state;
    umbra_image image = image_of(75, 32), tall = image_of(32, 40);
    float tensor[32 * 32];
    check_ok(umbra_image_to_tensor(&image, 32, 0.0f, 1.0f, tensor));
    for (int i = 0; i < 32 * 32; i++) /* floor((75 - 32) / 2) = 21 */
        assert_true(tensor[i] == image.pixels[i / 32 * 75 + 21 + i % 32]);
    check_ok(umbra_image_to_tensor(&tall, 32, 0.0f, 1.0f, tensor));
    for (int i = 0; i < 32 * 32; i++)
        assert_true(tensor[i] == tall.pixels[(4 + i / 32) * 32 + i % 32]);
    free(image.pixels);
    free(tall.pixels);
}

/* Weight of source column u for output o: a triangle as wide as one output pixel, at least one
 * source pixel, over the source clamped at its ends. */
static double resampled(const umbra_image *image, double scale, double x, double y)
{
    double reach = scale < 1.0 ? 1.0 / scale : 1.0, sum = 0.0, total = 0.0;
    double cx = (x + 0.5) / scale - 0.5, cy = (y + 0.5) / scale - 0.5;
    for (int v = (int)floor(cy - reach); v <= (int)ceil(cy + reach); v++) {
        for (int u = (int)floor(cx - reach); u <= (int)ceil(cx + reach); u++) {
            double wx = 1.0 - fabs(u - cx) / reach, wy = 1.0 - fabs(v - cy) / reach;
            if (wx <= 0.0 || wy <= 0.0)
                continue;
            int cu = u < 0 ? 0 : u >= image->width ? image->width - 1 : u;
            int cv = v < 0 ? 0 : v >= image->height ? image->height - 1 : v;
            sum += wx * wy * (double)image->pixels[cv * image->width + cu];
            total += wx * wy;
        }
    }
    return sum / total;
}

static void check_scaled(int width, int height, int side)
{
    umbra_image image = image_of(width, height);
    float *tensor = calloc((size_t)side * (size_t)side, sizeof(float));
    assert_non_null(tensor);
    check_ok(umbra_image_to_tensor(&image, side, 0.0f, 1.0f, tensor));
    int shortest = width < height ? width : height;
    double scale = (double)side / shortest;
    double x0 = floor((floor(width * scale + 0.5) - side) / 2.0);
    double y0 = floor((floor(height * scale + 0.5) - side) / 2.0);
    double worst = 0.0;
    for (int y = 0; y < side; y++) {
        for (int x = 0; x < side; x++) {
            double expected = resampled(&image, scale, x + x0, y + y0);
            double error = fabs(expected - (double)tensor[y * side + x]);
            worst = error > worst ? error : worst;
        }
    }
    if (worst > 2e-6)
        print_error("%dx%d to %d: off by %g\n", width, height, side, worst);
    assert_true(worst <= 2e-6);
    free(image.pixels);
    free(tensor);
}

static void scaling_follows_the_triangle_filter(void **state)
{
    (void)state;
    check_scaled(128, 128, 64);
    check_scaled(101, 77, 32);
    check_scaled(20, 31, 64);
    check_scaled(300, 299, 256);
}

static void a_constant_stays_constant_at_any_shape(void **state)
{
    (void)state;
    static const int shapes[][2] = {{1, 1}, {1, 32768}, {32768, 1}, {3, 5000},
                                    {2, 2}, {4096, 1},  {255, 257}, {8192, 8192}};
    static float tensor[256 * 256];
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        umbra_image image = {.width = shapes[s][0], .height = shapes[s][1]};
        size_t count = (size_t)image.width * (size_t)image.height;
        image.pixels = malloc(count * sizeof(float));
        assert_non_null(image.pixels);
        for (size_t i = 0; i < count; i++)
            image.pixels[i] = 0.75f;
        check_ok(umbra_image_to_tensor(&image, 256, -1.0f, 1.0f, tensor));
        for (int i = 0; i < 256 * 256; i++)
            assert_true(fabsf(tensor[i] - 0.5f) < 1e-5f);
        free(image.pixels);
    }
}

static void what_is_not_a_number_never_passes(void **state)
{
    (void)state;
    umbra_image image = image_of(20, 20);
    float tensor[16 * 16] = {7.0f};
    image.pixels[45] = NAN;
    check_fails(UMBRA_E_INPUT, "not a number at x 5, y 2",
                umbra_image_to_tensor(&image, 16, -1.0f, 1.0f, tensor));
    image.pixels[45] = -INFINITY;
    check_fails(UMBRA_E_INPUT, "not a number",
                umbra_image_to_tensor(&image, 16, -1.0f, 1.0f, tensor));
    assert_true(tensor[0] == 7.0f);
    image.pixels[45] = 0.0f;
    check_fails(UMBRA_E_USAGE, "low < high", umbra_image_to_tensor(&image, 16, 1.0f, 1.0f, tensor));
    check_fails(UMBRA_E_USAGE, "side", umbra_image_to_tensor(&image, 0, -1.0f, 1.0f, tensor));
    free(image.pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_size_is_identity),
        cmocka_unit_test(crop_takes_the_centre),
        cmocka_unit_test(scaling_follows_the_triangle_filter),
        cmocka_unit_test(a_constant_stays_constant_at_any_shape),
        cmocka_unit_test(what_is_not_a_number_never_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
