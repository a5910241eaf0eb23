/* Tests of src/base/memory.c. */
#include "base/memory.h"
#include "check.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void blocks_are_aligned_and_zeroed(void **state)
{
    (void)state;
    const size_t sizes[] = {0, 1, 63, 64, 65, 4097, ((size_t)2 << 20) + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *p = NULL;
        check_ok(umbra_memory_alloc(&p, sizes[i], "a test"));
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % UMBRA_ALIGNMENT, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(((unsigned char *)p)[k], 0);
        memset(p, 0xff, sizes[i]); /* all of it is ours: the sanitizer run tells */
        umbra_memory_free(p);
    }
    umbra_memory_free(NULL);
}

static void impossible_sizes_are_refused_by_purpose(void **state)
{
    (void)state;
    void *p = (void *)state;
    check_fails(UMBRA_E_RESOURCE, "the keys", umbra_memory_alloc(&p, SIZE_MAX - 1, "the keys"));
    check_fails(UMBRA_E_RESOURCE, "the keys", umbra_memory_alloc(&p, SIZE_MAX / 4, "the keys"));
    check_fails(UMBRA_E_RESOURCE, "the weights",
                umbra_memory_alloc_array(&p, SIZE_MAX / 8 + 1, 8, "the weights"));
    assert_ptr_equal(p, state); /* untouched */
}

static void lists_grow_and_keep_their_contents(void **state)
{
    (void)state;
    uint32_t *list = NULL;
    size_t room = 0;
    check_ok(umbra_memory_grow(&list, 0, 0, &room, sizeof *list, "a test"));
    assert_null(list); /* nothing was asked for */
    for (size_t i = 0; i < 1000; i++) {
        const size_t before = room;
        const uint32_t *stood = list;
        check_ok(umbra_memory_grow(&list, i, i + 1, &room, sizeof *list, "a test"));
        assert_true(before > i ? room == before && list == stood : room > i && room >= 2 * before);
        list[i] = (uint32_t)(i * i);
    }
    assert_true(room < 2048);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(list[i], i * i);
    check_ok(umbra_memory_grow(&list, 500, 100000, &room, sizeof *list, "a test"));
    assert_true(room >= 100000);
    assert_int_equal((uintptr_t)list % UMBRA_ALIGNMENT, 0);
    for (size_t i = 0; i < room; i++) /* what was not in use is gone */
        assert_int_equal(list[i], i < 500 ? i * i : 0);
    umbra_memory_free(list);
}

static void growing_beyond_memory_changes_nothing(void **state)
{
    (void)state;
    uint64_t *list = NULL, *stood;
    size_t room = 0, before;
    check_ok(umbra_memory_grow(&list, 0, 3, &room, sizeof *list, "a test"));
    list[2] = 7;
    stood = list;
    before = room;
    const size_t impossible[] = {SIZE_MAX, SIZE_MAX / 8 + 1, SIZE_MAX / 16};
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) {
        check_fails(UMBRA_E_RESOURCE, "the terms",
                    umbra_memory_grow(&list, 3, impossible[i], &room, sizeof *list, "the terms"));
        assert_ptr_equal(list, stood);
        assert_int_equal(room, before);
        assert_int_equal(list[2], 7);
    }
    room = SIZE_MAX - 1; /* twice of it overflows: what is wanted counts */
    check_fails(UMBRA_E_RESOURCE, "overflow",
                umbra_memory_grow(&list, 3, SIZE_MAX, &room, sizeof *list, "the terms"));
    assert_int_equal(room, SIZE_MAX - 1);
    umbra_memory_free(list);
}

static void arena_hands_out_aligned_blocks_until_full(void **state)
{
    (void)state;
    umbra_arena arena;
    check_ok(umbra_arena_init(&arena, 256));
    unsigned char *a = umbra_arena_take(&arena, 1), *b = umbra_arena_take(&arena, 64);
    assert_non_null(a);
    assert_ptr_equal(b, a + 64);
    assert_int_equal((uintptr_t)b % UMBRA_ALIGNMENT, 0);
    size_t mark = umbra_arena_mark(&arena);
    assert_ptr_equal(umbra_arena_take(&arena, 128), a + 128);
    assert_null(umbra_arena_take(&arena, 1));
    umbra_arena_reset(&arena, mark);
    assert_null(umbra_arena_take(&arena, 129)); /* a refusal takes nothing */
    assert_null(umbra_arena_take(&arena, SIZE_MAX));
    assert_null(umbra_arena_take(&arena, SIZE_MAX - 64));
    assert_ptr_equal(umbra_arena_take(&arena, 128), a + 128);
    umbra_arena_free(&arena);
    umbra_arena_free(&arena);
    assert_null(arena.base);
}

static void secrets_are_aligned_zeroed_and_wiped_on_request(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 64, 1000, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        void *p = NULL;
        check_ok(umbra_secret_alloc(&p, sizes[i]));
        assert_int_equal((uintptr_t)p % UMBRA_ALIGNMENT, 0);
        unsigned char *bytes = p;
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(bytes[k], 0);
        memset(p, 0x5a, sizes[i]);
        umbra_secret_wipe(p, sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(bytes[k], 0);
        umbra_secret_free(p);
    }
    umbra_secret_free(NULL);
    void *p = NULL;
    check_fails(UMBRA_E_RESOURCE, "secret memory", umbra_secret_alloc(&p, SIZE_MAX));
}

/* The guard page after a secret stops the process that overruns it. */
static void overrunning_a_secret_stops_the_process(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        void *p = NULL;
        if (umbra_secret_alloc(&p, 64) != UMBRA_OK)
            _exit(2);
        ((volatile unsigned char *)p)[64] = 1;
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 2);
}

/* The child that decodes a hostile file must not find the key in its memory. */
static void children_inherit_no_secret(void **state)
{
    (void)state;
    void *p = NULL;
    check_ok(umbra_secret_alloc(&p, 64));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        _exit(*(volatile unsigned char *)p);
    }
    int result = 0;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFSIGNALED(result) || WEXITSTATUS(result) != 0);
    umbra_secret_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_zeroed),
        cmocka_unit_test(impossible_sizes_are_refused_by_purpose),
        cmocka_unit_test(lists_grow_and_keep_their_contents),
        cmocka_unit_test(growing_beyond_memory_changes_nothing),
        cmocka_unit_test(arena_hands_out_aligned_blocks_until_full),
        cmocka_unit_test(secrets_are_aligned_zeroed_and_wiped_on_request),
        cmocka_unit_test(overrunning_a_secret_stops_the_process),
        cmocka_unit_test(children_inherit_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
