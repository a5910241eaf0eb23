/* Which decoder a file needs, told by its first bytes and never by its name. */
#include "imaging/decode.h"

#include <stdbool.h>
#include <string.h>

typedef umbra_status (*decode_fn)(const umbra_image_file *file, umbra_image *out);

/* A run of bytes at an offset. Either `decode` reads the format, or `remedy` says what to do. */
typedef struct signature {
    size_t offset, size;
    const char *magic;
    const char *format;
    decode_fn decode;
    const char *remedy;
} signature;

#define TO_PNG "convert it to PNG first"

/* DICOM first: its free 128 bytes may hold a TIFF header, for files that are to be both. */
static const signature signatures[] = {
    {128, 4, "DICM", "DICOM", umbra_dicom_decode, NULL},
    {0, 8, "\x89PNG\r\n\x1a\n", "PNG", umbra_png_decode, NULL},
    {0, 3, "\xff\xd8\xff", "JPEG", umbra_jpeg_decode, NULL},
    {0, 4, "II*\0", "TIFF", umbra_tiff_decode, NULL},
    {0, 4, "MM\0*", "TIFF", umbra_tiff_decode, NULL},
    {0, 4, "II+\0", "BigTIFF", umbra_tiff_decode, NULL},
    {0, 4, "MM\0+", "BigTIFF", umbra_tiff_decode, NULL},
    {0, 2, "\x1f\x8b", "gzip", NULL, "unpack it with gunzip first"},
    {0, 4, "PK\3\4", "zip", NULL, "unpack it and give one image of it"},
    {0, 12, "\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000", NULL, TO_PNG " (opj_decompress)"},
    {0, 4, "\xff\x4f\xff\x51", "JPEG 2000", NULL, TO_PNG " (opj_decompress)"},
    {0, 4, "%PDF", "PDF", NULL, "give the image it was made from (pdfimages)"},
    {0, 4, "GIF8", "GIF", NULL, TO_PNG},
    {0, 2, "BM", "BMP", NULL, TO_PNG},
    {8, 4, "WEBP", "WebP", NULL, TO_PNG " (dwebp)"},
    {4, 4, "ftyp", "HEIF or AVIF", NULL, TO_PNG " (heif-convert)"},
    {1, 5, "NUMPY", "NumPy", NULL, "it holds a tensor; give it where a tensor is expected"},
    {344, 4, "n+1\0", "NIfTI", NULL, "export a slice of it as PNG"},
    {344, 4, "ni1\0", "NIfTI", NULL, "export a slice of it as PNG"},
    {4, 4, "n+2\0", "NIfTI-2", NULL, "export a slice of it as PNG"},
    {4, 4, "ni2\0", "NIfTI-2", NULL, "export a slice of it as PNG"},
};

/* DICOM written without its 128-byte preamble starts with an element of group 2 or 8 in either byte
 * order: a low group, a low element, then a value representation or a short length. */
static bool is_bare_dicom(const umbra_image_file *file)
{
    const unsigned char *b = file->bytes;
    if (file->size < 8)
        return false;
    bool little = (b[0] == 2 || b[0] == 8) && b[1] == 0;
    bool big = b[0] == 0 && (b[1] == 2 || b[1] == 8);
    bool representation = b[4] >= 'A' && b[4] <= 'Z' && b[5] >= 'A' && b[5] <= 'Z';
    bool short_length = little ? b[6] == 0 && b[7] == 0 : b[4] == 0 && b[5] == 0;
    return (little || big) && (representation || short_length);
}

umbra_status umbra_image_decode(const void *bytes, size_t size, const char *name, umbra_image *out)
{
    umbra_image_file file = {.bytes = bytes, .size = size, .name = name};
    if (size == 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: the file is empty; copy or export it again", name);
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        const signature *s = &signatures[i];
        if (size < s->offset + s->size || memcmp(file.bytes + s->offset, s->magic, s->size) != 0)
            continue;
        if (s->decode != NULL)
            return s->decode(&file, out);
        return umbra_fail(UMBRA_E_INPUT, "%s: this is a %s file, which is not read; %s", name,
                          s->format, s->remedy);
    }
    if (is_bare_dicom(&file))
        return umbra_dicom_decode(&file, out);
    return umbra_fail(UMBRA_E_INPUT,
                      "%s: the first bytes are not those of a PNG, JPEG, TIFF or DICOM file; "
                      "convert the image to one of these",
                      name);
}
