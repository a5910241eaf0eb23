/* Keys of a client: a pair of files that belong together, or none. */
#include "profile_by_hand.h"

#include "client/keyring.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static umbra_profile profile;
static char folder[64], secret[96], evaluation[96];

static int open_all(void **state)
{
    (void)state;
    hand_profile_open(&profile);
    strcpy(folder, "/tmp/umbra-test-keyring-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(secret, sizeof secret, "%s/secret.key", folder);
    snprintf(evaluation, sizeof evaluation, "%s/evaluation.keys", folder);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    hand_profile_close(&profile);
    return rmdir(folder);
}

static int files_in_folder(void)
{
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = NULL; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(dir);
    return count;
}

static int stop_at_once(void *context, size_t done, size_t total)
{
    (void)done;
    (void)total;
    ++*(int *)context;
    return 1;
}

static void makes_a_pair(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    struct stat info;
    umbra_secret_key *key = NULL;
    umbra_evaluation_keys *keys = NULL;
    check_ok(umbra_keyring_create(&profile, NULL, secret, evaluation, NULL, NULL, &bytes));
    assert_int_equal(files_in_folder(), 2);
    assert_int_equal(stat(secret, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(stat(evaluation, &info), 0);
    assert_true((uint64_t)info.st_size == bytes);
    check_ok(umbra_secret_key_load(secret, profile.params, &key));
    check_ok(umbra_evaluation_keys_load(evaluation, profile.params, NULL, NULL, &keys));
    assert_true(umbra_secret_key_id(key) == umbra_evaluation_keys_id(keys));
    umbra_secret_key_free(key);
    umbra_evaluation_keys_free(keys);
    check_fails(UMBRA_E_MISMATCH, "secret key",
                umbra_evaluation_keys_load(secret, profile.params, NULL, NULL, &keys));
    check_fails(UMBRA_E_MISMATCH, "evaluation keys",
                umbra_secret_key_load(evaluation, profile.params, &key));
    unlink(secret);
    unlink(evaluation);
}

static void leaves_nothing_when_stopped(void **state)
{
    (void)state;
    int calls = 0;
    check_fails(
        UMBRA_E_CANCELLED, "",
        umbra_keyring_create(&profile, NULL, secret, evaluation, stop_at_once, &calls, NULL));
    assert_int_equal(calls, 1);
    assert_int_equal(files_in_folder(), 0);
}

static void leaves_nothing_when_one_file_fails(void **state)
{
    (void)state;
    char nowhere[128];
    snprintf(nowhere, sizeof nowhere, "%s/none/file", folder);
    umbra_status status =
        umbra_keyring_create(&profile, NULL, nowhere, evaluation, NULL, NULL, NULL);
    assert_true(status != UMBRA_OK);
    assert_non_null(strstr(umbra_error_message(), nowhere));
    assert_int_equal(files_in_folder(), 0);
    status = umbra_keyring_create(&profile, NULL, secret, nowhere, NULL, NULL, NULL);
    assert_true(status != UMBRA_OK);
    assert_int_equal(files_in_folder(), 0);
}

static long long size_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (long long)info.st_size : -1;
}

static uint64_t id_of_pair(void)
{
    umbra_secret_key *key = NULL;
    umbra_evaluation_keys *keys = NULL;
    check_ok(umbra_secret_key_load(secret, profile.params, &key));
    check_ok(umbra_evaluation_keys_load(evaluation, profile.params, NULL, NULL, &keys));
    const uint64_t id = umbra_secret_key_id(key);
    assert_true(id == umbra_evaluation_keys_id(keys));
    umbra_secret_key_free(key);
    umbra_evaluation_keys_free(keys);
    return id;
}

/* While the new keys are made: the secret file can no longer be replaced. */
static int block_secret(void *context, size_t done, size_t total)
{
    char moved[128];
    (void)context;
    (void)total;
    snprintf(moved, sizeof moved, "%s.moved", secret);
    if (done == 1 && (rename(secret, moved) != 0 || mkdir(secret, 0700) != 0))
        return 1;
    return 0;
}

static void an_old_pair_is_replaced_whole_or_not_at_all(void **state)
{
    (void)state;
    int calls = 0;
    char moved[128];
    check_ok(umbra_keyring_create(&profile, NULL, secret, evaluation, NULL, NULL, NULL));
    const uint64_t first = id_of_pair();
    check_fails(
        UMBRA_E_CANCELLED, "",
        umbra_keyring_create(&profile, NULL, secret, evaluation, stop_at_once, &calls, NULL));
    assert_true(id_of_pair() == first);
    check_fails(UMBRA_E_IO, "secret.key: cannot write",
                umbra_keyring_create(&profile, NULL, secret, evaluation, block_secret, NULL, NULL));
    assert_int_equal(rmdir(secret), 0);
    snprintf(moved, sizeof moved, "%s.moved", secret);
    assert_int_equal(rename(moved, secret), 0);
    assert_true(id_of_pair() == first);
    assert_int_equal(files_in_folder(), 2);
    check_ok(umbra_keyring_create(&profile, NULL, secret, evaluation, NULL, NULL, NULL));
    assert_true(id_of_pair() != first);
    assert_int_equal(files_in_folder(), 2);
    unlink(secret);
    /* Where no evaluation keys stood before, none stand after a failure. */
    unlink(evaluation);
    check_ok(umbra_keyring_create(&profile, NULL, secret, evaluation, NULL, NULL, NULL));
    unlink(evaluation);
    check_fails(UMBRA_E_IO, "secret.key: cannot write",
                umbra_keyring_create(&profile, NULL, secret, evaluation, block_secret, NULL, NULL));
    assert_true(size_of(evaluation) < 0);
    assert_int_equal(rmdir(secret), 0);
    unlink(moved);
    assert_int_equal(files_in_folder(), 0);
}

/* Said before the work, and not by an allocation in the middle of it. */
static void too_little_memory_is_said_beforehand(void **state)
{
    (void)state;
    struct rlimit before, little;
    const umbra_key_request request = {profile.params, profile.keys, profile.key_count};
    const uint64_t wanted = umbra_key_request_memory_bytes(&request);
    /* One data prime, one special prime, one digit: 2 limbs of at most 50 bits a coefficient,
     * packed, and the noise. */
    assert_in_range(wanted, 4096 * (2 * 6 + 4), 4096 * (2 * 7 + 4));
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    little = before;
    little.rlim_cur = 1 << 20; /* less than the process has: nothing more can be had */
    assert_int_equal(setrlimit(RLIMIT_AS, &little), 0);
    umbra_status status =
        umbra_keyring_create(&profile, NULL, secret, evaluation, NULL, NULL, NULL);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(status, UMBRA_E_RESOURCE);
    assert_non_null(strstr(umbra_error_message(), "making the keys needs"));
    assert_int_equal(files_in_folder(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_a_pair),
        cmocka_unit_test(leaves_nothing_when_stopped),
        cmocka_unit_test(leaves_nothing_when_one_file_fails),
        cmocka_unit_test(an_old_pair_is_replaced_whole_or_not_at_all),
        cmocka_unit_test(too_little_memory_is_said_beforehand),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
