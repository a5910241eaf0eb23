/* A pool of threads that runs one indexed loop at a time. */
#define _GNU_SOURCE
#include "base/threads.h"

#include "base/memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAX_THREADS 1024

struct umbra_pool {
    pthread_mutex_t lock;
    pthread_cond_t work_ready;
    pthread_cond_t work_done;
    pthread_t *handles;
    struct worker *workers;
    int threads;
    int started;
    bool stopping;
    unsigned long generation; /* counts loops, so that a worker never joins one twice */
    int busy;
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

static void *worker_main(void *argument)
{
    struct worker *self = argument;
    umbra_pool *pool = self->pool;
    unsigned long seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->stopping && pool->generation == seen)
            pthread_cond_wait(&pool->work_ready, &pool->lock);
        if (pool->stopping)
            break;
        seen = pool->generation;
        pthread_mutex_unlock(&pool->lock);
        work(pool, self->number);
        pthread_mutex_lock(&pool->lock);
        if (--pool->busy == 0)
            pthread_cond_signal(&pool->work_done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static int processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count < 1 ? 1 : count > MAX_THREADS ? MAX_THREADS : count;
}

umbra_status umbra_pool_new(umbra_pool **out, int threads)
{
    if (threads < 0 || threads > MAX_THREADS)
        return umbra_fail(UMBRA_E_USAGE, "%d threads asked for; give 1 to %d, or 0 for all",
                          threads, MAX_THREADS);
    if (threads == 0)
        threads = processors();
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&memory, sizeof(umbra_pool), "thread pool"));
    umbra_pool *pool = memory;
    pool->threads = threads;
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
    pool->stopping = true;
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
    pthread_mutex_lock(&pool->lock);
    pool->body = body;
    pool->context = context;
    pool->count = count;
    pool->failed_status = UMBRA_OK;
    pool->failed_index = 0;
    atomic_store(&pool->next, 0);
    pool->busy = pool->started;
    pool->generation++;
    pthread_cond_broadcast(&pool->work_ready);
    pthread_mutex_unlock(&pool->lock);
    work(pool, 0);
    pthread_mutex_lock(&pool->lock);
    while (pool->busy > 0)
        pthread_cond_wait(&pool->work_done, &pool->lock);
    umbra_status status = pool->failed_status;
    pthread_mutex_unlock(&pool->lock);
    return status == UMBRA_OK ? UMBRA_OK : umbra_fail(status, "%s", pool->failed_message);
}
