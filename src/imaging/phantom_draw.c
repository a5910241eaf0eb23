/* Strokes, blur and grain of the phantom's canvas. */
#include "imaging/phantom_draw.h"

#include "base/memory.h"
#include "base/splitmix.h"

#define FAR 4.0f /* half-widths; beyond every profile */
#define SEGMENTS 40

float umbra_phantom_random_between(phantom_random *random, float low, float high)
{
    float unit = (float)(umbra_splitmix_next(&random->state) >> 40) * 0x1p-24f;
    return low + unit * (high - low);
}

umbra_status umbra_phantom_canvas_init(phantom_canvas *canvas, int side)
{
    size_t count = (size_t)side * (size_t)side;
    float **planes[] = {&canvas->film, &canvas->lung, &canvas->stroke};
    *canvas = (phantom_canvas){.side = side};
    for (size_t i = 0; i < 3; i++) {
        void *plane = NULL;
        umbra_status status = umbra_memory_alloc_array(&plane, count, sizeof(float), "a phantom");
        if (status != UMBRA_OK) {
            umbra_phantom_canvas_free(canvas);
            return status;
        }
        *planes[i] = plane;
    }
    for (size_t i = 0; i < count; i++)
        canvas->stroke[i] = FAR;
    return UMBRA_OK;
}

void umbra_phantom_canvas_free(phantom_canvas *canvas)
{
    umbra_memory_free(canvas->film);
    umbra_memory_free(canvas->lung);
    umbra_memory_free(canvas->stroke);
    *canvas = (phantom_canvas){0};
}

typedef struct pixel_box {
    int x0, y0, x1, y1; /* x1, y1 not included */
} pixel_box;

static int pixel_of(float position, int side)
{
    float p = position * (float)side;
    return p < 0.0f ? 0 : p > (float)side ? side : (int)p;
}

static pixel_box box_around(phantom_point a, phantom_point b, float reach, int side)
{
    float x0 = a.x < b.x ? a.x : b.x, x1 = a.x < b.x ? b.x : a.x;
    float y0 = a.y < b.y ? a.y : b.y, y1 = a.y < b.y ? b.y : a.y;
    pixel_box box = {pixel_of(x0 - reach, side), pixel_of(y0 - reach, side),
                     pixel_of(x1 + reach, side) + 1, pixel_of(y1 + reach, side) + 1};
    box.x1 = box.x1 > side ? side : box.x1;
    box.y1 = box.y1 > side ? side : box.y1;
    return box;
}

static float distance_to_segment(phantom_point p, phantom_point a, phantom_point b)
{
    float dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
    float t = length2 > 0.0f ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / length2 : 0.0f;
    t = t < 0.0f ? 0.0f : t > 1.0f ? 1.0f : t;
    float x = p.x - a.x - t * dx, y = p.y - a.y - t * dy;
    return sqrtf(x * x + y * y);
}

/* Keep in canvas->stroke the least distance to any segment so far, in half-widths. */
static void measure_segment(phantom_canvas *canvas, phantom_point a, phantom_point b,
                            float half_width)
{
    int side = canvas->side;
    pixel_box box = box_around(a, b, 1.6f * half_width, side);
    for (int y = box.y0; y < box.y1; y++) {
        for (int x = box.x0; x < box.x1; x++) {
            phantom_point p = {((float)x + 0.5f) / (float)side, ((float)y + 0.5f) / (float)side};
            float d = distance_to_segment(p, a, b) / half_width;
            float *nearest = &canvas->stroke[(size_t)y * (size_t)side + (size_t)x];
            *nearest = d < *nearest ? d : *nearest;
        }
    }
}

static float profile_at(phantom_profile profile, float d)
{
    if (profile == PHANTOM_TUBE)
        return d < 1.0f ? sqrtf(1.0f - d * d) : 0.0f;
    float inside = 1.0f - phantom_step(0.75f, 1.25f, d);
    return inside * (0.7f + 0.45f * phantom_step(0.45f, 0.9f, d));
}

static void add_stroke(phantom_canvas *canvas, pixel_box box, const phantom_pen *pen)
{
    for (int y = box.y0; y < box.y1; y++) {
        for (int x = box.x0; x < box.x1; x++) {
            size_t i = (size_t)y * (size_t)canvas->side + (size_t)x;
            float gain = phantom_mix(pen->gain_rest, pen->gain_lung, canvas->lung[i]);
            canvas->film[i] += gain * profile_at(pen->profile, canvas->stroke[i]);
            canvas->stroke[i] = FAR;
        }
    }
}

