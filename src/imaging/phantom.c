/* A drawn frontal chest film: the anatomy, as numbers that vary a little with the seed. */
#include "imaging/image.h"

#include "base/memory.h"
#include "base/splitmix.h"
#include "imaging/phantom_draw.h"

#include <stdio.h>

#define SIDE_MIN 16
#define SIDE_MAX 4096
#define RIBS 10

/* x is measured from the midline; `right` and `left` are the patient's: right is on the image's
 * left. */
typedef struct anatomy {
    float midline, apex_y, lung_width;
    float dome_y[2]; /* height of the diaphragm: [0] right, [1] left */
    float heart_size, heart_lean, aorta;
    float rib_first_y, rib_step_y, rib_slope;
    float clavicle_y, breast, gas, exposure;
} anatomy;

static anatomy anatomy_of(phantom_random *r)
{
    anatomy a;
    a.midline = umbra_phantom_random_between(r, 0.488f, 0.512f);
    a.apex_y = umbra_phantom_random_between(r, 0.075f, 0.115f);
    a.lung_width = umbra_phantom_random_between(r, 0.94f, 1.04f);
    a.dome_y[0] = umbra_phantom_random_between(r, 0.705f, 0.775f);
    a.dome_y[1] = a.dome_y[0] + umbra_phantom_random_between(r, 0.012f, 0.038f);
    a.heart_size = umbra_phantom_random_between(r, 0.90f, 1.12f);
    a.heart_lean = umbra_phantom_random_between(r, 0.30f, 0.55f);
    a.aorta = umbra_phantom_random_between(r, 0.85f, 1.2f);
    a.rib_first_y = umbra_phantom_random_between(r, 0.125f, 0.145f);
    a.rib_step_y = umbra_phantom_random_between(r, 0.066f, 0.073f);
    a.rib_slope = umbra_phantom_random_between(r, 0.8f, 1.2f);
    a.clavicle_y = umbra_phantom_random_between(r, 0.165f, 0.205f);
    a.breast = umbra_phantom_random_between(r, 0.0f, 0.07f);
    a.gas = umbra_phantom_random_between(r, 0.05f, 0.22f);
    a.exposure = umbra_phantom_random_between(r, 0.95f, 1.05f);
    return a;
}

/* Piecewise smooth curve through points of rising x. */
static float curve_at(const phantom_point *points, int count, float x)
{
    if (x <= points[0].x)
        return points[0].y;
    for (int i = 1; i < count; i++)
        if (x < points[i].x)
            return phantom_mix(points[i - 1].y, points[i].y,
                               (x - points[i - 1].x) / (points[i].x - points[i - 1].x));
    return points[count - 1].y;
}

/* Distance of the chest wall from the midline, as a function of the height. */
static float chest_wall(const anatomy *a, float y)
{
    static const phantom_point wall[] = {{0.05f, 0.17f},  {0.10f, 0.235f}, {0.16f, 0.285f},
                                         {0.24f, 0.328f}, {0.34f, 0.362f}, {0.46f, 0.385f},
                                         {0.60f, 0.402f}, {0.75f, 0.412f}, {0.95f, 0.412f}};
    return a->lung_width * curve_at(wall, sizeof wall / sizeof *wall, y);
}

/* The lung field of one side at distance d from the midline: under the apex, inside the wall,
 * beside the mediastinum and above the dome of the diaphragm. */
static float lung_at(const anatomy *a, int left, float d, float y)
{
    float t = (y - a->apex_y) / 0.15f;
    if (t <= 0.0f || d <= 0.0f)
        return 0.0f;
    float round = t < 1.0f ? sqrtf(t * (2.0f - t)) : 1.0f;
    float outer = phantom_mix(0.150f, chest_wall(a, y), round);
    float inner = phantom_mix(0.150f, 0.058f, round);
    float from_top = (d - 0.20f) / (d < 0.20f ? 0.16f : 0.215f);
    float rise = d < 0.20f ? 0.045f : 0.135f;
    float dome = a->dome_y[left] + rise * from_top * from_top;
    float soft = 0.007f;
    return phantom_step(-soft, soft, outer - d) * phantom_step(-soft, soft, d - inner) *
           phantom_step(-soft, soft, dome - y) * phantom_step(0.0f, 0.10f, t);
}

