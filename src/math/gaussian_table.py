"""Write src/math/gaussian_table.h: the cumulative table of the discrete Gaussian of deviation 3.2.

With s = 3.2 and rho(k) = exp(-k^2 / (2 s^2)), |x| = k has probability rho(0)/S for k = 0 and 2 rho(k)/S above,
S the sum over all integers. Entry k is P(|x| <= k) * 2^127 rounded to nearest: a uniform 127-bit u stands for
|x| = number of entries that are <= u, and one more bit for the sign. 41 entries: |x| is at most 41, and the
mass above is below 2^-117. Computed with 100 decimal digits (over 330 bits). Run: python3 gaussian_table.py
"""
import pathlib
from decimal import Decimal, getcontext

getcontext().prec = 100
CUT = 41
two_variance = 2 * Decimal("3.2") ** 2


def rho(k):
    return (-Decimal(k * k) / two_variance).exp()


total = 1 + 2 * sum(rho(k) for k in range(1, 200))
assert 2 * sum(rho(k) for k in range(CUT + 1, 200)) / total < Decimal(2) ** -117
lines, mass = [], Decimal(0)
for k in range(CUT):
    mass += (1 if k == 0 else 2) * rho(k) / total
    entry = int((mass * 2**127).to_integral_value())
    lines.append(f"    {{UINT64_C(0x{entry >> 64:016x}), UINT64_C(0x{entry & (2**64 - 1):016x})}}, /* {k} */")
pathlib.Path(__file__).with_name("gaussian_table.h").write_text(
    "/* P(|x| <= k) * 2^127 of the discrete Gaussian of deviation 3.2; written by gaussian_table.py. */\n"
    "#ifndef UMBRA_MATH_GAUSSIAN_TABLE_H\n#define UMBRA_MATH_GAUSSIAN_TABLE_H\n\n#include <stdint.h>\n\n"
    f"#define UMBRA_GAUSSIAN_CUT {CUT}\n\n"
    "/* High word, low word. */\n"
    "static const uint64_t umbra_gaussian_table[UMBRA_GAUSSIAN_CUT][2] = {\n"
    + "\n".join(lines)
    + "\n};\n\n#endif\n"
)
