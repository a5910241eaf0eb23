/* A pool of threads that runs one indexed loop at a time. */
#include "base/threads.h"

#include "base/machine.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MAX_THREADS 1024
/* Loops follow each other within microseconds while a network runs, and waking a sleeping thread
 * costs tens of them, so both sides look for a while (about 50 us) before they sleep. */
#define SPINS_BEFORE_SLEEP 1500

#define STATE_INSIDE UINT64_C(0xffff) /* a count */
#define STATE_OPEN UINT64_C(0x10000)
#define STATE_LOOP UINT64_C(0x20000) /* one loop further */

struct umbra_pool {
    pthread_mutex_t lock;
    pthread_cond_t work_ready;
    pthread_cond_t work_done;
    pthread_t *handles;
    struct worker *workers;
    int threads;
    int started;
    int spins; /* 0 where there are more threads than processors */
    atomic_bool stopping;
    /* The loop's number (so that a worker never joins one twice), whether it can still be joined,
     * and how many workers are inside. The caller waits for those inside only: one that wakes too
     * late for a short loop finds it closed. */
    atomic_uint_fast64_t state;
    umbra_loop_body body;
    void *context;
    size_t count;
    atomic_size_t next;
    size_t failed_index;
    umbra_status failed_status;
    char failed_message[4096];
};

struct worker {
    umbra_pool *pool;
    int number;
};

static _Thread_local int current_worker = -1; /* -1: not inside a loop body */

static void record_failure(umbra_pool *pool, size_t index, umbra_status status)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->failed_status == UMBRA_OK || index < pool->failed_index) {
        pool->failed_status = status;
        pool->failed_index = index;
        snprintf(pool->failed_message, sizeof pool->failed_message, "%s", umbra_error_message());
    }
    pthread_mutex_unlock(&pool->lock);
    atomic_store(&pool->next, pool->count);
}

