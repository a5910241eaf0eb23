/* umbra bench math: kernels of every instruction set, and the transform against the machine's roof.
 */
#include "base/clock.h"
#include "base/memory.h"
#include "base/threads.h"
#include "bench/bench.h"
#include "math/fft.h"
#include "math/kernels.h"
#include "math/rns.h"
#include "math/roof.h"
#include "math/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 16   /* operands of the longest sum */
#define PRIMES 32 /* of the transforms from memory */
#define PRIMES_LOG2 16
#define FLUSH_BYTES ((size_t)96 << 20) /* more than the last cache holds */
#define DEFAULT_SECONDS 0.03

static const unsigned char seed[UMBRA_SEED_BYTES] = {1};

/* One ring, and what the kernels work on. */
typedef struct world {
    const umbra_kernels *k;
    umbra_roof roof;
    umbra_ntt ntt;
    umbra_fft *fft;
    void *memory;
    size_t n;
    uint64_t *rows[ROWS], *others[ROWS], *digits[ROWS], *r0, *r1;
    uint64_t weights[ROWS];
    uint32_t *index;
} world;

typedef struct sink {
    umbra_bench_options options;
    umbra_bench_sink give;
    void *context;
    umbra_roof roofs[4]; /* of each set */
} sink;

static umbra_status give(const sink *s, const umbra_bench_figure *figure)
{
    if (s->give(s->context, figure) != 0)
        return umbra_fail(UMBRA_E_CANCELLED, "stopped");
    return UMBRA_OK;
}

static umbra_status world_open(world *w, int degree_log2)
{
    uint64_t q = 0;
    *w = (world){.n = (size_t)1 << degree_log2};
    UMBRA_TRY(umbra_find_primes(&q, 1, 49.9999, 2 * w->n, NULL, 0));
    UMBRA_TRY(umbra_ntt_init(&w->ntt, q, degree_log2));
    UMBRA_TRY(umbra_fft_new(&w->fft, degree_log2));
    UMBRA_TRY(
        umbra_memory_alloc_array(&w->memory, w->n * (3 * ROWS + 3), sizeof(uint64_t), "benchmark"));
    uint64_t *next = w->memory;
    for (int j = 0; j < ROWS; j++) {
        uint64_t **sets[3] = {&w->rows[j], &w->others[j], &w->digits[j]};
        for (int k = 0; k < 3; k++, next += w->n) {
            *sets[k] = next;
            umbra_sample_uniform(next, w->n, &w->ntt.modulus, seed, (uint64_t)(3 * j + k));
        }
        w->weights[j] = w->rows[j][1];
    }
    w->r0 = next;
    w->r1 = next + w->n;
    w->index = (uint32_t *)(void *)(next + 2 * w->n);
    umbra_automorphism_index(w->index, degree_log2, 5);
    return UMBRA_OK;
}

static void world_close(world *w)
{
    umbra_ntt_free(&w->ntt);
    umbra_fft_free(w->fft);
    umbra_memory_free(w->memory);
}

#define BODY(name, call)                                                                           \
    static umbra_status run_##name(void *context)                                                  \
    {                                                                                              \
        world *w = context;                                                                        \
        const umbra_modulus *m = &w->ntt.modulus;                                                  \
        (void)m;                                                                                   \
        call;                                                                                      \
        return UMBRA_OK;                                                                           \
    }
#define LIMBS(rows) ((const uint64_t *const *)(rows))

BODY(ntt_forward, w->k->ntt_forward(w->r0, w->r0, &w->ntt))
BODY(ntt_inverse, w->k->ntt_inverse(w->r0, w->r0, &w->ntt))
BODY(add, w->k->add(w->r1, w->rows[0], w->rows[1], w->n, m))
BODY(mul, w->k->mul(w->r1, w->rows[0], w->rows[1], w->n, m))
BODY(mul_add, w->k->mul_add(w->r0, w->rows[0], w->rows[1], w->n, m))
BODY(mul_scalar, w->k->mul_scalar(w->r1, w->rows[0], w->weights[0], w->n, m))
BODY(sub_mul_scalar, w->k->sub_mul_scalar(w->r1, w->rows[0], w->rows[1], w->weights[0], w->n, m))
BODY(dot2_4,
     w->k->dot2(w->r0, w->r1, LIMBS(w->rows), LIMBS(w->others), LIMBS(w->digits), 4, 0, w->n, m))
BODY(dot2_16,
     w->k->dot2(w->r0, w->r1, LIMBS(w->rows), LIMBS(w->others), LIMBS(w->digits), 16, 0, w->n, m))
BODY(combine_4, w->k->combine(w->r1, LIMBS(w->rows), w->weights, 4, w->n, m))
BODY(combine_16, w->k->combine(w->r1, LIMBS(w->rows), w->weights, 16, w->n, m))
BODY(reduce_centred, w->k->reduce_centred(w->r1, w->rows[0], m->q, w->n, m))
BODY(permute, w->k->permute(w->r1, w->rows[0], w->index, w->n))
BODY(embed, umbra_fft_embed(w->fft, (double *)(void *)w->r1, (double *)(void *)(w->r1 + w->n / 2),
                            w->n / 2))
