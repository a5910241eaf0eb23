/* Temporary files that a program left which was killed. */
#ifndef UMBRA_WIRE_LEFTOVERS_H
#define UMBRA_WIRE_LEFTOVERS_H

#include <stdbool.h>

/* Mark a temporary file as that of a living writer until fd is closed.
 * Returns: false where another process took it for a leftover: make one of another name. True also
 * where the file system has no locks; umbra_leftovers_remove then removes nothing there. */
bool umbra_leftover_lock(int fd);

/* Remove the temporary files for `path` (its name, 16 hexadecimal digits, .part or .part.old) that
 * no living process holds: SIGKILL or a power cut leaves them, and one may hold a secret key. What
 * cannot be removed stays, without an error. */
void umbra_leftovers_remove(const char *path);

#endif
