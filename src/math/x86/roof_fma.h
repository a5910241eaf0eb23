/* Measures how many independent fused multiply-adds a nanosecond has: one text, included once for
 * each width of REGISTER, "ymm" or "zmm". */
#include "base/clock.h"
#include "math/x86/sets_x86.h"

#define CHAINS 12 /* more than latency times throughput of any machine so far: 5 * 2 */
#define ROUNDS 2000
#define TRIES 500

#define FMA(n) "vfmadd231pd %%" REGISTER "14, %%" REGISTER "15, %%" REGISTER #n "\n\t"

/* In assembly for the reason that the other roof gives; the registers are cleared first, since
 * numbers of some kinds are slow. */
static void multiply_rounds(void)
{
    long rounds = ROUNDS;
    __asm__ volatile("vzeroall\n\t"
                     "1:\n\t" FMA(0) FMA(1) FMA(2) FMA(3) FMA(4) FMA(5) FMA(6) FMA(7) FMA(8) FMA(9)
                         FMA(10) FMA(11) "dec %0\n\t"
                                         "jnz 1b"
                     : "+r"(rounds)
                     :
                     : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static double fma_per_ns(void)
{
    double best = 0;
    for (int t = 0; t < TRIES; t++) {
        const uint64_t start = umbra_clock_ns();
        multiply_rounds();
        const double rate = (double)CHAINS * ROUNDS / (double)(umbra_clock_ns() - start);
        best = rate > best ? rate : best;
    }
    return best;
}
