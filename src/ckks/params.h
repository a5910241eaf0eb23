/* Parameters: an unchecked literal becomes an immutable object, or an error that names the limit.
 */
#ifndef UMBRA_CKKS_PARAMS_H
#define UMBRA_CKKS_PARAMS_H

#include "math/fft.h"
#include "math/kernels.h"
#include "math/ntt.h"
#include "wire/envelope.h"

#define UMBRA_MAX_PRIMES 64  /* data primes */
#define UMBRA_MAX_SPECIAL 16 /* special primes */
#define UMBRA_MAX_LEVELS 64
#define UMBRA_SECURITY_BITS 128

/* Level 0 is the lowest. A level is a set of data primes (bit i: prime i) and a default scale.
 * Going down one level multiplies by the primes that the lower set adds and divides by those that
 * it drops. */
typedef struct umbra_level_literal {
    uint64_t prime_set;
    double scale_log2;
} umbra_level_literal;

typedef struct umbra_params_literal {
    int degree_log2;                   /* 12 .. 17 */
    int prime_count;                   /* 1 .. UMBRA_MAX_PRIMES */
    uint64_t primes[UMBRA_MAX_PRIMES]; /* distinct primes = 1 mod 2N, below 2^50 */
    int special_count;                 /* 1 .. UMBRA_MAX_SPECIAL */
    uint64_t special[UMBRA_MAX_SPECIAL];
    int level_count; /* 1 .. UMBRA_MAX_LEVELS */
    umbra_level_literal levels[UMBRA_MAX_LEVELS];
} umbra_params_literal;

typedef struct umbra_params umbra_params;

/* The largest log2(QP) with 128 bits of classical security for a uniform ternary secret,
 * [SecGuide24] table 5.2: 2^12 106, 2^13 214, 2^14 430, 2^15 868, 2^16 1747, 2^17 3523; 0 for other
 * degrees. */
double umbra_security_limit_log2(int degree_log2);

/* Check everything and make the tables.
 *
 * Returns: UMBRA_E_SECURITY naming the limit that log2(QP) passes; UMBRA_E_INPUT for anything else
 *          that is wrong (which prime, which level)
 * Owns:    umbra_params_free. Immutable and shared between threads. */
umbra_status umbra_params_new(umbra_params **out,
                              const umbra_params_literal *literal) UMBRA_MUST_USE;
void umbra_params_free(umbra_params *params);

/* The same without the tables of transforms, which are nine tenths of the work, and without the
 * limit of security: for noise, sizes and costs alone, of which a search asks hundreds. Nothing may
 * be encoded, encrypted or evaluated with it. */
umbra_status umbra_params_new_sketch(umbra_params **out,
                                     const umbra_params_literal *literal) UMBRA_MUST_USE;

/* Fill a literal with fresh primes of the wanted sizes (real numbers of bits, at most 50), special
 * primes as large as possible, and with the given levels. */
umbra_status umbra_params_literal_sets(umbra_params_literal *out, int degree_log2, int prime_count,
                                       const double *prime_bits, int special_count, int level_count,
                                       const uint64_t *sets, double scale_log2) UMBRA_MUST_USE;
/* Fill a literal with fresh primes: level 0 has base primes of `base_bits` (real numbers, at most
 * 50), and each further level i adds one prime near 2^step_bits[i-1]; special primes as large as
 * possible. */
umbra_status umbra_params_literal_chain(umbra_params_literal *out, int degree_log2, int base_count,
                                        const double *base_bits, int step_count,
                                        const double *step_bits, int special_count,
                                        double scale_log2) UMBRA_MUST_USE;

int umbra_params_degree_log2(const umbra_params *params);
size_t umbra_params_degree(const umbra_params *params);
size_t umbra_params_slots(const umbra_params *params); /* N / 2 */
int umbra_params_prime_count(const umbra_params *params);
int umbra_params_special_count(const umbra_params *params);
int umbra_params_level_count(const umbra_params *params);
/* The primes of a level: indices into the data primes in ascending order; count through *limbs. */
const int *umbra_params_level_primes(const umbra_params *params, int level, int *limbs);
int umbra_params_level_limbs(const umbra_params *params, int level);
/* Bit i: data prime i is in the level. */
uint64_t umbra_params_level_set(const umbra_params *params, int level);
/* Digits of the gadget that have a prime in the level. */
int umbra_params_level_digits(const umbra_params *params, int level);
double umbra_params_level_log2_q(const umbra_params *params, int level);
double umbra_params_level_scale_log2(const umbra_params *params, int level);
/* log2 of the factor by which umbra_eval_rescale from `level` to `level - 1` divides (Q_from/Q_to).
 */
double umbra_params_rescale_log2(const umbra_params *params, int level);
/* log2 of the scale to which umbra_eval_rescale from `level` brings scale_log2. Within 2^-36 of a
 * multiple of 2^-16 it is that multiple: what doubles round would else double with each square that
 * follows, and after 28 of them equal scales would differ. */
double umbra_params_rescaled_log2(const umbra_params *params, int level, double scale_log2);
double umbra_params_log2_q(const umbra_params *params);  /* all data primes */
double umbra_params_log2_qp(const umbra_params *params); /* and special primes */
/* NTT tables: data primes first, then special ones. */
const umbra_ntt *umbra_params_ntt(const umbra_params *params, int prime);
const umbra_fft *umbra_params_fft(const umbra_params *params);
const umbra_kernels *umbra_params_kernels(const umbra_params *params);
const unsigned char *umbra_params_hash(const umbra_params *params); /* of the byte form */

void umbra_params_write(const umbra_params *params, umbra_writer *writer);
umbra_status umbra_params_read(umbra_reader *reader, umbra_params **out) UMBRA_MUST_USE;

#endif
