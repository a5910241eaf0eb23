/* P(|x| <= k) * 2^127 of the discrete Gaussian of deviation 3.2; written by gaussian_table.py. */
#ifndef UMBRA_MATH_GAUSSIAN_TABLE_H
#define UMBRA_MATH_GAUSSIAN_TABLE_H

#include <stdint.h>

#define UMBRA_GAUSSIAN_CUT 41

/* High word, low word. */
static const uint64_t umbra_gaussian_table[UMBRA_GAUSSIAN_CUT][2] = {
    {UINT64_C(0x0ff52b4064a1f258), UINT64_C(0x29df05b2074b38de)}, /* 0 */
    {UINT64_C(0x2e5a25d4026fff6d), UINT64_C(0xccddfad06fdfe169)}, /* 1 */
    {UINT64_C(0x489ae2682e3db9bb), UINT64_C(0x023135944c9227ab)}, /* 2 */
    {UINT64_C(0x5d2bc20de6f95105), UINT64_C(0xe12ad8177d81bcff)}, /* 3 */
    {UINT64_C(0x6bc8694a862fcdce), UINT64_C(0x85ebd2a3b04ab1df)}, /* 4 */
    {UINT64_C(0x7532d898e9d195d9), UINT64_C(0xeb582f25814fd03c)}, /* 5 */
    {UINT64_C(0x7ab396c980f5facb), UINT64_C(0x7e61a468e3da974c)}, /* 6 */
    {UINT64_C(0x7d9e4e8f6717ea70), UINT64_C(0x489385672e72a304)}, /* 7 */
    {UINT64_C(0x7f054956150a592b), UINT64_C(0x2439c858b79cb75d)}, /* 8 */
    {UINT64_C(0x7fa1ce99f8dbf691), UINT64_C(0x3ddf9e0124ebb99d)}, /* 9 */
    {UINT64_C(0x7fdfb3f00a8f3398), UINT64_C(0x1403b4a1d9ac8a1d)}, /* 10 */
    {UINT64_C(0x7ff5e6f7c97d68d8), UINT64_C(0x97531809587feac4)}, /* 11 */
    {UINT64_C(0x7ffd1f95b372bd35), UINT64_C(0xcf2b62c6803ffae8)}, /* 12 */
    {UINT64_C(0x7fff40f7f7aedc63), UINT64_C(0xd873b1311c890d06)}, /* 13 */
    {UINT64_C(0x7fffd2e62d057ef0), UINT64_C(0x547e4f4e753d546b)}, /* 14 */
    {UINT64_C(0x7ffff6503aaa2874), UINT64_C(0xc30c66c37dd87cb5)}, /* 15 */
    {UINT64_C(0x7ffffe1bab99a743), UINT64_C(0xe6c7bd718e5edc96)}, /* 16 */
    {UINT64_C(0x7fffffaa0140ce52), UINT64_C(0x8b3e56d5d7ee46d4)}, /* 17 */
    {UINT64_C(0x7ffffff21f8a3a77), UINT64_C(0x628cabae19fafb6e)}, /* 18 */
    {UINT64_C(0x7ffffffdf72301f4), UINT64_C(0x1652de72ddbc2c56)}, /* 19 */
    {UINT64_C(0x7fffffffba9fd472), UINT64_C(0x4f2c8265095130f2)}, /* 20 */
    {UINT64_C(0x7ffffffff79b78ce), UINT64_C(0x5f9d1c867902f104)}, /* 21 */
    {UINT64_C(0x7fffffffff13f6f9), UINT64_C(0x61c54c2989db9c84)}, /* 22 */
    {UINT64_C(0x7fffffffffe87489), UINT64_C(0xa3b1900627bfc55b)}, /* 23 */
    {UINT64_C(0x7ffffffffffdde23), UINT64_C(0xe29f768eb47d3c73)}, /* 24 */
    {UINT64_C(0x7fffffffffffd31f), UINT64_C(0xd9c536b74d56aa23)}, /* 25 */
    {UINT64_C(0x7ffffffffffffca6), UINT64_C(0xb994e9be34b49892)}, /* 26 */
    {UINT64_C(0x7fffffffffffffc5), UINT64_C(0xf006d5abc817d5e0)}, /* 27 */
    {UINT64_C(0x7ffffffffffffffc), UINT64_C(0x6e58825669dfeb5f)}, /* 28 */
    {UINT64_C(0x7fffffffffffffff), UINT64_C(0xcd08f44cfba829fe)}, /* 29 */
    {UINT64_C(0x7fffffffffffffff), UINT64_C(0xfd6b947ecbc32d70)}, /* 30 */
    {UINT64_C(0x7fffffffffffffff), UINT64_C(0xffe1aa9e185b9ca9)}, /* 31 */
    {UINT64_C(0x7fffffffffffffff), UINT64_C(0xfffebc6070bda7f9)}, /* 32 */
    {UINT64_C(0x7fffffffffffffff), UINT64_C(0xfffff3c35884064f)}, /* 33 */
    {UINT64_C(0x7fffffffffffffff), UINT64_C(0xffffff9487d94534)}, /* 34 */
    {UINT64_C(0x7fffffffffffffff), UINT64_C(0xfffffffca7b58c82)}, /* 35 */
    {UINT64_C(0x7fffffffffffffff), UINT64_C(0xffffffffe7d24db4)}, /* 36 */
    {UINT64_C(0x7fffffffffffffff), UINT64_C(0xffffffffff617235)}, /* 37 */
    {UINT64_C(0x7fffffffffffffff), UINT64_C(0xfffffffffffc50c8)}, /* 38 */
    {UINT64_C(0x7fffffffffffffff), UINT64_C(0xffffffffffffec1e)}, /* 39 */
    {UINT64_C(0x7fffffffffffffff), UINT64_C(0xffffffffffffff9f)}, /* 40 */
};

#endif
