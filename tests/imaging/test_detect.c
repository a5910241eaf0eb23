/* Tests of src/imaging/detect.c and image_read.c: content decides, and refusals name the remedy. */
#include "check.h"
#include "imaging/make_image.h"

#include <fcntl.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_refused(const char *bytes, size_t size, const char *text)
{
    umbra_image image = {.width = 7};
    unsigned char *copy = malloc(size + 1); /* on the heap, where a sanitizer sees its end */
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    check_fails(UMBRA_E_INPUT, text, umbra_image_decode(copy, size, "f", &image));
    assert_int_equal(image.width, 7);
    free(copy);
}

static void other_formats_are_named_with_a_remedy(void **state)
{
    (void)state;
    char nifti[352] = {0};
    memcpy(nifti + 344, "n+1", 4);
    check_refused("", 0, "f: the file is empty");
    check_refused("x", 1, "f: the first bytes are not those of a PNG, JPEG, TIFF or DICOM file");
    check_refused("\x1f\x8b\x08", 3, "f: this is a gzip file, which is not read; unpack it");
    check_refused("%PDF-1.7", 8, "f: this is a PDF file");
    check_refused("\xff\x4f\xff\x51\0\0", 6, "f: this is a JPEG 2000 file");
    check_refused("\x93NUMPY\x01\0", 8, "f: this is a NumPy file");
    check_refused(nifti, sizeof nifti, "f: this is a NIfTI file");
    check_refused("\x89PNG\r\n\x1a\n", 8, "f: damaged PNG near byte 8");
    check_refused("\xff\xd8\xff", 3, "f: damaged or unsupported JPEG");
    check_refused("II*\0", 4, "f: damaged TIFF");
    check_refused("\x08\0\x05\0CS\x0a\0ISO_IR 100", 18, "f: no PixelData");
}

static void files_are_read_by_content_not_name(void **state)
{
    (void)state;
    char folder[] = "/tmp/umbra_test_XXXXXX", path[64];
    umbra_image image = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/film.dcm", folder);
    made_file file = make_png(5, 4, 8, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(file.bytes, 1, file.size, f), file.size);
    fclose(f);
    check_ok(umbra_image_read(path, &image));
    assert_string_equal(image.source, "PNG 8-bit grey");
    umbra_image_free(&image);
    umbra_image_free(&image); /* twice does no harm */
    umbra_image_free(NULL);
    free(file.bytes);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    check_fails(UMBRA_E_INPUT, "film.dcm: this is a device or pipe",
                umbra_image_read(path, &image));
    unlink(path);
    check_fails(UMBRA_E_INPUT, ": this is a directory; give one image file",
                umbra_image_read(folder, &image));
    check_fails(UMBRA_E_INPUT, "film.dcm: cannot open: No such file",
                umbra_image_read(path, &image));
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(ftruncate(fileno(f), (off_t)3 << 30), 0); /* sparse: takes no disk */
    fclose(f);
    check_fails(UMBRA_E_INPUT, "film.dcm: 3221225472 bytes are more than the limit",
                umbra_image_read(path, &image));
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_formats_are_named_with_a_remedy),
        cmocka_unit_test(files_are_read_by_content_not_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
