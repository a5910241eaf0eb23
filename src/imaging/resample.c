/* From an image of any size to the square tensor that a network expects. */
#include "imaging/image.h"

#include "imaging/decode.h"

#include <math.h>
#include <string.h>

static umbra_status check_pixels(const umbra_image *image)
{
    size_t count = (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(image->pixels[i]))
            return umbra_fail(UMBRA_E_INPUT,
                              "the image has a pixel that is not a number at x %zu, y %zu; mend it "
                              "before it is encrypted",
                              i % (size_t)image->width, i / (size_t)image->width);
    return UMBRA_OK;
}

/* Along one axis: destination pixel d is the sum of taps source pixels from first[d] on (clamped to
 * the image) times weights[d * taps]; the weights of a pixel sum to 1. */
typedef struct axis {
    int length, side, taps;
    double offset, scale;
    int *first;
    float *weights;
} axis;

/* The size after scaling, and the first column or row that the centre crop keeps: round half up and
 * floor, as albumentations' SmallestMaxSize and CenterCrop do. */
static axis axis_of(int length, int shortest, int side)
{
    double scale = (double)side / shortest, reach = scale < 1.0 ? 1.0 / scale : 1.0;
    double scaled = floor((double)length * side / shortest + 0.5);
    return (axis){.length = length,
                  .side = side,
                  .taps = 2 * (int)ceil(reach) + 1,
                  .offset = floor((scaled - side) / 2.0),
                  .scale = scale};
}

/* A triangle: bilinear when enlarging; when reducing, as wide as a destination pixel on either
 * side, so that what is too fine to show does not alias. Only the pixels that the crop keeps are
 * weighed, so a 1 x 32768 strip costs no more than a square. */
static void weigh(axis *a)
{
    double reach = a->scale < 1.0 ? 1.0 / a->scale : 1.0;
    for (int d = 0; d < a->side; d++) {
        double center = (d + a->offset + 0.5) / a->scale - 0.5, total = 0.0;
        float *weights = a->weights + (size_t)d * (size_t)a->taps;
        a->first[d] = (int)ceil(center - reach);
        for (int t = 0; t < a->taps; t++) {
            double w = 1.0 - fabs(a->first[d] + t - center) / reach;
            weights[t] = w > 0.0 ? (float)w : 0.0f;
            total += (double)weights[t];
        }
        for (int t = 0; t < a->taps; t++)
            weights[t] = (float)((double)weights[t] / total);
    }
}

static umbra_status axis_init(axis *a)
{
    size_t side = (size_t)a->side;
    UMBRA_TRY(umbra_pixels_alloc((void **)&a->first, side * sizeof *a->first, "filter places"));
    UMBRA_TRY(umbra_pixels_alloc((void **)&a->weights, side * (size_t)a->taps * sizeof *a->weights,
                                 "filter weights"));
    weigh(a);
    return UMBRA_OK;
}

static void axis_free(axis *a)
{
    umbra_pixels_free(a->first, (size_t)a->side * sizeof *a->first);
    umbra_pixels_free(a->weights, (size_t)a->side * (size_t)a->taps * sizeof *a->weights);
}

/* One destination pixel; source pixels lie `step` apart from number line_start on, those outside
 * the image repeat its edge. */
static float sum_taps(const axis *a, int d, const float *line, size_t step, int line_start)
{
    const float *weights = a->weights + (size_t)d * (size_t)a->taps;
    float sum = 0.0f;
    for (int t = 0; t < a->taps; t++) {
        int at = a->first[d] + t;
        at = at < 0 ? 0 : at >= a->length ? a->length - 1 : at;
        sum += weights[t] * line[(size_t)(at - line_start) * step];
    }
    return sum;
}

static int clamp_row(int row, int height)
{
    return row < 0 ? 0 : row >= height ? height - 1 : row;
}

/* Rows first, those that the crop needs, then columns. */
static umbra_status scale_by(const umbra_image *image, const axis *x, const axis *y, float *tensor)
{
    size_t side = (size_t)x->side;
    int top = clamp_row(y->first[0], y->length);
    int bottom = clamp_row(y->first[y->side - 1] + y->taps - 1, y->length);
    float *rows = NULL;
    size_t rows_bytes = (size_t)(bottom - top + 1) * side * sizeof *rows;
    UMBRA_TRY(umbra_pixels_alloc((void **)&rows, rows_bytes, "the rows of a scaled image"));
    for (int row = top; row <= bottom; row++)
        for (int d = 0; d < x->side; d++)
            rows[(size_t)(row - top) * side + (size_t)d] =
                sum_taps(x, d, image->pixels + (size_t)row * (size_t)image->width, 1, 0);
    /* Every row that `y` reaches after clamping lies between top and bottom. */
    for (int d = 0; d < y->side; d++)
        for (size_t column = 0; column < side; column++)
            tensor[(size_t)d * side + column] = sum_taps(y, d, rows + column, side, top);
    umbra_pixels_free(rows, rows_bytes);
    return UMBRA_OK;
}

static umbra_status resize_and_crop(const umbra_image *image, int side, float *tensor)
{
    int shortest = image->width < image->height ? image->width : image->height;
    axis x = axis_of(image->width, shortest, side), y = axis_of(image->height, shortest, side);
    if (shortest == side) { /* nothing to scale: copy, so that every pixel stays exact */
        for (int row = 0; row < side; row++)
            memcpy(tensor + (size_t)row * (size_t)side,
                   image->pixels + ((size_t)y.offset + (size_t)row) * (size_t)image->width +
                       (size_t)x.offset,
                   (size_t)side * sizeof(float));
        return UMBRA_OK;
    }
    umbra_status status = axis_init(&x);
    if (status == UMBRA_OK)
        status = axis_init(&y);
    if (status == UMBRA_OK)
        status = scale_by(image, &x, &y, tensor);
    axis_free(&x);
    axis_free(&y);
    return status;
}

umbra_status umbra_image_to_tensor(const umbra_image *image, int side, float low, float high,
                                   float *tensor)
{
    if (side < 1 || side > 4096)
        return umbra_fail(UMBRA_E_USAGE, "a tensor side of %d is outside 1 .. 4096", side);
    if (!isfinite(low) || !isfinite(high) || !(low < high))
        return umbra_fail(UMBRA_E_USAGE, "the range of a tensor needs two numbers, low < high");
    UMBRA_TRY(check_pixels(image));
    UMBRA_TRY(resize_and_crop(image, side, tensor));
    size_t count = (size_t)side * (size_t)side;
    for (size_t i = 0; i < count; i++) {
        float v = tensor[i] < 0.0f ? 0.0f : tensor[i] > 1.0f ? 1.0f : tensor[i];
        tensor[i] = low + v * (high - low);
    }
    return UMBRA_OK;
}
