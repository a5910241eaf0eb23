/* Tests of src/base/threads.c. */
#include "base/threads.h"
#include "check.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define COUNT 5000

struct loop {
    umbra_pool *pool;
    int threads;
    atomic_int seen[COUNT];
    atomic_int inside[64]; /* bodies running with this worker number */
    atomic_int faults, started;
    size_t fail_at, fail_at_too;
};

static struct loop *loop_new(int threads)
{
    struct loop *loop = calloc(1, sizeof *loop);
    assert_non_null(loop);
    check_ok(umbra_pool_new(&loop->pool, threads));
    loop->threads = umbra_pool_threads(loop->pool);
    loop->fail_at = loop->fail_at_too = SIZE_MAX;
    return loop;
}

static void loop_free(struct loop *loop)
{
    umbra_pool_free(loop->pool);
    free(loop);
}

/* Counts visits, and that no two bodies share a worker number at a time. */
static umbra_status visit(void *context, size_t index, int worker)
{
    struct loop *loop = context;
    atomic_fetch_add(&loop->started, 1);
    if (worker < 0 || worker >= loop->threads || worker >= 64)
        atomic_fetch_add(&loop->faults, 1);
    else if (atomic_fetch_add(&loop->inside[worker], 1) != 0)
        atomic_fetch_add(&loop->faults, 1);
    atomic_fetch_add(&loop->seen[index], 1);
    umbra_status status = UMBRA_OK;
    if (index == loop->fail_at || index == loop->fail_at_too)
        status = umbra_fail(UMBRA_E_INPUT, "index %zu is bad", index);
    if (worker >= 0 && worker < 64)
        atomic_fetch_sub(&loop->inside[worker], 1);
    return status;
}

static void every_index_runs_once(void **state)
{
    (void)state;
    const int threads[] = {1, 2, 3, 8, 0};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        struct loop *loop = loop_new(threads[t]);
        if (threads[t] > 0)
            assert_int_equal(loop->threads, threads[t]);
        for (int rounds = 1; rounds <= 20; rounds++) {
            check_ok(umbra_pool_run(loop->pool, COUNT, visit, loop));
            for (size_t i = 0; i < COUNT; i++)
                assert_int_equal(atomic_load(&loop->seen[i]), rounds);
        }
        check_ok(umbra_pool_run(loop->pool, 0, visit, loop));
        assert_int_equal(atomic_load(&loop->faults), 0);
        loop_free(loop);
    }
}

static umbra_status wait_for_all(void *context, size_t index, int worker)
{
    (void)index;
    struct loop *loop = context;
    atomic_fetch_add(&loop->inside[worker], 1);
    atomic_fetch_add(&loop->started, 1);
    for (int ms = 0; ms < 10000 && atomic_load(&loop->started) < loop->threads; ms++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return atomic_load(&loop->started) == loop->threads ? UMBRA_OK
                                                        : umbra_fail(UMBRA_E_INTERNAL, "alone");
}

static void all_threads_work_at_once(void **state)
{
    (void)state;
    struct loop *loop = loop_new(4);
    check_ok(umbra_pool_run(loop->pool, 4, wait_for_all, loop));
    for (int worker = 0; worker < 4; worker++)
        assert_int_equal(atomic_load(&loop->inside[worker]), 1);
    loop_free(loop);
}

/* Slow after the bad index: its thread may lose the processor between the failure and its record.
 */
static umbra_status visit_slowly(void *context, size_t index, int worker)
{
    const struct loop *loop = context;
    if (index > loop->fail_at)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return visit(context, index, worker);
}

static void a_failure_reaches_the_caller_and_stops_the_loop(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        struct loop *loop = loop_new(threads);
        loop->fail_at = 10;
        check_fails(UMBRA_E_INPUT, "index 10 is bad",
                    umbra_pool_run(loop->pool, COUNT, visit_slowly, loop));
        assert_true(atomic_load(&loop->started) < COUNT);
        loop->fail_at = COUNT - 1;
        check_fails(UMBRA_E_INPUT, "index 4999 is bad",
                    umbra_pool_run(loop->pool, COUNT, visit, loop));
        loop->fail_at = SIZE_MAX;
        check_ok(umbra_pool_run(loop->pool, COUNT, visit, loop)); /* the pool can be used again */
        loop_free(loop);
    }
}

