/* The table of kernels in doubles, four residues at a time. */
#include "math/x86/fma_avx2.h"

#include "math/x86/kernels_fma.h"
#include "math/x86/sets_x86.h"

const umbra_kernels umbra_kernels_avx2 = {
    .name = "avx2",
    .ntt_forward = umbra_ntt_forward_avx2,
    .ntt_inverse = umbra_ntt_inverse_avx2,
    .ntt_forward_centred = umbra_ntt_forward_centred_avx2,
    .halve_i32 = halve_i32_fma,
    .ntt_forward_half = umbra_ntt_forward_half_avx2,
    .add = add_fma,
    .sub = sub_fma,
    .neg = neg_fma,
    .mul = mul_fma,
    .mul_add = mul_add_fma,
    .mul_scalar = mul_scalar_fma,
    .sub_mul_scalar = sub_mul_scalar_fma,
    .mul_scalar_add = mul_scalar_add_fma,
    .dot2 = umbra_dot2_avx2,
    .split_weights = umbra_split_weights_avx2,
    .dot_block = umbra_dot_block_avx2,
    .combine = umbra_combine_avx2,
    .reduce = reduce_fma,
    .reduce_centred = reduce_centred_fma,
    .reduce_i32 = reduce_i32_fma,
    .reduce_i64 = reduce_i64_fma,
    .round_quotient = round_quotient_fma,
    .permute = umbra_permute_avx2,
    .permute_add = umbra_permute_add_avx2,
    .gaussian = umbra_gaussian_avx2,
    .embed = umbra_embed_avx2,
    .embed_inverse = umbra_embed_inverse_avx2,
};