BODY(embed_inverse, umbra_fft_embed_inverse(w->fft, (double *)(void *)w->r1,
                                            (double *)(void *)(w->r1 + w->n / 2), w->n / 2))
BODY(sample_gaussian, umbra_sample_gaussian((int32_t *)(void *)w->r1, w->n, seed))
BODY(sample_uniform, umbra_sample_uniform(w->r1, w->n, m, seed, 1))

enum { TRANSFORM = -1 };

static const struct kernel {
    const char *name;
    umbra_bench_body body;
    int products; /* for each word, to hold against the roof; TRANSFORM: those of an NTT */
} kernels[] = {
    {"ntt_forward", run_ntt_forward, TRANSFORM},
    {"ntt_inverse", run_ntt_inverse, TRANSFORM},
    {"add", run_add, 0},
    {"mul", run_mul, 0},
    {"mul_add", run_mul_add, 0},
    {"mul_scalar", run_mul_scalar, 0},
    {"sub_mul_scalar", run_sub_mul_scalar, 0},
    {"dot2, 4 terms", run_dot2_4, 8},
    {"dot2, 16 terms", run_dot2_16, 32},
    {"combine, 4 terms", run_combine_4, 4},
    {"combine, 16 terms", run_combine_16, 16},
    {"reduce_centred", run_reduce_centred, 0},
    {"permute", run_permute, 0},
};
/* What goes through the chosen set, or has one form only. */
static const struct kernel whole[] = {
    {"embed", run_embed, 0},
    {"embed_inverse", run_embed_inverse, 0},
    {"sample_uniform", run_sample_uniform, 0},
    {"sample_gaussian", run_sample_gaussian, 0},
};

static umbra_status measure(const sink *s, world *w, const struct kernel *kernel)
{
    umbra_bench_figure figure = {.name = kernel->name,
                                 .isa = w->k->name,
                                 .degree_log2 = w->ntt.degree_log2,
                                 .threads = 1,
                                 .note = ""};
    char note[80];
    memcpy(w->r0, w->rows[2], w->n * sizeof *w->r0);
    memset(w->r1, 0, w->n * sizeof *w->r1);
    UMBRA_TRY(umbra_bench_measure(&s->options, kernel->body, w, &figure));
    const double roof =
        kernel->products == TRANSFORM
            ? umbra_roof_ntt_ns(&w->roof, w->ntt.degree_log2)
            : umbra_roof_products_ns(&w->roof, (double)kernel->products * (double)w->n);
    if (roof > 0) {
        figure.roof_share = roof / figure.ns;
        if (figure.roof_share > 1)
            return umbra_fail(UMBRA_E_INTERNAL,
                              "%s on %s takes %.0f ns, less than the roof of %.0f ns: the roof was "
                              "measured wrongly",
                              kernel->name, w->k->name, figure.ns, roof);
        snprintf(note, sizeof note, "hot; the roof is %.0f ns", roof);
        figure.note = note;
    }
    return give(s, &figure);
}

static umbra_status measure_ring(const sink *s, int degree_log2)
{
    const umbra_kernels *sets[4];
    const int count = umbra_kernels_all(sets);
    world w;
    umbra_status status = world_open(&w, degree_log2);
    for (int k = 0; k < count && status == UMBRA_OK; k++) {
        w.k = sets[k];
        w.roof = s->roofs[k];
        for (size_t i = 0; i < sizeof kernels / sizeof kernels[0] && status == UMBRA_OK; i++)
            status = measure(s, &w, &kernels[i]);
    }
    w.k = umbra_kernels_get();
    w.roof = (umbra_roof){0};
    for (size_t i = 0; i < sizeof whole / sizeof whole[0] && status == UMBRA_OK; i++)
        status = measure(s, &w, &whole[i]);
    world_close(&w);
    return status;
}

/* Transforms over many primes, in three ways that differ in what the caches hold. */
typedef enum way { HOT, IN_TURN, COLD, WAYS } way;

typedef struct many {
    const umbra_kernels *k;
    umbra_roof roof;
    umbra_ntt ntt[PRIMES];
    uint64_t *limbs[PRIMES];
    void *memory, *flush;
    way way;
} many;

static umbra_status transform_one(void *context, size_t index, int worker)
{
    many *m = context;
    const size_t i = m->way == HOT ? (size_t)worker : index;
    m->k->ntt_forward(m->limbs[i], m->limbs[i], &m->ntt[i]);
    return UMBRA_OK;
}

