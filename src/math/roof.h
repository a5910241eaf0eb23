/* The most that this machine's vector multipliers can do, to judge the kernels by. */
#ifndef UMBRA_MATH_ROOF_H
#define UMBRA_MATH_ROOF_H

/* Independent 52-bit multiply-adds on 64-byte registers (vpmadd52luq, vpmadd52huq) that one thread
 * does in a nanosecond, measured for a few milliseconds; 0 where the machine has none. */
double umbra_madd52_per_ns(void);

/* The least time of a transform at that rate: N/2 * log2(N) butterflies of three multiply-adds,
 * eight at a time. */
double umbra_ntt_roof_ns(int degree_log2, double madd52_per_ns);

#endif
