/* Tests each kernel of every instruction set against GMP, on input crowded at the ends of its
 * contract. */
#include "oracle.h"

#include <stdlib.h>

#define N_MAX 1040
static const size_t lengths[] = {16, 32, 48, 112, N_MAX};
#define COUNT_MAX 1024

/* What every case works on. */
typedef struct bench {
    const umbra_kernels *k;
    umbra_modulus m;
    size_t n;
    uint64_t seed;
    uint64_t *r, *s, *a, *b, *c, *expected, *expected2;
    mpz_t x, y, z;
} bench;

static uint64_t residue_of_sum(bench *t, uint64_t a, uint64_t b, uint64_t c)
{ /* a * b + c */
    mpz_set_word(t->x, a);
    mpz_set_word(t->y, b);
    mpz_set_word(t->z, c);
    mpz_addmul(t->z, t->x, t->y);
    return mpz_residue(t->z, t->m.q);
}

static void check(bench *t, const char *kernel)
{
    char what[80];
    snprintf(what, sizeof what, "%s %s, q %llu", t->k->name, kernel, (unsigned long long)t->m.q);
    assert_words_equal(t->r, t->expected, t->n, what);
}

static void case_elementwise(bench *t)
{
    const uint64_t q = t->m.q;
    const size_t n = t->n;
#define EXPECT(expression)                                                                         \
    for (size_t i = 0; i < n; i++)                                                                 \
    t->expected[i] = (expression)
    EXPECT(residue_of_sum(t, t->a[i], 1, t->b[i]));
    t->k->add(t->r, t->a, t->b, n, &t->m);
    check(t, "add");
    EXPECT(residue_of_sum(t, t->b[i], q - 1, t->a[i]));
    t->k->sub(t->r, t->a, t->b, n, &t->m);
    check(t, "sub");
    EXPECT(residue_of_sum(t, t->a[i], q - 1, 0));
    t->k->neg(t->r, t->a, n, &t->m);
    check(t, "neg");
    EXPECT(residue_of_sum(t, t->a[i], t->b[i], 0));
    t->k->mul(t->r, t->a, t->b, n, &t->m);
    check(t, "mul");
    EXPECT(residue_of_sum(t, t->a[i], t->b[i], t->c[i]));
    memcpy(t->r, t->c, n * sizeof *t->r);
    t->k->mul_add(t->r, t->a, t->b, n, &t->m);
    check(t, "mul_add");
    /* in place */
    EXPECT(residue_of_sum(t, t->a[i], t->b[i], 0));
    memcpy(t->r, t->a, n * sizeof *t->r);
    t->k->mul(t->r, t->r, t->b, n, &t->m);
    check(t, "mul in place");
    EXPECT(residue_of_sum(t, t->b[i], q - 1, t->a[i]));
    memcpy(t->r, t->b, n * sizeof *t->r);
    t->k->sub(t->r, t->a, t->r, n, &t->m);
    check(t, "sub in place");
}

static void case_scalars(bench *t)
{
    const size_t n = t->n;
    const uint64_t q = t->m.q, factors[] = {0, 1, q - 1, q / 2, random_below(&t->seed, q)};
    for (size_t f = 0; f < sizeof factors / sizeof factors[0]; f++) {
        const uint64_t w = factors[f];
        EXPECT(residue_of_sum(t, t->a[i], w, 0));
        t->k->mul_scalar(t->r, t->a, w, n, &t->m);
        check(t, "mul_scalar");
        EXPECT(residue_of_sum(t, (t->a[i] + q - t->b[i]) % q, w, 0));
        t->k->sub_mul_scalar(t->r, t->a, t->b, w, n, &t->m);
        check(t, "sub_mul_scalar");
        EXPECT(residue_of_sum(t, t->a[i], w, t->c[i]));
        memcpy(t->r, t->c, n * sizeof *t->r);
        t->k->mul_scalar_add(t->r, t->a, w, n, &t->m);
        check(t, "mul_scalar_add");
    }
}