static umbra_status fail_after_all_started(void *context, size_t index, int worker)
{
    umbra_status status = wait_for_all(context, index, worker);
    if (status != UMBRA_OK)
        return status;
    if (index == 0) /* reports last, and still wins */
        nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    return umbra_fail(UMBRA_E_MODEL, "index %zu", index);
}

static void the_lowest_index_wins(void **state)
{
    (void)state;
    struct loop *loop = loop_new(3);
    check_fails(UMBRA_E_MODEL, "index 0",
                umbra_pool_run(loop->pool, 3, fail_after_all_started, loop));
    loop_free(loop);
}

struct nested {
    umbra_pool *pool;
    atomic_int outer, inner, faults;
    int fail;
};

struct inner {
    struct nested *nested;
    int worker;
};

static umbra_status inner_body(void *context, size_t index, int worker)
{
    struct inner *inner = context;
    atomic_fetch_add(&inner->nested->inner, 1);
    if (worker != inner->worker)
        atomic_fetch_add(&inner->nested->faults, 1);
    if (inner->nested->fail && index == 3)
        return umbra_fail(UMBRA_E_SECURITY, "inner %zu", index);
    return UMBRA_OK;
}

static umbra_status outer_body(void *context, size_t index, int worker)
{
    (void)index;
    struct nested *nested = context;
    struct inner inner = {nested, worker};
    atomic_fetch_add(&nested->outer, 1); /* the first four bodies are on four threads */
    for (int ms = 0; ms < 10000 && atomic_load(&nested->outer) < 4; ms++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return umbra_pool_run(nested->pool, 10, inner_body, &inner);
}

static void a_loop_inside_a_body_keeps_its_worker(void **state)
{
    (void)state;
    struct nested nested = {.fail = 0};
    check_ok(umbra_pool_new(&nested.pool, 4));
    check_ok(umbra_pool_run(nested.pool, 100, outer_body, &nested));
    assert_int_equal(atomic_load(&nested.inner), 1000);
    assert_int_equal(atomic_load(&nested.faults), 0);
    nested.fail = 1;
    check_fails(UMBRA_E_SECURITY, "inner 3", umbra_pool_run(nested.pool, 100, outer_body, &nested));
    umbra_pool_free(nested.pool);
}

static void without_a_pool_a_loop_is_serial(void **state)
{
    (void)state;
    struct loop *loop = loop_new(1);
    check_ok(umbra_pool_run(NULL, 100, visit, loop));
    assert_int_equal(atomic_load(&loop->started), 100);
    assert_int_equal(umbra_pool_threads(NULL), 1);
    loop_free(loop);
    umbra_pool_free(NULL);
}

static void impossible_numbers_of_threads_are_refused(void **state)
{
    (void)state;
    umbra_pool *pool = NULL;
    check_fails(UMBRA_E_USAGE, "-1 threads", umbra_pool_new(&pool, -1));
    check_fails(UMBRA_E_USAGE, "1025 threads", umbra_pool_new(&pool, 1025));
    assert_null(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_index_runs_once),
        cmocka_unit_test(all_threads_work_at_once),
        cmocka_unit_test(a_failure_reaches_the_caller_and_stops_the_loop),
        cmocka_unit_test(the_lowest_index_wins),
        cmocka_unit_test(a_loop_inside_a_body_keeps_its_worker),
        cmocka_unit_test(without_a_pool_a_loop_is_serial),
        cmocka_unit_test(impossible_numbers_of_threads_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
