/* Tests of src/imaging/png_write.c: what is written reads back, and failures leave nothing behind.
 */
#include "check.h"
#include "imaging/image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void written_bytes_read_back(void **state)
{
    (void)state;
    char folder[] = "/tmp/umbra_test_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.png", folder);
    float pixels[256 + 4];
    umbra_image image = {.width = 26, .height = 10, .pixels = pixels}, back = {0};
    for (int i = 0; i < 256; i++)
        pixels[i] = (float)i / 255.0f;
    pixels[256] = NAN;
    pixels[257] = INFINITY;
    pixels[258] = -3.0f;
    pixels[259] = 7.0f;
    check_ok(umbra_image_write_png(&image, path));
    check_ok(umbra_image_read(path, &back));
    assert_string_equal(back.source, "PNG 8-bit grey");
    for (int i = 0; i < 256; i++)
        assert_true(back.pixels[i] == pixels[i]);
    assert_true(back.pixels[256] == 0.0f && back.pixels[257] == 1.0f);
    assert_true(back.pixels[258] == 0.0f && back.pixels[259] == 1.0f);
    umbra_image_free(&back);
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* so no other file is left */
}

static void failures_say_so_and_leave_nothing(void **state)
{
    (void)state;
    char folder[] = "/tmp/umbra_test_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    float pixel = 0.5f;
    umbra_image image = {.width = 1, .height = 1, .pixels = &pixel};
    check_fails(UMBRA_E_IO, "/nowhere/at/all.png: cannot create",
                umbra_image_write_png(&image, "/nowhere/at/all.png"));
    snprintf(path, sizeof path, "%s/taken.png", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    check_fails(UMBRA_E_IO, "taken.png: cannot rename", umbra_image_write_png(&image, path));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_bytes_read_back),
        cmocka_unit_test(failures_say_so_and_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