static void case_reduce(bench *t)
{
    const size_t n = t->n;
    const uint64_t limit = (uint64_t)1 << 50;
    uint64_t *wide = guarded_new(n);
    fill_below(wide, n, limit, &t->seed);
    EXPECT(wide[i] % t->m.q);
    t->k->reduce(t->r, wide, n, &t->m);
    check(t, "reduce");
    const uint64_t others[] = {UINT64_C(1125899906842597), t->m.q, 12289, 3,
                               UINT64_C(1099511627791)};
    for (size_t o = 0; o < sizeof others / sizeof others[0]; o++) {
        const uint64_t p = others[o];
        fill_below(wide, n, p, &t->seed);
        for (size_t i = 0; i < n; i++) {
            mpz_set_word(t->x, wide[i]);
            mpz_set_word(t->y, p);
            if (2 * wide[i] > p)
                mpz_sub(t->x, t->x, t->y);
            t->expected[i] = mpz_residue(t->x, t->m.q);
        }
        t->k->reduce_centred(t->r, wide, p, n, &t->m);
        check(t, "reduce_centred");
    }
    guarded_free(wide, n);
}

static void case_signed(bench *t)
{
    const size_t n = t->n;
    int32_t *a32 = (int32_t *)(void *)guarded_new(n);
    int64_t *a64 = (int64_t *)(void *)guarded_new(n);
    for (size_t i = 0; i < n; i++) {
        int64_t sign = random_word(&t->seed) & 1 ? 1 : -1;
        a32[i] = (int32_t)(sign * (int64_t)random_below(&t->seed, (uint64_t)1 << 31));
        a64[i] = sign * (int64_t)random_below(&t->seed, (uint64_t)1 << 62);
        if (i % 5 == 0) /* multiples of q */
            a64[i] =
                sign * (int64_t)(random_below(&t->seed, ((uint64_t)1 << 62) / t->m.q) * t->m.q);
    }
    for (size_t i = 0; i < n; i++) {
        mpz_set_si(t->x, a32[i]);
        t->expected[i] = mpz_residue(t->x, t->m.q);
    }
    t->k->reduce_i32(t->r, a32, n, &t->m);
    check(t, "reduce_i32");
    for (size_t i = 0; i < n; i++) {
        mpz_set_si(t->x, a64[i]);
        t->expected[i] = mpz_residue(t->x, t->m.q);
    }
    t->k->reduce_i64(t->r, a64, n, &t->m);
    check(t, "reduce_i64");
    guarded_free((uint64_t *)(void *)a32, n);
    guarded_free((uint64_t *)(void *)a64, n);
}

static void case_dot2(bench *t, size_t count, int accumulate, int worst, int in_place)
{
    const size_t n = t->n;
    const uint64_t q = t->m.q;
    const uint64_t **a0 = malloc(count * sizeof *a0), **a1 = malloc(count * sizeof *a1),
                   **b = malloc(count * sizeof *b);
    assert_true(a0 != NULL && a1 != NULL && b != NULL);
    uint64_t *rows[7];
    for (size_t k = 0; k < 7; k++) {
        rows[k] = guarded_new(n);
        fill_below(rows[k], n, q, &t->seed);
        for (size_t i = 0; i < n && worst; i++)
            rows[k][i] = worst == 1 || k == 6 ? q - 1 : (q + 1) / 2;
    }
    /* worst 2: (q + 1) / 2 times q - 1 is (q - 1) / 2, the largest of centred products */
    for (size_t j = 0; j < count; j++) {
        a0[j] = rows[j % (worst == 2 ? 6 : 7)];
        a1[j] = rows[(j * j + 1) % (worst == 2 ? 6 : 7)];
        b[j] = rows[worst == 2 ? 6 : (j / 7 + 3) % 7];
    }
    uint64_t *first = in_place ? rows[0] : t->r, *second = in_place ? rows[3] : t->s;
    if (in_place && accumulate) { /* the results start from the rows that they overwrite */
        memcpy(t->a, first, n * sizeof *first);
        memcpy(t->b, second, n * sizeof *second);
    } else if (!in_place) {
        memcpy(first, t->a, n * sizeof *first);
        memcpy(second, t->b, n * sizeof *second);
    }
    for (size_t i = 0; i < n; i++) {
        mpz_set_word(t->x, accumulate ? t->a[i] : 0);
        mpz_set_word(t->y, accumulate ? t->b[i] : 0);
        for (size_t j = 0; j < count; j++) {
            mpz_set_word(t->z, a0[j][i]);
            mpz_addmul_ui(t->x, t->z, b[j][i]);
            mpz_set_word(t->z, a1[j][i]);
            mpz_addmul_ui(t->y, t->z, b[j][i]);
        }
        t->expected[i] = mpz_residue(t->x, q);
        t->expected2[i] = mpz_residue(t->y, q);
    }
    t->k->dot2(first, second, a0, a1, b, count, accumulate, n, &t->m);
    assert_words_equal(first, t->expected, n, t->k->name);
    assert_words_equal(second, t->expected2, n, t->k->name);
    for (size_t k = 0; k < 7; k++)
        guarded_free(rows[k], n);
    free(a0);
    free(a1);
    free(b);
}