/* Neck, sloping shoulders, arms that leave the film, flanks below the armpits. */
static float body_at(float d, float y)
{
    static const phantom_point shoulder[] = {{0.13f, -0.02f}, {0.17f, 0.025f}, {0.24f, 0.055f},
                                             {0.34f, 0.085f}, {0.44f, 0.135f}, {0.52f, 0.21f}};
    static const phantom_point flank[] = {
        {0.32f, 0.60f}, {0.42f, 0.505f}, {0.52f, 0.475f}, {0.70f, 0.468f}, {1.00f, 0.478f}};
    float top = curve_at(shoulder, sizeof shoulder / sizeof *shoulder, d);
    float side = curve_at(flank, sizeof flank / sizeof *flank, y);
    return phantom_step(-0.004f, 0.018f, y - top) * phantom_step(-0.004f, 0.020f, side - d);
}

/* Heart, great vessels and mediastinum; x is signed, positive toward the patient's left. */
static float mediastinum_at(const anatomy *a, float x, float y)
{
    static const phantom_point half[] = {{0.00f, 0.085f}, {0.12f, 0.062f}, {0.25f, 0.058f},
                                         {0.45f, 0.062f}, {0.60f, 0.075f}, {1.00f, 0.080f}};
    float s = a->heart_size, base = a->dome_y[1];
    phantom_point p = {x, y};
    float d = x < 0.0f ? -x : x;
    float parts[5];
    float band = curve_at(half, sizeof half / sizeof *half, y);
    parts[0] = phantom_step(-0.012f, 0.012f, band - d);
    /* The heart rests on the diaphragm: its lower half reaches further down. */
    float middle = base - 0.125f, below = y > middle ? 0.72f : 1.0f;
    phantom_point q = {x, middle + below * (y - middle)};
    parts[1] = phantom_ellipse(q, (phantom_point){0.075f, middle},
                               (phantom_point){0.165f * s, 0.135f * s}, a->heart_lean, 0.13f);
    parts[2] = phantom_ellipse(p, (phantom_point){-0.030f, base - 0.130f},
                               (phantom_point){0.086f * s, 0.150f * s}, 0.0f, 0.20f);
    parts[3] = phantom_ellipse(p, (phantom_point){0.045f, 0.325f},
                               (phantom_point){0.048f * a->aorta, 0.050f * a->aorta}, 0.0f, 0.16f);
    parts[4] = phantom_ellipse(p, (phantom_point){0.045f, 0.445f}, (phantom_point){0.060f, 0.075f},
                               0.2f, 0.20f);
    float clear = 1.0f;
    for (int i = 0; i < 5; i++)
        clear *= 1.0f - parts[i];
    return 1.0f - clear;
}

/* Windpipe, dark in the midline, and the two main bronchi below it. */
static float airway_at(float x, float y)
{
    float d = x < 0.0f ? -x : x;
    float tube = (1.0f - phantom_step(0.010f, 0.026f, d)) * (1.0f - phantom_step(0.36f, 0.41f, y));
    float along = (y - 0.375f) / 0.085f;
    float centre = 0.008f + 0.062f * along;
    float off = d - centre < 0.0f ? centre - d : d - centre;
    float bronchus = along > 0.0f && along < 1.0f
                         ? (1.0f - phantom_step(0.004f, 0.016f, off)) * (1.0f - along)
                         : 0.0f;
    return tube > bronchus ? tube : bronchus;
}

/* Vertebral bodies: a column with paler discs between, seen through the mediastinum. */
static float spine_at(float d, float y)
{
    float phase = y / 0.062f;
    phase -= (float)(int)phase;
    float body = phantom_step(0.0f, 0.16f, phase) * (1.0f - phantom_step(0.84f, 1.0f, phase));
    float column = 1.0f - phantom_step(0.034f, 0.050f, d);
    float edge = phantom_step(0.026f, 0.036f, d) * column;
    return column * (0.45f + 0.55f * body) + 0.35f * edge * body;
}

