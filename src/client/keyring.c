/* The keys of one client for one profile. */
#include "client/keyring.h"

#include "base/machine.h"
#include "wire/leftovers.h"

#include <string.h>
#include <sys/statvfs.h>

/* A profile comes from outside: what it asks for must fit before work begins. */
static umbra_status check_disk(const umbra_key_request *request, const char *path)
{
    char folder[4096] = ".";
    const char *slash = strrchr(path, '/');
    if (slash != NULL && slash != path && (size_t)(slash - path) < sizeof folder) {
        memcpy(folder, path, (size_t)(slash - path));
        folder[slash - path] = '\0';
    }
    struct statvfs disk;
    uint64_t wanted = umbra_key_request_bytes(request);
    if (statvfs(folder, &disk) != 0 || wanted <= (uint64_t)disk.f_bavail * disk.f_frsize)
        return UMBRA_OK; /* a folder that cannot be asked fails by name when the file is made */
    return umbra_fail(
        UMBRA_E_RESOURCE,
        "the evaluation keys need %.2f GB and %s has %.2f GB free; choose another folder, "
        "or check where the profile comes from",
        (double)wanted * 1e-9, folder, (double)disk.f_bavail * (double)disk.f_frsize * 1e-9);
}

static umbra_status check_memory(const umbra_key_request *request)
{
    const uint64_t wanted = umbra_key_request_memory_bytes(request);
    const uint64_t available = umbra_memory_available_bytes();
    if (available == 0 || wanted <= available)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_RESOURCE,
                      "making the keys needs %llu MiB of memory and %llu MiB are free; use a "
                      "machine with more memory, or check where the profile comes from",
                      (unsigned long long)(wanted >> 20), (unsigned long long)(available >> 20));
}

static umbra_status write_pair(const umbra_secret_key *key, const umbra_key_request *request,
                               umbra_pool *pool, umbra_file_writer *evaluation,
                               umbra_file_writer *secret,
                               int (*progress)(void *context, size_t done, size_t total),
                               void *context)
{
    UMBRA_TRY(umbra_secret_key_write(key, secret));
    return umbra_evaluation_keys_write(key, request, pool, evaluation, progress, context);
}

umbra_status umbra_keyring_create(const umbra_profile *profile, umbra_pool *pool,
                                  const char *secret_path, const char *evaluation_path,
                                  int (*progress)(void *context, size_t done, size_t total),
                                  void *context, uint64_t *key_bytes)
{
    umbra_key_request request = {profile->params, profile->keys, profile->key_count};
    umbra_secret_key *key = NULL;
    umbra_file_writer *evaluation = NULL, *secret = NULL;
    umbra_leftovers_remove(evaluation_path); /* of a keygen that was killed: gigabytes */
    umbra_leftovers_remove(secret_path);
    UMBRA_TRY(check_disk(&request, evaluation_path));
    UMBRA_TRY(check_memory(&request));
    UMBRA_TRY(umbra_file_create(&evaluation, evaluation_path, false));
    umbra_status status = umbra_file_create(&secret, secret_path, true);
    if (status == UMBRA_OK)
        status = umbra_secret_key_generate(&key, profile->params);
    if (status == UMBRA_OK)
        status = write_pair(key, &request, pool, evaluation, secret, progress, context);
    umbra_secret_key_free(key);
    if (status == UMBRA_OK) {
        status = umbra_file_commit_pair(evaluation, secret);
    } else {
        umbra_file_discard(evaluation);
        umbra_file_discard(secret);
    }
    if (status == UMBRA_OK && key_bytes != NULL)
        *key_bytes = umbra_key_request_bytes(&request);
    return status;
}