/* Sums of a block with 5 rows: result `place` of each from its terms. */
enum { BLOCK_ROWS = 5, BLOCK_WEIGHTS = 9, BLOCK_TERMS = 300 };
typedef struct block {
    uint64_t *row[2][BLOCK_ROWS], *weights[BLOCK_WEIGHTS], *split[BLOCK_WEIGHTS], *r[2], *before[2];
    uint64_t *scratch;
    size_t words;
} block;

/* worst: in the middle of the range, where the high half is largest, with both halves next to
 * largest, whose sums of products use every bit of a double, and at the end of the range */
static void block_fill(bench *t, uint64_t *a, size_t n, int worst)
{
    fill_below(a, n, t->m.q, &t->seed);
    for (size_t i = 0; i < n && worst; i++) {
        const uint64_t halves = ((UINT64_C(1) << 49) - (1 << 24) - 1 - a[i] % 2) % t->m.q;
        const uint64_t most[] = {t->m.q / 2, halves, t->m.q / 2 + 1, t->m.q - 1};
        a[i] = most[i % 4];
    }
}

static void block_new(bench *t, block *b, int worst)
{
    b->words = (t->n + 7) / 8 * 8 + 8;
    for (size_t p = 0; p < 2; p++) {
        b->r[p] = guarded_new(t->n);
        b->before[p] = guarded_new(t->n);
        block_fill(t, b->before[p], t->n, worst);
        for (size_t k = 0; k < BLOCK_ROWS; k++)
            block_fill(t, b->row[p][k] = guarded_new(t->n), t->n, worst);
    }
    for (size_t k = 0; k < BLOCK_WEIGHTS; k++) {
        block_fill(t, b->weights[k] = guarded_new(b->words), b->words, worst);
        b->split[k] = guarded_new(b->words);
        if (t->k->split_weights != NULL)
            t->k->split_weights(b->split[k], b->weights[k], b->words, &t->m);
        else
            memcpy(b->split[k], b->weights[k], b->words * sizeof(uint64_t));
    }
    b->scratch = guarded_new(BLOCK_ROWS * UMBRA_DOT_SCRATCH_WORDS);
}

static void block_free(bench *t, block *b)
{
    for (size_t p = 0; p < 2; p++) {
        guarded_free(b->r[p], t->n);
        guarded_free(b->before[p], t->n);
        for (size_t k = 0; k < BLOCK_ROWS; k++)
            guarded_free(b->row[p][k], t->n);
    }
    for (size_t k = 0; k < BLOCK_WEIGHTS; k++) {
        guarded_free(b->weights[k], b->words);
        guarded_free(b->split[k], b->words);
    }
    guarded_free(b->scratch, BLOCK_ROWS * UMBRA_DOT_SCRATCH_WORDS);
}

/* Two sums at points 16 .. n-1, from weight 1 on or the first that may be; the second sum adds to
 * the first's result. */