static void draw_pixel(phantom_canvas *canvas, const anatomy *a, int column, int row)
{
    float px = ((float)column + 0.5f) / (float)canvas->side;
    float y = ((float)row + 0.5f) / (float)canvas->side;
    float x = px - a->midline, d = x < 0.0f ? -x : x;
    int left = x > 0.0f;
    float lung = lung_at(a, left, d, y), heart = mediastinum_at(a, x, y);
    float wall = chest_wall(a, y) + 0.05f;
    float depth = 1.0f - 0.45f * (d / wall) * (d / wall);
    float tissue = 0.50f + 0.20f * (depth > 0.0f ? depth : 0.0f);
    tissue += 0.16f * phantom_step(0.62f, 0.92f, y) - 0.06f * phantom_step(0.30f, 0.0f, y);
    float air = 0.15f + 0.07f * phantom_step(0.15f, 0.85f, y);
    air +=
        0.05f * phantom_step(0.25f, 0.06f, d) + 0.04f * phantom_step(0.06f, 0.0f, wall - 0.05f - d);
    air += 0.13f * phantom_ellipse((phantom_point){d, y}, (phantom_point){0.07f, 0.47f},
                                   (phantom_point){0.115f, 0.17f}, 0.25f, 0.85f);
    float film = phantom_mix(tissue, air, lung);
    film =
        phantom_mix(film, phantom_mix(0.66f, 0.80f, phantom_step(0.25f, 0.8f, y)), 0.92f * heart);
    film += phantom_mix(0.085f, 0.035f, phantom_step(0.35f, 0.6f, y)) * spine_at(d, y) -
            0.13f * airway_at(x + 0.004f, y) * (1.0f - 0.6f * lung);
    phantom_point breast = {d, y};
    film += a->breast * phantom_ellipse(breast, (phantom_point){0.235f, 0.66f},
                                        (phantom_point){0.15f, 0.145f}, 0.1f, 0.10f);
    film -= a->gas * (1.0f - lung) *
            phantom_ellipse((phantom_point){x, y}, (phantom_point){0.19f, a->dome_y[1] + 0.075f},
                            (phantom_point){0.075f, 0.040f}, 0.0f, 0.25f);
    size_t i = (size_t)row * (size_t)canvas->side + (size_t)column;
    canvas->film[i] = film * body_at(d, y);
    canvas->lung[i] = lung * (1.0f - 0.8f * heart);
}

/* Stroke a curve given for the patient's left, mirrored for the right when sign is -1. */
static void stroke_side(phantom_canvas *canvas, const anatomy *a, float sign,
                        const phantom_point c[4], const phantom_pen *pen)
{
    phantom_point placed[4];
    for (int i = 0; i < 4; i++)
        placed[i] = (phantom_point){a->midline + sign * c[i].x, c[i].y};
    umbra_phantom_stroke(canvas, placed, pen);
}

/* Posterior part: from the spine outward and down, bright. Anterior part: from the chest wall back
 * toward the breastbone, lower, wider and fainter, ending where cartilage begins. */
static void draw_ribs(phantom_canvas *canvas, const anatomy *a, phantom_random *r)
{
    for (int i = 0; i < RIBS; i++) {
        for (float sign = -1.0f; sign < 2.0f; sign += 2.0f) {
            float y = a->rib_first_y + a->rib_step_y * (float)i +
                      umbra_phantom_random_between(r, -0.003f, 0.003f);
            float fall = a->rib_slope * (0.045f + 0.012f * (float)i);
            float wall = chest_wall(a, y + fall) + 0.004f;
            float gain = 0.118f - 0.004f * (float)i;
            phantom_point back[4] = {{0.035f, y},
                                     {0.035f + 0.45f * wall, y - 0.035f},
                                     {0.96f * wall, y - 0.01f + 0.25f * fall},
                                     {wall, y + fall}};
            phantom_pen bone = {0.0125f, 0.0115f, gain, 0.45f * gain, PHANTOM_BONE};
            stroke_side(canvas, a, sign, back, &bone);
            if (i > 6)
                continue;
            float end = 0.105f + 0.016f * (float)i, drop = fall + 0.055f + 0.010f * (float)i;
            phantom_point front[4] = {{wall, y + fall},
                                      {0.99f * wall, y + fall + 0.35f * drop},
                                      {phantom_mix(end, wall, 0.55f), y + fall + 0.80f * drop},
                                      {end, y + fall + drop}};
            phantom_pen faint = {0.0115f, 0.0165f, 0.60f * gain, 0.20f * gain, PHANTOM_BONE};
            stroke_side(canvas, a, sign, front, &faint);
        }
    }
}

