/* Which decoder a file needs, told by its first bytes and never by its name. */
#include "imaging/decode.h"

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

static const signature signatures[] = {
    {0, 8, "\x89PNG\r\n\x1a\n", "PNG", umbra_png_decode, NULL},
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
    {344, 4, "n+1\0", "NIfTI", NULL, "this version reads no NIfTI; export a slice as PNG"},
    {344, 4, "ni1\0", "NIfTI", NULL, "this version reads no NIfTI; export a slice as PNG"},
};

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

    return umbra_fail(UMBRA_E_INPUT,
                      "%s: the first bytes are not those of a PNG, JPEG, TIFF or DICOM file; "
                      "convert the image to one of these",
                      name);
}