static phantom_point bezier(const phantom_point c[4], float t)
{
    float s = 1.0f - t, a = s * s * s, b = 3.0f * s * s * t, d = 3.0f * s * t * t, e = t * t * t;
    return (phantom_point){a * c[0].x + b * c[1].x + d * c[2].x + e * c[3].x,
                           a * c[0].y + b * c[1].y + d * c[2].y + e * c[3].y};
}

void umbra_phantom_stroke(phantom_canvas *canvas, const phantom_point control[4],
                          const phantom_pen *pen)
{
    pixel_box all = {canvas->side, canvas->side, 0, 0};
    phantom_point from = control[0];
    for (int i = 1; i <= SEGMENTS; i++) {
        float t = (float)i / SEGMENTS;
        phantom_point to = bezier(control, t);
        float half_width = phantom_mix(pen->half_width_start, pen->half_width_end, t);
        measure_segment(canvas, from, to, half_width);
        pixel_box box = box_around(from, to, 1.6f * half_width, canvas->side);
        all.x0 = box.x0 < all.x0 ? box.x0 : all.x0;
        all.y0 = box.y0 < all.y0 ? box.y0 : all.y0;
        all.x1 = box.x1 > all.x1 ? box.x1 : all.x1;
        all.y1 = box.y1 > all.y1 ? box.y1 : all.y1;
        from = to;
    }
    add_stroke(canvas, all, pen);
}

/* One pass of (1 2 1) / 4 along a line of `count` values, `step` apart; ends are repeated. */
static void blur_line(float *line, int count, size_t step)
{
    float before = line[0];
    for (int i = 0; i < count; i++) {
        float here = line[(size_t)i * step];
        float after = i + 1 < count ? line[(size_t)(i + 1) * step] : here;
        line[(size_t)i * step] = 0.25f * (before + after) + 0.5f * here;
        before = here;
    }
}

void umbra_phantom_blur(phantom_canvas *canvas, int rounds)
{
    size_t side = (size_t)canvas->side;
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < side; i++)
            blur_line(canvas->film + i * side, canvas->side, 1);
        for (size_t i = 0; i < side; i++)
            blur_line(canvas->film + i, canvas->side, side);
    }
}

#define CELLS_MAX 64

void umbra_phantom_mottle(phantom_canvas *canvas, phantom_random *random, int cells,
                          float amplitude)
{
    float lattice[(CELLS_MAX + 1) * (CELLS_MAX + 1)];
    int points = (cells < CELLS_MAX ? cells : CELLS_MAX) + 1;
    for (int i = 0; i < points * points; i++)
        lattice[i] = umbra_phantom_random_between(random, -amplitude, amplitude);
    for (int row = 0; row < canvas->side; row++) {
        for (int column = 0; column < canvas->side; column++) {
            float x = (float)column * (float)(points - 1) / (float)canvas->side;
            float y = (float)row * (float)(points - 1) / (float)canvas->side;
            const float *p = lattice + (int)y * points + (int)x;
            float s = phantom_step(0.0f, 1.0f, x - (float)(int)x);
            float t = phantom_step(0.0f, 1.0f, y - (float)(int)y);
            float v = phantom_mix(phantom_mix(p[0], p[1], s),
                                  phantom_mix(p[points], p[points + 1], s), t);
            float *film = &canvas->film[(size_t)row * (size_t)canvas->side + (size_t)column];
            *film += *film > 0.05f ? v : 0.0f; /* air stays black */
        }
    }
}

void umbra_phantom_grain(phantom_canvas *canvas, phantom_random *random, float deviation)
{
    size_t count = (size_t)canvas->side * (size_t)canvas->side;
    for (size_t i = 0; i < count; i++) {
        float sum =
            0.0f; /* of four uniforms: near enough to a Gaussian; its deviation is 1/sqrt(3) */
        for (int k = 0; k < 4; k++)
            sum += umbra_phantom_random_between(random, -0.5f, 0.5f);
        canvas->film[i] += 1.7320508f * deviation * sum;
    }
}
