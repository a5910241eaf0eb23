/* A pool of threads that runs one indexed loop at a time. */
#ifndef UMBRA_BASE_THREADS_H
#define UMBRA_BASE_THREADS_H

#include "umbra/status.h"

#include <stddef.h>

typedef struct umbra_pool umbra_pool;

/* One iteration. `index` is below count, `worker` below umbra_pool_threads (0 for the caller). */
typedef umbra_status (*umbra_loop_body)(void *context, size_t index, int worker);

/* threads: 1 to 1024 including the caller; 0 means one for each processor this process may use. */
umbra_status umbra_pool_new(umbra_pool **out, int threads) UMBRA_MUST_USE;
void umbra_pool_free(umbra_pool *pool);
int umbra_pool_threads(const umbra_pool *pool); /* 1 for NULL */

/* Run body for index 0 .. count-1 and wait; indices are handed out in order, one at a time.
 *
 * pool:    NULL runs serially. Called from inside a body it runs serially too, with the worker
 *          number of that body, so that per-worker scratch stays private.
 * Returns: UMBRA_OK, or the failure with the lowest index seen; its message reaches the caller's
 *          thread. After a failure indices not yet started are skipped.
 * Threads: one loop at a time for a pool; not from two threads at once */
umbra_status umbra_pool_run(umbra_pool *pool, size_t count, umbra_loop_body body,
                            void *context) UMBRA_MUST_USE;

#endif