static void case_dot_block(bench *t, size_t count, int fold_log2, int mirrored, int worst)
{
    block b;
    uint32_t row[BLOCK_TERMS];
    const uint64_t *weights[BLOCK_TERMS];
    const size_t start = t->n > 16 ? 16 : 0, first = count / 2 + 1;
    const size_t weight = fold_log2 < 3 ? 8u >> fold_log2 : 1;
    block_new(t, &b, worst);
    for (size_t j = 0; j < count; j++) {
        row[j] = (uint32_t)(j * 3 % BLOCK_ROWS);
        weights[j] = b.split[j % BLOCK_WEIGHTS];
    }
    for (size_t p = 0; p < 2; p++)
        for (size_t i = 0; i < t->n; i++) {
            const size_t at = mirrored ? t->n + start - 1 - i : i; /* the point of this result */
            b.r[p][i] = b.before[p][i];
            mpz_set_word(t->x, at < start || at >= t->n ? b.before[p][i] : 0);
            for (size_t j = 0; at >= start && at < t->n && j < count; j++) {
                mpz_set_word(t->y, b.row[p][row[j]][at]);
                mpz_set_word(t->z,
                             b.weights[j % BLOCK_WEIGHTS][weight + ((at - start) >> fold_log2)]);
                mpz_addmul(t->x, t->y, t->z);
            }
            b.before[p][i] = mpz_residue(t->x, t->m.q);
        }
    const umbra_dot_sum sums[2] = {
        {b.r[0], b.r[1], weights, row, first, 0},
        {b.r[0], b.r[1], weights + first, row + first, count - first, 1}};
    const umbra_dot_block request = {.a0 = (const uint64_t *const *)b.row[0],
                                     .a1 = (const uint64_t *const *)b.row[1],
                                     .row_count = BLOCK_ROWS,
                                     .sums = sums,
                                     .sum_count = count > first ? 2 : 1,
                                     .start = start,
                                     .weight_start = weight,
                                     .fold_log2 = fold_log2,
                                     .mirror = mirrored ? t->n + start : 0,
                                     .scratch = b.scratch};
    t->k->dot_block(&request, t->n - start, &t->m);
    assert_words_equal(b.r[0], b.before[0], t->n, t->k->name);
    assert_words_equal(b.r[1], b.before[1], t->n, t->k->name);
    block_free(t, &b);
}

static void case_combine(bench *t, size_t count, int worst)
{
    const size_t n = t->n;
    const uint64_t limit = (uint64_t)1 << 50;
    const uint64_t *a[64];
    uint64_t *rows[64], w[64];
    double inverse[64];
    for (size_t j = 0; j < count; j++) {
        a[j] = rows[j] = guarded_new(n);
        fill_below(rows[j], n, limit, &t->seed);
        for (size_t i = 0; i < n && worst; i++)
            rows[j][i] = limit - 1;
        w[j] = worst ? t->m.q - 1 : random_below(&t->seed, t->m.q);
        inverse[j] = 1.0 / (double)(limit - 2 * random_word(&t->seed) % 1000);
    }
    for (size_t i = 0; i < n; i++) {
        mpz_set_ui(t->x, 0);
        for (size_t j = 0; j < count; j++) {
            mpz_set_word(t->z, a[j][i]);
            mpz_addmul_ui(t->x, t->z, w[j]);
        }
        t->expected[i] = mpz_residue(t->x, t->m.q);
    }
    t->k->combine(t->r, a, w, count, n, &t->m);
    check(t, "combine");
    uint64_t *saved = guarded_new(n); /* in place of the last row */
    memcpy(saved, rows[count - 1], n * sizeof *saved);
    t->k->combine(rows[count - 1], a, w, count, n, &t->m);
    assert_words_equal(rows[count - 1], t->expected, n, "combine in place");
    memcpy(rows[count - 1], saved, n * sizeof *saved);
    guarded_free(saved, n);
    for (size_t i = 0; i < n; i++) {
        volatile double sum = 0.5, product; /* volatile: rounded at each step */
        for (size_t j = 0; j < count; j++) {
            product = (double)a[j][i] * inverse[j];
            sum = sum + product;
        }
        t->expected[i] = (uint64_t)sum;
    }
    t->k->round_quotient(t->r, a, inverse, count, n);
    check(t, "round_quotient");
    for (size_t j = 0; j < count; j++)
        guarded_free(rows[j], n);
}

