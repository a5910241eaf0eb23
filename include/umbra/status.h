/* The one error idiom: a code that must be looked at, and a message that says what, where, remedy.
 */
#ifndef UMBRA_STATUS_H
#define UMBRA_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* Each code maps to one exit code of the command line (umbra_status_exit_code). */
typedef enum umbra_code {
    UMBRA_OK = 0,
    UMBRA_E_USAGE,     /* the caller asked for something that makes no sense; exit 2 */
    UMBRA_E_INPUT,     /* a file, message or argument from outside is wrong; exit 3 */
    UMBRA_E_MODEL,     /* a model cannot be compiled; exit 3 */
    UMBRA_E_MISMATCH,  /* levels, scales, parameters or keys do not belong together; exit 3 */
    UMBRA_E_SECURITY,  /* parameters below 128 bits, or impossible; exit 4 */
    UMBRA_E_RESOURCE,  /* memory, disk or threads; exit 5 */
    UMBRA_E_IO,        /* the operating system refused to read or write; exit 5 */
    UMBRA_E_ACCURACY,  /* encrypted and plaintext results differ too much; exit 7 */
    UMBRA_E_CANCELLED, /* the user stopped it; exit 130 */
    UMBRA_E_INTERNAL   /* a self-check failed: a bug in Umbra; exit 70 */
} umbra_code;

#if defined(__GNUC__)
#define UMBRA_MUST_USE __attribute__((warn_unused_result))
#define UMBRA_PRINTF(fmt_index, first) __attribute__((format(printf, fmt_index, first)))
#else
#define UMBRA_MUST_USE
#define UMBRA_PRINTF(fmt_index, first)
#endif

typedef umbra_code umbra_status;

/* Record a message for this thread and return the code.
 *
 * fmt:     what is wrong, where (file, offset, node name) and what to do; never a secret or a pixel
 * Returns: code, so that a function can write `return umbra_fail(...)`
 * Threads: the message is thread-local; umbra_pool_run carries it to the calling thread */
UMBRA_MUST_USE umbra_status umbra_fail(umbra_code code, const char *fmt, ...) UMBRA_PRINTF(2, 3);

/* Put "<text>: " before the message already recorded, and return the code unchanged. */
UMBRA_MUST_USE umbra_status umbra_fail_within(umbra_status code, const char *fmt, ...)
    UMBRA_PRINTF(2, 3);

/* The last message of this thread, at most 4095 bytes; valid until the next failure here. */
const char *umbra_error_message(void);

/* Exit code of the command line for a status: 0, 2, 3, 4, 5, 7, 70 or 130. */
int umbra_status_exit_code(umbra_status status);

/* Return early from a function that has nothing to release. */
#define UMBRA_TRY(expr)                                                                            \
    do {                                                                                           \
        umbra_status umbra_try_ = (expr);                                                          \
        if (umbra_try_ != UMBRA_OK)                                                                \
            return umbra_try_;                                                                     \
    } while (0)

/* Go to a label that releases; `status` is the variable that the label returns. */
#define UMBRA_GOTO(label, status, expr)                                                            \
    do {                                                                                           \
        (status) = (expr);                                                                         \
        if ((status) != UMBRA_OK)                                                                  \
            goto label;                                                                            \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
