/* A small canvas for the phantom: soft shapes, tapered strokes, blur and grain, all reproducible.
 */
#ifndef UMBRA_IMAGING_PHANTOM_DRAW_H
#define UMBRA_IMAGING_PHANTOM_DRAW_H

#include "umbra/status.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* Coordinates run from 0 to 1, x to the right and y downward, whatever the resolution. Only
 * + - * / and square roots are used, which IEEE 754 fixes to the bit. */
typedef struct phantom_point {
    float x, y;
} phantom_point;

typedef struct phantom_canvas {
    int side;
    float *film;   /* side * side: attenuation, 0 air, about 1 bone over soft tissue */
    float *lung;   /* side * side: how much lung lies here, 0 .. 1 */
    float *stroke; /* side * side: distance to the stroke being drawn, in half-widths */
} phantom_canvas;

typedef struct phantom_random {
    uint64_t state;
} phantom_random;

float umbra_phantom_random_between(phantom_random *random, float low, float high);

umbra_status umbra_phantom_canvas_init(phantom_canvas *canvas, int side) UMBRA_MUST_USE;
void umbra_phantom_canvas_free(phantom_canvas *canvas);

typedef enum phantom_profile {
    PHANTOM_BONE, /* flat with brighter margins, where the cortex is seen edge on */
    PHANTOM_TUBE  /* a full cylinder, as a vessel */
} phantom_profile;

/* How a stroke looks. Gain differs over lung and over the rest, where bone is harder to see. */
typedef struct phantom_pen {
    float half_width_start, half_width_end;
    float gain_lung, gain_rest;
    phantom_profile profile;
} phantom_pen;

/* Add a cubic Bezier curve to the film. */
void umbra_phantom_stroke(phantom_canvas *canvas, const phantom_point control[4],
                          const phantom_pen *pen);

/* Add smooth unevenness, as tissue has: random values on a lattice of cells, blended between. */
void umbra_phantom_mottle(phantom_canvas *canvas, phantom_random *random, int cells,
                          float amplitude);

/* Smooth the film with a binomial kernel, `rounds` times; then add grain of the given deviation. */
void umbra_phantom_blur(phantom_canvas *canvas, int rounds);
void umbra_phantom_grain(phantom_canvas *canvas, phantom_random *random, float deviation);

/* 0 below low, 1 above high, smooth between. */
static inline float phantom_step(float low, float high, float x)
{
    float t = (x - low) / (high - low);
    t = t < 0.0f ? 0.0f : t > 1.0f ? 1.0f : t;
    return t * t * (3.0f - 2.0f * t);
}

static inline float phantom_mix(float a, float b, float t)
{
    return a + (b - a) * t;
}

/* 1 inside an ellipse, falling to 0 over `edge` (in units of the radius); `shear` leans it. */
static inline float phantom_ellipse(phantom_point p, phantom_point centre, phantom_point radius,
                                    float shear, float edge)
{
    float x = (p.x - centre.x) / radius.x, y = (p.y - centre.y) / radius.y - shear * x;
    return 1.0f - phantom_step(1.0f - edge, 1.0f + edge, sqrtf(x * x + y * y));
}

#endif