static void case_permute(bench *t)
{
    uint32_t index[N_MAX];
    for (int pattern = 0; pattern < 3; pattern++) {
        for (size_t i = 0; i < t->n; i++) {
            index[i] = (uint32_t)(random_word(&t->seed) % t->n);
            if (pattern == 1)
                index[i] = (uint32_t)(t->n - 1 - i);
            if (pattern == 2 && i % 8 != 3) /* whole blocks but for one word */
                index[i] = (uint32_t)(t->n - 8 - i / 8 * 8 + (i * 3) % 8);
            t->expected[i] = t->a[index[i]];
        }
        t->k->permute(t->r, t->a, index, t->n);
        check(t, "permute");
        for (size_t i = 0; i < t->n; i++) {
            t->r[i] = i % 5 == 0 ? t->m.q - 1 : t->b[i];
            t->expected[i] = (t->r[i] + t->a[index[i]]) % t->m.q;
        }
        t->k->permute_add(t->r, t->a, index, t->n, &t->m);
        check(t, "permute_add");
    }
}

static void run_cases(bench *t)
{
    const size_t n = t->n;
    uint64_t **arrays[] = {&t->r, &t->s, &t->a, &t->b, &t->c, &t->expected, &t->expected2};
    for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++) {
        *arrays[k] = guarded_new(n);
        fill_below(*arrays[k], n, t->m.q, &t->seed);
    }
    case_elementwise(t);
    case_scalars(t);
    case_reduce(t);
    case_signed(t);
    case_permute(t);
    const size_t counts[] = {1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 64}; /* the ends of every grouping */
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++)
        for (int worst = 0; worst < 2 && (n <= 112 || k % 3 == 0); worst++) {
            case_dot2(t, counts[k], 0, worst, 0);
            case_dot2(t, counts[k], 1, worst, 0);
            case_dot2(t, counts[k], worst, 2, 0);
            case_combine(t, counts[k], worst);
        }
    const size_t terms[] = {1, 2, 3, 4, 31, 35, BLOCK_TERMS}; /* 31: sums of 16 and 15 */
    for (int k = 0; k < 24; k++)
        case_dot_block(t, terms[k % 7], k / 4, k & 1, k >> 1 & 1);
    case_dot2(t, 9, 0, 0, 1);
    case_dot2(t, 17, 1, 0, 1);
    if (n == 32) {
        case_dot2(t, COUNT_MAX, 1, 0, 0);
        case_dot2(t, COUNT_MAX, 1, 1, 0);
        case_dot2(t, COUNT_MAX, 1, 2, 0);
    }
    for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++)
        guarded_free(*arrays[k], n);
}

static void test_all_sets(void **state)
{
    (void)state;
    const umbra_kernels *sets[4];
    const int count = umbra_kernels_all(sets);
    uint64_t primes[9];
    int prime_count = sample_primes(primes, 64);
    primes[prime_count++] = 12289; /* the smallest kind: 14 bits */
    primes[prime_count++] = UINT64_C(1125899906842597);
    for (int s = 0; s < count; s++)
        for (int p = 0; p < prime_count; p++)
            for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
                bench t = {.k = sets[s], .n = lengths[l], .seed = 7 + l};
                assert_int_equal(umbra_modulus_init(&t.m, primes[p]), UMBRA_OK);
                mpz_inits(t.x, t.y, t.z, NULL);
                run_cases(&t);
                mpz_clears(t.x, t.y, t.z, NULL);
            }
}

static void test_choice(void **state)
{
    (void)state;
    const umbra_kernels *sets[4];
    const int count = umbra_kernels_all(sets);
    const char *saved = getenv("UMBRA_CPU");
    char before[32] = "";
    if (saved != NULL)
        snprintf(before, sizeof before, "%s", saved);
    for (int s = 0; s < count; s++) {
        assert_int_equal(setenv("UMBRA_CPU", sets[s]->name, 1), 0);
        assert_int_equal(umbra_kernels_init(), UMBRA_OK);
        assert_ptr_equal(umbra_kernels_get(), sets[s]);
    }
    assert_int_equal(setenv("UMBRA_CPU", "avx1024", 1), 0);
    assert_int_equal(umbra_kernels_init(), UMBRA_E_USAGE);
    assert_int_equal(unsetenv("UMBRA_CPU"), 0);
    assert_int_equal(umbra_kernels_init(), UMBRA_OK);
    assert_ptr_equal(umbra_kernels_get(), sets[count - 1]);
    if (before[0] != '\0')
        assert_int_equal(setenv("UMBRA_CPU", before, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_sets),
                                       cmocka_unit_test(test_choice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