static void draw_shoulders(phantom_canvas *canvas, const anatomy *a)
{
    float y = a->clavicle_y;
    phantom_point clavicle[4] = {
        {0.045f, y + 0.012f}, {0.16f, y - 0.030f}, {0.27f, y - 0.015f}, {0.42f, y - 0.065f}};
    phantom_point scapula[4] = {
        {0.335f, y + 0.02f}, {0.36f, y + 0.10f}, {0.40f, y + 0.20f}, {0.425f, y + 0.30f}};
    phantom_point humerus[4] = {
        {0.485f, y + 0.01f}, {0.50f, y + 0.04f}, {0.51f, y + 0.10f}, {0.53f, y + 0.20f}};
    phantom_pen collar = {0.019f, 0.014f, 0.17f, 0.13f, PHANTOM_BONE};
    phantom_pen blade = {0.022f, 0.010f, 0.05f, 0.09f, PHANTOM_TUBE};
    phantom_pen arm = {0.050f, 0.038f, 0.10f, 0.13f, PHANTOM_BONE};
    for (float sign = -1.0f; sign < 2.0f; sign += 2.0f) {
        stroke_side(canvas, a, sign, clavicle, &collar);
        stroke_side(canvas, a, sign, scapula, &blade);
        stroke_side(canvas, a, sign, humerus, &arm);
    }
}

/* A vessel and the smaller ones that leave it. */
static void draw_vessel(phantom_canvas *canvas, const anatomy *a, phantom_random *r, float sign,
                        phantom_point from, phantom_point toward, float half_width, int generation)
{
    float bend = umbra_phantom_random_between(r, -0.22f, 0.22f);
    phantom_point side = {-toward.y * bend, toward.x * bend};
    phantom_point c[4] = {from,
                          {from.x + 0.33f * toward.x + side.x, from.y + 0.33f * toward.y + side.y},
                          {from.x + 0.66f * toward.x + side.x, from.y + 0.66f * toward.y + side.y},
                          {from.x + toward.x, from.y + toward.y}};
    float gain = generation == 0 ? 0.105f : generation == 1 ? 0.06f : 0.042f;
    phantom_pen pen = {half_width, 0.35f * half_width, gain, 0.0f, PHANTOM_TUBE};
    stroke_side(canvas, a, sign, c, &pen);
    if (generation == 2)
        return;
    for (int i = 1; i <= 3; i++) {
        float t = 0.25f * (float)i, turn = umbra_phantom_random_between(r, 0.35f, 0.8f);
        float length = umbra_phantom_random_between(r, 0.35f, 0.6f);
        turn = (umbra_splitmix_next(&r->state) & 1) != 0 ? turn : -turn;
        phantom_point start = {from.x + t * toward.x + 0.8f * side.x,
                               from.y + t * toward.y + 0.8f * side.y};
        phantom_point branch = {length * (toward.x - turn * toward.y),
                                length * (toward.y + turn * toward.x)};
        draw_vessel(canvas, a, r, sign, start, branch, 0.55f * half_width, generation + 1);
    }
}

