/* Activation functions by their ONNX names, and the quadratic that comes nearest to one. */
#ifndef UMBRA_GRAPH_ACTIVATION_H
#define UMBRA_GRAPH_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

/* f(x), with the numbers that ONNX attributes give; Clip: alpha is the least value, beta the most.
 */
typedef struct umbra_activation {
    double (*function)(double x, double alpha, double beta);
    double alpha, beta;
} umbra_activation;

/* The function of an ONNX operator with its default attributes ("Silu" is x * Sigmoid(x)); false
 * where the operator is none of a single number. */
bool umbra_activation_find(const char *op_type, umbra_activation *out);

/* c[0] + c[1] x + c[2] x^2 nearest to f in least squares: over the samples, and with a tenth of
 * their weight over their range evenly, so that it holds at the ends too. A square that would
 * matter less than a thousandth of the linear term over the range is left out.
 *
 * Shape: count >= 1 finite samples */
void umbra_activation_fit(const umbra_activation *f, const float *samples, size_t count,
                          double c[3]);

#endif
