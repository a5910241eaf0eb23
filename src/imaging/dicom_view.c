/* From DICOM's stored values to grey: rescale, window or percentiles, padding, inversion. */
#include "imaging/dicom.h"

#include "imaging/levels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void umbra_dicom_frame_free(umbra_dicom_frame *frame)
{
    umbra_pixels_free(frame->values, (size_t)frame->width * (size_t)frame->height * sizeof(float));
    *frame = (umbra_dicom_frame){0};
}

static bool is_padding(const umbra_dicom_frame *frame, float stored)
{
    return frame->has_padding && stored >= frame->padding_low && stored <= frame->padding_high;
}

/* One value through the window, 0 .. 1. A width below 1 is an error that real files contain; the
 * standard's LINEAR then is a step at center - 0.5. */
static float through_window(const umbra_dicom_frame *frame, double value)
{
    double center = frame->center, width = frame->width_of_window, grey;
    if (frame->view == UMBRA_DICOM_WINDOW_SIGMOID)
        return (float)(1.0 / (1.0 + exp(-4.0 * (value - center) / width)));
    if (frame->view == UMBRA_DICOM_WINDOW_LINEAR) {
        center -= 0.5;
        width -= 1.0;
    }
    if (width <= 0.0)
        grey = value > center ? 1.0 : 0.0;
    else
        grey = (value - center) / width + 0.5;
    return grey > 0.0 ? (grey < 1.0 ? (float)grey : 1.0f) : 0.0f;
}

static void apply_window(const umbra_dicom_frame *frame, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float stored = frame->values[i];
        float grey = through_window(frame, (double)stored * frame->slope + frame->intercept);
        grey = frame->is_inverted ? 1.0f - grey : grey;
        frame->values[i] = is_padding(frame, stored) ? 0.0f : grey;
    }
}

/* Percentiles are the same before and after rescaling, but for its sign: no need to rescale. */
static umbra_status apply_percentiles(const umbra_dicom_frame *frame, size_t count)
{
    umbra_levels levels = {0};
    float skip_low = frame->has_padding ? frame->padding_low : 1.0f;
    float skip_high = frame->has_padding ? frame->padding_high : 0.0f;
    bool inverted = frame->is_inverted != (frame->slope < 0.0);
    UMBRA_TRY(umbra_levels_from_percentiles(frame->values, count, skip_low, skip_high, &levels));
    for (size_t i = 0; i < count; i++) {
        float grey = frame->values[i];
        bool padding = is_padding(frame, grey);
        umbra_levels_apply(levels, &grey, 1);
        frame->values[i] = padding ? 0.0f : inverted ? 1.0f - grey : grey;
    }
    return UMBRA_OK;
}

static void describe(const umbra_dicom_frame *frame, umbra_image *image)
{
    char frames[24] = "";
    if (frame->frames > 1)
        snprintf(frames, sizeof frames, ", frame 1 of %d", frame->frames);
    const char *how = frame->how[0] != '\0' ? frame->how : "percentile 0.5-99.5";
    int length = snprintf(image->source, sizeof image->source, "DICOM %s %d bits, %s%s",
                          frame->photometric, frame->bits_stored, how, frames);
    if (length >= (int)sizeof image->source)
        memcpy(image->source + sizeof image->source - 4, "...", 4);
}

umbra_status umbra_dicom_decode(const umbra_image_file *file, umbra_image *out)
{
    umbra_dicom_frame frame = {0};
    UMBRA_TRY(umbra_dicom_extract_apart(file, &frame));
    size_t count = (size_t)frame.width * (size_t)frame.height;
    if (frame.view == UMBRA_DICOM_VALUES) {
        umbra_status status = apply_percentiles(&frame, count);
        if (status != UMBRA_OK) {
            umbra_dicom_frame_free(&frame);
            return umbra_fail_within(status, "%s", file->name);
        }
    } else if (frame.view != UMBRA_DICOM_SHOWN) {
        apply_window(&frame, count);
    }
    umbra_image image = {.width = frame.width, .height = frame.height, .pixels = frame.values};
    describe(&frame, &image);
    *out = image;
    return UMBRA_OK;
}
