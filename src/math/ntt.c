/* Tables of a negacyclic number-theoretic transform. */
#include "math/ntt.h"

#include "base/memory.h"
#include "math/bits.h"
#include "math/scalar.h"

#include <inttypes.h>

/* The smallest of the N primitive 2N-th roots of unity: the odd powers of any one of them. */
static uint64_t smallest_root(int degree_log2, const umbra_modulus *m)
{
    const uint64_t degree = (uint64_t)1 << degree_log2;
    uint64_t root = 0;
    for (uint64_t x = 2;; x++) {
        root = umbra_mod_pow(x, (m->q - 1) / (2 * degree), m);
        if (umbra_mod_pow(root, degree, m) == m->q - 1)
            break;
    }
    uint64_t square = umbra_mod_mul(root, root, m), smallest = root;
    for (uint64_t i = 1; i < degree; i++) {
        root = umbra_mod_mul(root, square, m);
        if (root < smallest)
            smallest = root;
    }
    return smallest;
}

/* table[bitrev(i)] = root^i, and the companions. */
static void fill_powers(uint64_t *table, uint64_t *companions, uint64_t root, int degree_log2,
                        const umbra_modulus *m)
{
    uint64_t power = 1;
    for (uint32_t i = 0; i < (uint32_t)1 << degree_log2; i++) {
        uint32_t j = umbra_bit_reverse(i, degree_log2);
        table[j] = power;
        companions[j] = umbra_scalar_shoup52(power, m);
        power = umbra_mod_mul(power, root, m);
    }
}

static void fill_lane_roots(uint64_t *table, const uint64_t *roots, const uint64_t *companions,
                            size_t degree)
{
    for (size_t j = degree / 8; j < degree / 4; j += 2)
        for (size_t level = 2; level <= 4; level += 2) {
            *table++ = roots[level * j];
            *table++ = companions[level * j];
        }
}

static double centred(uint64_t a, uint64_t q)
{
    return a > q / 2 ? -(double)(q - a) : (double)a;
}

umbra_status umbra_ntt_init_root(umbra_ntt *ntt, uint64_t q, int degree_log2, uint64_t psi)
{
    if (degree_log2 < UMBRA_DEGREE_MIN_LOG2 || degree_log2 > UMBRA_DEGREE_MAX_LOG2)
        return umbra_fail(UMBRA_E_INPUT, "ring degree 2^%d is outside 2^%d .. 2^%d", degree_log2,
                          UMBRA_DEGREE_MIN_LOG2, UMBRA_DEGREE_MAX_LOG2);
    umbra_modulus m;
    UMBRA_TRY(umbra_modulus_init(&m, q));
    const size_t degree = (size_t)1 << degree_log2;
    if ((q - 1) % (2 * degree) != 0)
        return umbra_fail(UMBRA_E_INPUT,
                          "modulus %" PRIu64 " is not 1 mod %zu, so the ring of degree 2^%d has no "
                          "NTT modulo it",
                          q, 2 * degree, degree_log2);
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, 6 * degree + 3 * degree / 4, sizeof(uint64_t),
                                       "NTT tables"));
    uint64_t *words = memory;
    *ntt =
        (umbra_ntt){.modulus = m, .degree_log2 = degree_log2, .degree = degree, .memory = memory};
    ntt->roots = words;
    ntt->roots_shoup = words + degree;
    ntt->inverse_roots = words + 2 * degree;
    ntt->inverse_roots_shoup = words + 3 * degree;
    ntt->psi = psi != 0 ? psi : smallest_root(degree_log2, &m);
    fill_powers(ntt->roots, ntt->roots_shoup, ntt->psi, degree_log2, &m);
    fill_powers(ntt->inverse_roots, ntt->inverse_roots_shoup, umbra_mod_inverse(ntt->psi, &m),
                degree_log2, &m);
    ntt->degree_inverse = umbra_mod_inverse(degree, &m);
    ntt->degree_inverse_shoup = umbra_scalar_shoup52(ntt->degree_inverse, &m);
    /* Entry 0 (the power 1) is used by no level; it carries 1/N through the last one. */
    ntt->inverse_roots[0] = umbra_mod_mul(ntt->inverse_roots[1], ntt->degree_inverse, &m);
    ntt->inverse_roots_shoup[0] = umbra_scalar_shoup52(ntt->inverse_roots[0], &m);
    ntt->roots_centred = (double *)(void *)(words + 4 * degree);
    ntt->inverse_roots_centred = ntt->roots_centred + degree;
    for (size_t i = 0; i < degree; i++) {
        ntt->roots_centred[i] = centred(ntt->roots[i], q);
        ntt->inverse_roots_centred[i] = centred(ntt->inverse_roots[i], q);
    }
    ntt->lane_roots = words + 6 * degree;
    ntt->inverse_lane_roots = ntt->lane_roots + degree / 2;
    uint64_t *table = ntt->lane_roots;
    for (size_t n = degree; n >= 32; table += n / 4, n /= 2)
        fill_lane_roots(table, ntt->roots, ntt->roots_shoup, n);
    fill_lane_roots(ntt->inverse_lane_roots, ntt->inverse_roots, ntt->inverse_roots_shoup, degree);
    ntt->degree_inverse_centred = centred(ntt->degree_inverse, q);
    return UMBRA_OK;
}

umbra_status umbra_ntt_init(umbra_ntt *ntt, uint64_t q, int degree_log2)
{
    return umbra_ntt_init_root(ntt, q, degree_log2, 0);
}

umbra_ntt umbra_ntt_folded(const umbra_ntt *ntt, int fold_log2)
{
    umbra_ntt view = *ntt;
    view.degree_log2 -= fold_log2;
    view.degree >>= fold_log2;
    view.lane_roots += ntt->degree / 2 - view.degree / 2;
    view.inverse_roots = view.inverse_roots_shoup = view.inverse_lane_roots = NULL;
    view.inverse_roots_centred = NULL;
    view.memory = NULL;
    return view;
}

void umbra_ntt_free(umbra_ntt *ntt)
{
    if (ntt == NULL)
        return;
    umbra_memory_free(ntt->memory);
    *ntt = (umbra_ntt){0};
}
