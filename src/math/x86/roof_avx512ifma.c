/* Measures how many independent 52-bit multiply-adds of 64 bytes a nanosecond has. */
#include "base/clock.h"
#include "math/x86/sets_x86.h"

#define CHAINS 12 /* more than latency times throughput of any machine so far: 4 * 2 */
#define ROUNDS 2000
#define TRIES 500

#define LOW(n) "vpmadd52luq %%zmm30, %%zmm31, %%zmm" #n "\n\t"
#define HIGH(n) "vpmadd52huq %%zmm30, %%zmm31, %%zmm" #n "\n\t"

/* In assembly, because a compiler that spills one accumulator in this loop measures its stores
 * instead: a roof too low makes every kernel look better than it is. */
static void multiply_rounds(void)
{
    long rounds = ROUNDS;
    __asm__ volatile("1:\n\t" LOW(0) HIGH(1) LOW(2) HIGH(3) LOW(4) HIGH(5) LOW(6) HIGH(7) LOW(8)
                         HIGH(9) LOW(10) HIGH(11) "dec %0\n\t"
                                                  "jnz 1b"
                     : "+r"(rounds)
                     :
                     : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11");
}

double umbra_madd52_per_ns_avx512ifma(void)
{
    double best = 0;
    for (int t = 0; t < TRIES; t++) { /* the best of many short runs: others use the machine too */
        const uint64_t start = umbra_clock_ns();
        multiply_rounds();
        const double rate = (double)CHAINS * ROUNDS / (double)(umbra_clock_ns() - start);
        best = rate > best ? rate : best;
    }
    return best;
}
