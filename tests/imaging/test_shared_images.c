/* Real and malformed files of ../shared/data: each decodes or is refused as its manifest tells, and
 * a sample of the DICOM files equals what DCMTK's own command line tools show. */
#include "check.h"
#include "imaging/image.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIELDS 16

typedef struct tally {
    int rows, decoded, refused, wrong;
} tally;

/* Rows that do otherwise than the rule over the manifest's columns says, and why. */
typedef struct exception {
    const char *file;
    bool decodes;
    const char *why;
} exception;

static const exception dicom_exceptions[] = {
    {"pydicom__badVR.dcm", true, "DCMTK reads past the wrong value representation"},
    {"pydicom-data__OT-PAL-8-face.dcm", true, "no meta header, which DCMTK does without"},
    {"fo-dicom__GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm", true,
     "DCMTK reads the private sequence on which pydicom stops"},
    {"pydicom__rtdose_expb.dcm", false, "32 bits in big-endian order"},
    {"pydicom__rtdose_expb_1frame.dcm", false, "32 bits in big-endian order"},
    {"pydicom-data__SC_rgb_32bit.dcm", false, "DCMTK shows no colour of 32 bits"},
    {"pydicom-data__SC_rgb_32bit_2frame.dcm", false, "DCMTK shows no colour of 32 bits"},
    {"pydicom-data__SC_rgb_expb_32bit.dcm", false, "DCMTK shows no colour of 32 bits"},
    {"pydicom-data__SC_rgb_expb_32bit_2frame.dcm", false, "DCMTK shows no colour of 32 bits"},
    {"pydicom-data__JLSL_08_07_0_1F.dcm", false, "7-bit JPEG-LS, which dcml2pnm refuses too"},
    {"pydicom-data__liver_rle.dcm", false, "1-bit RLE, which dcm2pnm refuses too"},
    {"pydicom-data__liver_nonbyte_aligned_rle.dcm", false, "1-bit RLE"},
    {"pydicom-data__gdcm-US-ALOKA-16.dcm", false, "segmented palette, not in DCMTK"},
    {"pydicom-data__gdcm-US-ALOKA-16_big.dcm", false, "segmented palette, not in DCMTK"},
    {"fo-dicom__GH364.dcm", false, "an item outside any sequence, which dcm2pnm refuses too"},
    {"fo-dicom__GH1339.dcm", false, "the end of the pixel sequence is missing"},
    {NULL, false, NULL},
};

static const exception tiff_exceptions[] = {
    {"image-tiff__BigTIFF.tif", true, "sound, though the manifest's reader stops"},
    {"image-tiff__BigTIFFLong.tif", true, "sound, though the manifest's reader stops"},
    {"image-tiff__BigTIFFMotorola.tif", true, "sound, though the manifest's reader stops"},
    {"Pillow__crash-0da013a13571cc8eb457a39fee8db18f8a3c7127.tif", true, "fax errors are repaired"},
    {"Pillow__crash-74d2a78403a5a59db1fb0a2b8735ac068a75f6e3.tif", true, "fax errors are repaired"},
    {"image-tiff__big_g4.tif", false, "65537 rows"},
    {"Pillow__libtiff_segfault.tif", false, "65535 columns"},
    {NULL, false, NULL},
};

static FILE *open_manifest(const char *folder)
{
    char path[500];
    const char *data = getenv("UMBRA_DATA");
    snprintf(path, sizeof path, "%s/%s/manifest.csv", data != NULL ? data : "../shared/data",
             folder);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        print_message("skipped: no %s; set UMBRA_DATA to the folder of real data\n", path);
    return f;
}

static void path_of(const char *folder, const char *file, char *path, size_t size)
{
    const char *data = getenv("UMBRA_DATA");
    int length =
        snprintf(path, size, "%s/%s/%s", data != NULL ? data : "../shared/data", folder, file);
    assert_true(length > 0 && (size_t)length < size);
}