static void draw_vessels(phantom_canvas *canvas, const anatomy *a, phantom_random *r)
{
    static const phantom_point fan[] = {{0.05f, -0.22f}, {0.11f, -0.18f}, {0.17f, -0.11f},
                                        {0.21f, -0.02f}, {0.21f, 0.07f},  {0.18f, 0.17f},
                                        {0.11f, 0.24f},  {0.05f, 0.27f}};
    for (float sign = -1.0f; sign < 2.0f; sign += 2.0f) {
        float hilum_y = sign < 0.0f ? 0.465f : 0.445f;
        for (size_t i = 0; i < sizeof fan / sizeof *fan; i++) {
            float scale = umbra_phantom_random_between(r, 0.8f, 1.1f);
            phantom_point from = {0.070f + umbra_phantom_random_between(r, 0.0f, 0.02f),
                                  hilum_y + 0.10f * fan[i].y};
            phantom_point toward = {scale * fan[i].x, scale * fan[i].y};
            draw_vessel(canvas, a, r, sign, from, toward, 0.0095f, 0);
        }
    }
}

/* The technician's lead letter, which says which side is the patient's left. */
static void draw_marker(phantom_canvas *canvas)
{
    phantom_pen lead = {0.0055f, 0.0055f, 0.9f, 0.9f, PHANTOM_TUBE};
    phantom_point down[4] = {{0.92f, 0.045f}, {0.92f, 0.06f}, {0.92f, 0.08f}, {0.92f, 0.095f}};
    phantom_point across[4] = {{0.92f, 0.095f}, {0.93f, 0.095f}, {0.94f, 0.095f}, {0.95f, 0.095f}};
    umbra_phantom_stroke(canvas, down, &lead);
    umbra_phantom_stroke(canvas, across, &lead);
}

/* Film response: corners a little darker, a soft shoulder at the white end. */
static void develop(const phantom_canvas *canvas, const anatomy *a, float *pixels)
{
    for (int row = 0; row < canvas->side; row++) {
        for (int column = 0; column < canvas->side; column++) {
            size_t i = (size_t)row * (size_t)canvas->side + (size_t)column;
            float x = 2.0f * (float)column / (float)canvas->side - 1.0f;
            float y = 2.0f * (float)row / (float)canvas->side - 1.0f;
            float v = a->exposure * canvas->film[i] * (1.02f - 0.08f * (x * x + y * y));
            v = v < 0.0f ? 0.0f : v;
            v = v > 0.75f ? 0.75f + (v - 0.75f) / (1.0f + 2.2f * (v - 0.75f)) : v;
            pixels[i] = v > 1.0f ? 1.0f : v;
        }
    }
}

static void draw_chest(phantom_canvas *canvas, const anatomy *a, phantom_random *random)
{
    for (int row = 0; row < canvas->side; row++)
        for (int column = 0; column < canvas->side; column++)
            draw_pixel(canvas, a, column, row);
    draw_vessels(canvas, a, random);
    draw_ribs(canvas, a, random);
    draw_shoulders(canvas, a);
    draw_marker(canvas);
    umbra_phantom_mottle(canvas, random, 9, 0.018f);
    umbra_phantom_mottle(canvas, random, 40, 0.012f);
    umbra_phantom_blur(canvas, 1 + canvas->side * canvas->side / 150000);
    umbra_phantom_grain(canvas, random, 0.011f);
}

umbra_status umbra_phantom_chest(int side, uint64_t seed, umbra_image *out)
{
    if (side < SIDE_MIN || side > SIDE_MAX)
        return umbra_fail(UMBRA_E_USAGE, "a phantom's side of %d is outside %d .. %d", side,
                          SIDE_MIN, SIDE_MAX);
    phantom_canvas canvas;
    UMBRA_TRY(umbra_phantom_canvas_init(&canvas, side));
    void *pixels = NULL;
    umbra_status status = umbra_memory_alloc_array(&pixels, (size_t)side * (size_t)side,
                                                   sizeof(float), "the pixels of a phantom");
    if (status == UMBRA_OK) {
        phantom_random random = {.state = seed};
        anatomy a = anatomy_of(&random);
        draw_chest(&canvas, &a, &random);
        *out = (umbra_image){.width = side, .height = side, .pixels = pixels};
        develop(&canvas, &a, out->pixels);
        snprintf(out->source, sizeof out->source, "phantom chest film, seed %llu",
                 (unsigned long long)seed);
    }
    umbra_phantom_canvas_free(&canvas);
    return status;
}
