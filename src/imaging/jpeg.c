/* Decode JPEG to grey: baseline, extended and progressive, 8 bits, grey or colour. */
#include "imaging/decode.h"

#include <setjmp.h>
#include <stdio.h>
/* jpeglib.h needs FILE */
#include <jerror.h>
#include <jpeglib.h>

#define SCANS_MAX 128 /* a progressive image has about ten; each costs a pass over all pixels */

typedef struct jpeg_reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors; /* must outlive jpeg */
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
    const umbra_image_file *file;
    unsigned char *row;
    size_t row_bytes;
} jpeg_reader;

static void on_error(j_common_ptr jpeg)
{
    jpeg_reader *reader = jpeg->client_data;
    jpeg->err->format_message(jpeg, reader->message);
    longjmp(reader->jump, 1);
}

/* libjpeg paints grey over what is missing or damaged and calls that a warning. Half a film must
 * not be classified: only the warnings that leave every pixel intact are let through. */
static void on_message(j_common_ptr jpeg, int level)
{
    if (level >= 0)
        return;
    switch (jpeg->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_BOGUS_ICC:
        return;
    default:
        on_error(jpeg);
    }
}

static void on_progress(j_common_ptr jpeg)
{
    jpeg_reader *reader = jpeg->client_data;
    if (((j_decompress_ptr)jpeg)->input_scan_number > SCANS_MAX) {
        snprintf(reader->message, sizeof reader->message, "more than %d scans", SCANS_MAX);
        longjmp(reader->jump, 1);
    }
}

static umbra_status ask_for_grey(jpeg_reader *reader)
{
    switch (reader->jpeg.jpeg_color_space) {
    case JCS_GRAYSCALE:
    case JCS_YCbCr:
    case JCS_RGB:
        reader->jpeg.out_color_space = JCS_GRAYSCALE;
        return UMBRA_OK;
    default:
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: a JPEG of %d components that are inks (CMYK) or unknown, not light; "
                          "convert it to grey first",
                          reader->file->name, reader->jpeg.num_components);
    }
}

static void read_rows(jpeg_reader *reader, umbra_image *image)
{
    while (reader->jpeg.output_scanline < reader->jpeg.output_height) {
        float *to = image->pixels + (size_t)reader->jpeg.output_scanline * (size_t)image->width;
        (void)jpeg_read_scanlines(&reader->jpeg, &reader->row, 1);
        for (int x = 0; x < image->width; x++)
            to[x] = (float)reader->row[x] / 255.0f;
    }
}

/* Everything between the jump's landing place and the end lives in *reader or *image. */
static umbra_status decode_with(jpeg_reader *reader, umbra_image *image)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    if (setjmp(reader->jump) != 0)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: damaged or unsupported JPEG near byte %zu: %s; export or convert "
                          "the image again",
                          reader->file->name,
                          jpeg->src != NULL ? reader->file->size - jpeg->src->bytes_in_buffer : 0,
                          reader->message);
    jpeg_create_decompress(jpeg);
    jpeg->client_data = reader;
    jpeg->progress = &reader->progress;
    jpeg_mem_src(jpeg, reader->file->bytes, (unsigned long)reader->file->size);
    (void)jpeg_read_header(jpeg, TRUE);
    UMBRA_TRY(umbra_image_new(reader->file, jpeg->image_width, jpeg->image_height, image));
    UMBRA_TRY(ask_for_grey(reader));
    reader->row_bytes = jpeg->image_width;
    UMBRA_TRY(umbra_pixels_alloc((void **)&reader->row, reader->row_bytes, "a row of a JPEG"));
    (void)jpeg_start_decompress(jpeg);
    read_rows(reader, image);
    snprintf(image->source, sizeof image->source, "JPEG 8-bit %s%s",
             jpeg->num_components == 1 ? "grey" : "colour",
             jpeg->progressive_mode ? ", progressive" : "");
    (void)jpeg_finish_decompress(jpeg);
    return UMBRA_OK;
}

umbra_status umbra_jpeg_decode(const umbra_image_file *file, umbra_image *out)
{
    jpeg_reader reader = {.file = file};
    reader.jpeg.err = jpeg_std_error(&reader.errors);
    reader.errors.error_exit = on_error;
    reader.errors.emit_message = on_message;
    reader.progress.progress_monitor = on_progress;
    reader.jpeg.client_data = &reader; /* jpeg_create_decompress keeps it */
    umbra_image image = {0};
    umbra_status status = decode_with(&reader, &image);
    jpeg_destroy_decompress(&reader.jpeg);
    umbra_pixels_free(reader.row, reader.row_bytes);
    if (status == UMBRA_OK)
        *out = image;
    else
        umbra_image_free(&image);
    return status;
}