static umbra_status many_open(many *m)
{
    const size_t n = (size_t)1 << PRIMES_LOG2;
    uint64_t primes[PRIMES];
    *m = (many){.k = umbra_kernels_get()};
    m->roof = umbra_roof_measure(m->k);
    UMBRA_TRY(umbra_find_primes(primes, PRIMES, 49.99, 2 * n, NULL, 0));
    UMBRA_TRY(umbra_memory_alloc_array(&m->memory, PRIMES * n, sizeof(uint64_t), "benchmark"));
    UMBRA_TRY(umbra_memory_alloc(&m->flush, FLUSH_BYTES, "benchmark"));
    for (size_t i = 0; i < PRIMES; i++) {
        UMBRA_TRY(umbra_ntt_init(&m->ntt[i], primes[i], PRIMES_LOG2));
        m->limbs[i] = (uint64_t *)m->memory + i * n;
        umbra_sample_uniform(m->limbs[i], n, &m->ntt[i].modulus, seed, i);
    }
    return UMBRA_OK;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The ways take turns, so that what else the machine does befalls all of them; one thread is
 * measured by its CPU time. */
static umbra_status measure_many(const sink *s, many *m, umbra_pool *pool)
{
    enum { RUNS = 11 };
    static const char *const notes[WAYS] = {"one prime 32 times", "one after another",
                                            "caches flushed before"};
    double sample[WAYS][RUNS];
    for (int i = 0; i < RUNS; i++)
        for (m->way = 0; m->way < WAYS; m->way++) {
            if (m->way == COLD)
                memset(m->flush, i, FLUSH_BYTES);
            else
                UMBRA_TRY(umbra_pool_run(pool, PRIMES, transform_one, m));
            const double start = pool == NULL ? umbra_bench_cpu_ns() : (double)umbra_clock_ns();
            UMBRA_TRY(umbra_pool_run(pool, PRIMES, transform_one, m));
            const double end = pool == NULL ? umbra_bench_cpu_ns() : (double)umbra_clock_ns();
            sample[m->way][i] = (end - start) / PRIMES;
        }
    for (int i = 0; i < WAYS; i++) {
        char note[96];
        qsort(sample[i], RUNS, sizeof *sample[i], by_value);
        umbra_bench_figure figure = {.name = "ntt_forward of 32 primes",
                                     .isa = m->k->name,
                                     .degree_log2 = PRIMES_LOG2,
                                     .threads = umbra_pool_threads(pool),
                                     .ns = sample[i][RUNS / 2],
                                     .runs = RUNS,
                                     .note = note};
        snprintf(note, sizeof note, "each, %s: %.2f of the hot ones", notes[i],
                 figure.ns / sample[HOT][RUNS / 2]);
        if (figure.threads == 1)
            figure.roof_share = umbra_roof_ntt_ns(&m->roof, PRIMES_LOG2) / figure.ns;
        UMBRA_TRY(give(s, &figure));
    }
    return UMBRA_OK;
}

static umbra_status measure_primes(const sink *s)
{
    many m;
    umbra_pool *pool = NULL;
    umbra_status status = many_open(&m);
    if (status == UMBRA_OK)
        status = umbra_pool_new(&pool, s->options.threads);
    if (status == UMBRA_OK)
        status = measure_many(s, &m, NULL);
    if (status == UMBRA_OK && umbra_pool_threads(pool) > 1 && umbra_pool_threads(pool) <= PRIMES)
        status = measure_many(s, &m, pool);
    umbra_pool_free(pool);
    for (size_t i = 0; i < PRIMES; i++)
        umbra_ntt_free(&m.ntt[i]);
    umbra_memory_free(m.memory);
    umbra_memory_free(m.flush);
    return status;
}

/* The roofs themselves: 64 bytes of memory, and one multiplication of each set. */
static umbra_status measure_roofs(sink *s)
{
    const umbra_kernels *sets[4];
    const int count = umbra_kernels_all(sets);
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&memory, FLUSH_BYTES, "benchmark"));
    const double rate = umbra_roof_memory_bytes_per_ns(memory, FLUSH_BYTES);
    umbra_memory_free(memory);
    char note[96];
    snprintf(note, sizeof note, "64 bytes, read in order: %.1f GB/s", rate);
    umbra_bench_figure figure = {
        .name = "memory", .isa = "", .threads = 1, .ns = 64 / rate, .runs = 1, .note = note};
    UMBRA_TRY(give(s, &figure));
    figure.name = "multiplication";
    for (int k = 0; k < count; k++) {
        s->roofs[k] = umbra_roof_measure(sets[k]);
        figure.isa = sets[k]->name;
        figure.ns = 1 / s->roofs[k].per_ns;
        snprintf(note, sizeof note, "of whole registers, independent: %.2f a nanosecond",
                 s->roofs[k].per_ns);
        if (s->roofs[k].per_ns > 0)
            UMBRA_TRY(give(s, &figure));
    }
    return UMBRA_OK;
}

umbra_status umbra_bench_math(const umbra_bench_options *options, umbra_bench_sink give_figure,
                              void *context)
{
    sink s = {.options = *options, .give = give_figure, .context = context};
    if (s.options.min_seconds <= 0)
        s.options.min_seconds = DEFAULT_SECONDS;
    UMBRA_TRY(measure_roofs(&s));
    for (int degree_log2 = 14; degree_log2 <= 16; degree_log2++)
        UMBRA_TRY(measure_ring(&s, degree_log2));
    return measure_primes(&s);
}
