/* What verify compares with where single precision ends too early. */
#ifndef UMBRA_CLI_VERIFY_REFERENCE_H
#define UMBRA_CLI_VERIFY_REFERENCE_H

#include "cli/session.h"

/* Bits of the answer from which the plaintext network, in single precision, is no reference: its
 * own error is 19 to 24 bits below the largest value. */
#define UMBRA_VERIFY_SINGLE_BITS 16

/* The plan's program on slot vectors in double precision: the answers of all images, and of the
 * first image every tensor in the order in which a run reports them. */
typedef struct umbra_verify_reference {
    double *answers;
    double **values; /* by event; NULL where it is no value of the graph */
    int count;
    size_t room;
    umbra_status failure; /* of an event */
} umbra_verify_reference;

/* Run it on the session's inputs. reference: zeroed, or that of the run before.
 * Owns: umbra_verify_reference_free, in every case. */
umbra_status umbra_verify_reference_run(umbra_verify_reference *reference,
                                        umbra_session *session) UMBRA_MUST_USE;
/* That `values` of double precision are those of the network in single precision, but for what that
 * loses: the plan computes the network's function.
 * Returns: UMBRA_E_INTERNAL, naming `name` */
umbra_status umbra_verify_reference_check(const char *name, const double *values,
                                          const double *single, size_t count) UMBRA_MUST_USE;
void umbra_verify_reference_free(umbra_verify_reference *reference);

#endif
