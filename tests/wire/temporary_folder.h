/* A folder of its own for a test that writes files. */
#ifndef UMBRA_TEST_TEMPORARY_FOLDER_H
#define UMBRA_TEST_TEMPORARY_FOLDER_H

#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];
static char path[128]; /* of a file in it that a test writes */

/* For a group's set-up: name is that of the file. Returns 0 when the folder is there. */
static inline int make_folder(const char *name)
{
    snprintf(folder, sizeof folder, "/tmp/umbra-test-wire-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return 0;
}

/* Removes the folder's files; returns how many there were. */
static inline int clear_folder(void)
{
    DIR *d = opendir(folder);
    assert_non_null(d);
    int count = 0;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        if (e->d_name[0] != '.') {
            count++;
            assert_int_equal(unlinkat(dirfd(d), e->d_name, 0), 0);
        }
    closedir(d);
    return count;
}

/* For a group's tear-down. */
static inline int remove_folder(void **state)
{
    (void)state;
    clear_folder();
    return rmdir(folder);
}

#endif