static void work(umbra_pool *pool, int worker)
{
    current_worker = worker;
    for (;;) {
        size_t index = atomic_fetch_add(&pool->next, 1);
        if (index >= pool->count)
            break;
        umbra_status status = pool->body(pool->context, index, worker);
        if (status != UMBRA_OK)
            record_failure(pool, index, status);
    }
    current_worker = -1;
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static bool can_join(uint64_t state, uint64_t seen)
{
    return (state & STATE_OPEN) != 0 && state / STATE_LOOP != seen;
}

static bool has_news(umbra_pool *pool, uint64_t seen)
{
    return can_join(atomic_load(&pool->state), seen) || atomic_load(&pool->stopping);
}

static void wait_for_news(umbra_pool *pool, uint64_t seen)
{
    for (int i = 0; i < pool->spins; i++) {
        if (has_news(pool, seen))
            return;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    while (!has_news(pool, seen))
        pthread_cond_wait(&pool->work_ready, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

/* Enter the loop that is open, unless it was seen before; its number goes to *seen. */
static bool join_loop(umbra_pool *pool, uint64_t *seen)
{
    uint_fast64_t state = atomic_load(&pool->state);
    while (can_join(state, *seen))
        if (atomic_compare_exchange_weak(&pool->state, &state, state + 1)) {
            *seen = state / STATE_LOOP;
            return true;
        }
    return false;
}

static void leave_loop(umbra_pool *pool)
{
    uint64_t left = atomic_fetch_sub(&pool->state, 1) - 1;
    if ((left & (STATE_OPEN | STATE_INSIDE)) != 0)
        return;
    pthread_mutex_lock(
        &pool->lock); /* or the caller could miss it between its test and its sleep */
    pthread_cond_signal(&pool->work_done);
    pthread_mutex_unlock(&pool->lock);
}

static void open_loop(umbra_pool *pool)
{
    uint64_t number = atomic_load(&pool->state) / STATE_LOOP + 1;
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->state, number * STATE_LOOP + STATE_OPEN);
    pthread_cond_broadcast(&pool->work_ready);
    pthread_mutex_unlock(&pool->lock);
}

static void close_loop(umbra_pool *pool)
{
    atomic_fetch_and(&pool->state, ~STATE_OPEN);
    for (int i = 0; i < pool->spins && (atomic_load(&pool->state) & STATE_INSIDE) != 0; i++)
        relax();
    if ((atomic_load(&pool->state) & STATE_INSIDE) == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    while ((atomic_load(&pool->state) & STATE_INSIDE) != 0)
        pthread_cond_wait(&pool->work_done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

static void *worker_main(void *argument)
{
    struct worker *self = argument;
    umbra_pool *pool = self->pool;
    uint64_t seen = 0;
    for (;;) {
        wait_for_news(pool, seen);
        if (atomic_load(&pool->stopping))
            return NULL;
        if (join_loop(pool, &seen)) {
            work(pool, self->number);
            leave_loop(pool);
        }
    }
}

umbra_status umbra_pool_new(umbra_pool **out, int threads)
{
    if (threads < 0 || threads > MAX_THREADS)
        return umbra_fail(UMBRA_E_USAGE, "%d threads asked for; give 1 to %d, or 0 for all",
                          threads, MAX_THREADS);
    if (threads == 0)
        threads = umbra_machine_processors();
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&memory, sizeof(umbra_pool), "thread pool"));
    umbra_pool *pool = memory;
    pool->threads = threads;
    pool->spins = threads <= umbra_machine_processors() ? SPINS_BEFORE_SLEEP : 0;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work_ready, NULL);
    pthread_cond_init(&pool->work_done, NULL);
    umbra_status status = UMBRA_OK;
    void *handles = NULL, *workers = NULL;
    UMBRA_GOTO(fail, status,
               umbra_memory_alloc_array(&handles, (size_t)threads, sizeof *pool->handles,
                                        "thread handles"));
    pool->handles = handles;
    UMBRA_GOTO(fail, status,
               umbra_memory_alloc_array(&workers, (size_t)threads, sizeof *pool->workers,
                                        "thread records"));
    pool->workers = workers;
    for (int i = 1; i < threads; i++) {
        pool->workers[i] = (struct worker){pool, i};
        if (pthread_create(&pool->handles[i], NULL, worker_main, &pool->workers[i]) != 0) {
            status = umbra_fail(UMBRA_E_RESOURCE,
                                "cannot start thread %d of %d; use --threads with "
                                "a smaller number",
                                i + 1, threads);
            goto fail;
        }
        pool->started = i;
    }
    *out = pool;
    return UMBRA_OK;
fail:
    umbra_pool_free(pool);
    return status;
}

void umbra_pool_free(umbra_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->stopping, true);
    pthread_cond_broadcast(&pool->work_ready);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 1; i <= pool->started; i++)
        pthread_join(pool->handles[i], NULL);
    pthread_cond_destroy(&pool->work_done);
    pthread_cond_destroy(&pool->work_ready);
    pthread_mutex_destroy(&pool->lock);
    umbra_memory_free(pool->handles);
    umbra_memory_free(pool->workers);
    umbra_memory_free(pool);
}

int umbra_pool_threads(const umbra_pool *pool)
{
    return pool == NULL ? 1 : pool->threads;
}

static umbra_status run_serially(size_t count, umbra_loop_body body, void *context, int worker)
{
    for (size_t i = 0; i < count; i++)
        UMBRA_TRY(body(context, i, worker));
    return UMBRA_OK;
}

umbra_status umbra_pool_run(umbra_pool *pool, size_t count, umbra_loop_body body, void *context)
{
    if (current_worker >= 0)
        return run_serially(count, body, context, current_worker);
    if (pool == NULL || pool->threads == 1 || count < 2)
        return run_serially(count, body, context, 0);
    /* Read by workers inside the loop only, and nobody is inside before it opens. */
    pool->body = body;
    pool->context = context;
    pool->count = count;
    pool->failed_status = UMBRA_OK;
    pool->failed_index = 0;
    atomic_store(&pool->next, 0);
    open_loop(pool);
    work(pool, 0);
    close_loop(pool);
    umbra_status status = pool->failed_status;
    return status == UMBRA_OK ? UMBRA_OK : umbra_fail(status, "%s", pool->failed_message);
}