/* Split at commas outside quotes; quotes themselves stay. */
static void split(char *line, char *fields[FIELDS])
{
    static char nothing[] = "";
    for (int i = 0; i < FIELDS; i++)
        fields[i] = nothing;
    bool is_quoted = false;
    int count = 0;
    fields[count++] = line;
    for (char *c = line; *c != '\0'; c++) {
        if (*c == '"')
            is_quoted = !is_quoted;
        if (*c == ',' && !is_quoted && count < FIELDS) {
            *c = '\0';
            fields[count++] = c + 1;
        }
    }
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool dicom_rule(char *fields[FIELDS])
{
    const char *photometric = fields[4], *rows = fields[5], *syntax = fields[11];
    const char *result = fields[13][0] == '"' ? fields[13] + 1 : fields[13];
    return photometric[0] != '\0' && rows[0] != '\0' && !begins(result, "ERR AttributeError") &&
           !begins(result, "ERR TypeError") && !begins(result, "ERR ValueError") &&
           !begins(syntax, "JPEG 2000") && strcmp(syntax, "1.2.840.10008.1.2.4.203") != 0 &&
           strcmp(syntax, "1.2.840.10008.1.2.8.1") != 0;
}

static bool tiff_rule(char *fields[FIELDS])
{
    static const char *const unread[] = {"SEPARATED", "CIELAB",  "LOGLUV",
                                         "OJPEG",     "float16", "uint64"};
    const char *info = fields[2];
    if (begins(info, "ERR") || begins(fields[0], "Pillow__crash"))
        return false;
    for (size_t i = 0; i < sizeof unread / sizeof *unread; i++)
        if (strstr(info, unread[i]) != NULL)
            return false;
    return true;
}

static bool expected_of(const exception *list, const char *file, bool by_rule)
{
    for (; list->file != NULL; list++)
        if (strcmp(list->file, file) == 0)
            return list->decodes;
    return by_rule;
}

static void check_row(const char *folder, const char *file, bool expected, tally *t)
{
    char path[600];
    umbra_image image = {0};
    path_of(folder, file, path, sizeof path);
    umbra_status status = umbra_image_read(path, &image);
    t->rows++;
    t->decoded += status == UMBRA_OK;
    t->refused += status != UMBRA_OK;
    if ((status == UMBRA_OK) != expected) {
        t->wrong++;
        print_error("%s: %s\n", file, status == UMBRA_OK ? image.source : umbra_error_message());
    }
    if (status != UMBRA_OK)
        assert_true(status == UMBRA_E_INPUT && begins(umbra_error_message(), path));
    for (int i = 0; status == UMBRA_OK && i < image.width * image.height; i++)
        assert_true(image.pixels[i] >= 0.0f && image.pixels[i] <= 1.0f);
    umbra_image_free(&image);
}

static void check_manifest(const char *folder, bool (*rule)(char *fields[FIELDS]),
                           const exception *exceptions, bool is_tiff_only)
{
    char line[4096], *fields[FIELDS];
    tally t = {0};
    FILE *manifest = open_manifest(folder);
    if (manifest == NULL)
        skip();
    (void)!fgets(line, sizeof line, manifest);
    while (fgets(line, sizeof line, manifest) != NULL) {
        split(line, fields);
        bool is_tiff = strstr(fields[0], ".tif") != NULL;
        bool expected = (is_tiff || !is_tiff_only) && rule(fields);
        if (is_tiff || !is_tiff_only)
            check_row(folder, fields[0], expected_of(exceptions, fields[0], expected), &t);
    }
    fclose(manifest);
    print_message("%s: %d rows, %d decoded, %d refused, %d not as expected\n", folder, t.rows,
                  t.decoded, t.refused, t.wrong);
    assert_int_equal(t.wrong, 0);
}

static void dicom_files_do_as_their_manifest_says(void **state)
{
    (void)state;
    check_manifest("dicom", dicom_rule, dicom_exceptions, false);
}

static void tiff_files_do_as_their_manifest_says(void **state)
{
    (void)state;
    check_manifest("nifti_tiff", tiff_rule, tiff_exceptions, true);
}

/* The next number of a PGM in letters; comments run from # to the end of the line. */
static int next_number(FILE *f)
{
    int c = fgetc(f), value = 0;
    while (c != EOF && (c < '0' || c > '9')) {
        while (c == '#' || c == 'P') /* the magic P2 has a line of its own */
            for (c = fgetc(f); c != '\n' && c != EOF;)
                c = fgetc(f);
        c = fgetc(f);
    }
    for (; c >= '0' && c <= '9'; c = fgetc(f))
        value = 10 * value + c - '0';
    return value;
}

/* A 16-bit PGM in letters; owned by the caller. */
static uint16_t *read_pgm(const char *path, int *width, int *height)
{
    FILE *f = fopen(path, "r");
    uint16_t *values = NULL;
    if (f == NULL)
        return NULL;
    *width = next_number(f);
    *height = next_number(f);
    if (*width > 0 && *height > 0 && next_number(f) == 65535) {
        size_t count = (size_t)*width * (size_t)*height;
        values = calloc(count, sizeof *values);
        assert_non_null(values);
        for (size_t i = 0; i < count; i++)
            values[i] = (uint16_t)next_number(f);
    }
    fclose(f);
    return values;
}

static int by_value(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* Spread the percentiles of what the tool showed between least and greatest value. */
static void spread(uint16_t *values, size_t count, double *black, double *white)
{
    uint16_t *sorted = malloc(count * sizeof *sorted);
    assert_non_null(sorted);
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_value);
    *black = sorted[(count - 1) / 200];
    *white = sorted[count - 1 - (count - 1) / 200];
    free(sorted);
}

/* Returns true when the tool could show the file; *is_equal tells whether all pixels agree. */
static bool compare_with_dcmtk(const char *path, const umbra_image *image, double tolerance,
                               bool *is_equal)
{
    static const char *const tools[] = {"dcmj2pnm", "dcml2pnm"};
    char out[] = "/tmp/umbra_test_XXXXXX", command[1500];
    bool is_window = strstr(image->source, ", window") != NULL;
    bool is_table = strstr(image->source, ", VOI table") != NULL;
    int descriptor = mkstemp(out), width = 0, height = 0;
    assert_true(descriptor >= 0);
    close(descriptor);
    uint16_t *values = NULL;
    for (int t = 0; t < 2 && values == NULL; t++) {
        snprintf(command, sizeof command, "%s -q %s +opw '%s' '%s' 2>/dev/null", tools[t],
                 is_window  ? "+Wi 1"
                 : is_table ? "+Wl 1"
                            : "+Wm",
                 path, out);
        if (system(command) == 0)
            values = read_pgm(out, &width, &height);
    }
    unlink(out);
    if (values == NULL)
        return false;
    assert_true(width == image->width && height == image->height);
    size_t count = (size_t)width * (size_t)height;
    double black = 0.0, white = 65535.0, worst = 0.0;
    if (!is_window && !is_table)
        spread(values, count, &black, &white);
    for (size_t i = 0; i < count; i++) {
        double v = (values[i] - black) / (white - black);
        v = v < 0.0 ? 0.0 : v > 1.0 ? 1.0 : v;
        worst = fmax(worst, fabs(v - (double)image->pixels[i]));
    }
    free(values);
    if (worst > tolerance)
        print_error("%s: %s: differs from DCMTK by %.5f\n", path, image->source, worst);
    *is_equal = worst <= tolerance;
    return true;
}

/* Those whose pixels DCMTK's pipeline changes: it rounds rescaled values to integers, spreads
 * padding too. */
static bool is_comparable(const umbra_image *image, const char *file)
{
    return strstr(image->source, "MONOCHROME") != NULL && image->width * image->height > 3000 &&
           strstr(file, "dicom__1.dcm") == NULL && strstr(file, "dicom__2.dcm") == NULL &&
           strstr(file, "fo-dicom__GH177") == NULL;
}

static void grey_files_look_as_dcmtk_shows_them(void **state)
{
    (void)state;
    char line[4096], path[600], *fields[FIELDS];
    int compared = 0, unequal = 0;
    if (system("dcmj2pnm --version >/dev/null 2>&1") != 0) {
        print_message("skipped: no dcmj2pnm; install the package dcmtk\n");
        skip();
    }
    FILE *manifest = open_manifest("dicom");
    if (manifest == NULL)
        skip();
    while (fgets(line, sizeof line, manifest) != NULL) {
        umbra_image image = {0};
        bool is_equal = false;
        split(line, fields);
        path_of("dicom", fields[0], path, sizeof path);
        if (umbra_image_read(path, &image) == UMBRA_OK && is_comparable(&image, fields[0]) &&
            compare_with_dcmtk(path, &image, 0.004, &is_equal)) {
            compared++;
            unequal += !is_equal;
        }
        umbra_image_free(&image);
    }
    fclose(manifest);
    print_message("%d DICOM files compared with dcmj2pnm or dcml2pnm\n", compared);
    assert_int_equal(unequal, 0);
    assert_true(compared >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dicom_files_do_as_their_manifest_says),
        cmocka_unit_test(tiff_files_do_as_their_manifest_says),
        cmocka_unit_test(grey_files_look_as_dcmtk_shows_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
