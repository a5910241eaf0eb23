/* Temporary files that a program left which was killed: found by their names, and by the lock that
 * a living writer holds. */
#include "wire/leftovers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define RANDOM_DIGITS 16
#define MOST_ENTRIES 100000 /* of a folder: a larger one is left as it is */

bool umbra_leftover_lock(int fd)
{
    struct stat info;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0)
        if (errno != EINTR)
            return errno != EWOULDBLOCK; /* no locks on this file system: nothing is swept either */
    return fstat(fd, &info) != 0 || info.st_nlink > 0;
}

/* `name` is `base`, a dot, the random digits, ".part", and ".old" or nothing. */
static bool is_temporary(const char *name, const char *base)
{
    size_t length = strlen(base);
    if (strncmp(name, base, length) != 0 || name[length] != '.')
        return false;
    name += length + 1;
    if (strspn(name, "0123456789abcdef") != RANDOM_DIGITS)
        return false;
    name += RANDOM_DIGITS;
    return strcmp(name, ".part") == 0 || strcmp(name, ".part.old") == 0;
}

/* A file that is locked has a living writer; a folder or a link of this name is not ours. */
static void remove_unless_locked(int folder, const char *name)
{
    struct stat info;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0)
        (void)unlinkat(folder, name, 0);
    close(fd);
}

void umbra_leftovers_remove(const char *path)
{
    char folder[PATH_BYTES];
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        return;
    char *slash = strrchr(folder, '/');
    const char *base = slash == NULL ? path : path + (slash - folder) + 1;
    if (slash != NULL)
        slash[slash == folder ? 1 : 0] = '\0';
    DIR *d = opendir(slash == NULL ? "." : folder);
    if (d == NULL)
        return;
    struct dirent *entry = readdir(d);
    for (int i = 0; entry != NULL && i < MOST_ENTRIES; i++) {
        if (is_temporary(entry->d_name, base))
            remove_unless_locked(dirfd(d), entry->d_name);
        entry = readdir(d);
    }
    closedir(d);
}
