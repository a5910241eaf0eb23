/* The keys of one client for one profile. */
#ifndef UMBRA_CLIENT_KEYRING_H
#define UMBRA_CLIENT_KEYRING_H

#include "base/threads.h"
#include "ckks/secret.h"
#include "plan/profile.h"

/* Make a secret key and stream its evaluation keys. Both files (the secret one has mode 0600) are
 * written aside and renamed when both are whole: a failure or a stop leaves neither, and a pair
 * that stood there before as it was.
 *
 * progress:  as umbra_evaluation_keys_save
 * key_bytes: of evaluation.keys; may be NULL */
umbra_status umbra_keyring_create(const umbra_profile *profile, umbra_pool *pool,
                                  const char *secret_path, const char *evaluation_path,
                                  int (*progress)(void *context, size_t done, size_t total),
                                  void *context, uint64_t *key_bytes) UMBRA_MUST_USE;

#endif
