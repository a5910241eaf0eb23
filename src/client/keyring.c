/* The keys of one client for one profile. */
#include "client/keyring.h"

#include <unistd.h>

umbra_status umbra_keyring_create(const umbra_profile *profile, umbra_pool *pool,
                                  const char *secret_path, const char *evaluation_path,
                                  int (*progress)(void *context, size_t done, size_t total),
                                  void *context, uint64_t *key_bytes)
{
    umbra_key_request request = {profile->params, profile->keys, profile->key_count};
    umbra_secret_key *key = NULL;
    UMBRA_TRY(umbra_secret_key_generate(&key, profile->params));
    umbra_status status =
        umbra_evaluation_keys_save(key, &request, pool, evaluation_path, progress, context);
    if (status == UMBRA_OK) {
        status = umbra_secret_key_save(key, secret_path);
        if (status != UMBRA_OK)
            unlink(evaluation_path); /* of a secret that nobody has */
    }
    umbra_secret_key_free(key);
    if (status == UMBRA_OK && key_bytes != NULL)
        *key_bytes = umbra_key_request_bytes(&request);
    return status;
}
