/* Whole files: read into memory or piece by piece, written aside and renamed. */
#ifndef UMBRA_WIRE_FILE_H
#define UMBRA_WIRE_FILE_H

#include "umbra/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file open for reading. Nothing is mapped: a file that another process shortens or changes while
 * it is read ends in an error or in other bytes, and not in SIGBUS or in bytes that change after
 * they were checked.
 * Owns:    umbra_file_close. Threads: reads may run side by side. */
typedef struct umbra_file_reader {
    const char *path; /* borrowed: must outlive the reader */
    uint64_t size;    /* when it was opened */
    int descriptor;
} umbra_file_reader;

/* Only regular files: anything else is UMBRA_E_INPUT, at once. */
umbra_status umbra_file_open(const char *path, umbra_file_reader *out) UMBRA_MUST_USE;
/* Bytes offset .. offset + size - 1 of the file, which must lie below its size (UMBRA_E_INTERNAL).
 * UMBRA_E_IO where the file has become shorter. */
umbra_status umbra_file_read_at(const umbra_file_reader *file, uint64_t offset, void *bytes,
                                size_t size) UMBRA_MUST_USE;
void umbra_file_close(umbra_file_reader *file);

/* A whole file, copied into memory; what is small enough to be a secret or an image is locked where
 * the system allows it, left out of core dumps, and wiped when released. For files of many
 * megabytes umbra_file_read_at into memory that is used again is faster. Owns: umbra_file_unload.
 * An empty file has size 0 and bytes NULL. Returns: UMBRA_E_RESOURCE where it is larger than the
 * memory that can be had */
typedef struct umbra_file_copy {
    const unsigned char *bytes;
    size_t size;
} umbra_file_copy;

umbra_status umbra_file_load(const char *path, umbra_file_copy *out) UMBRA_MUST_USE;
void umbra_file_unload(umbra_file_copy *content);

/* A file being written: to a temporary name beside `path`, renamed over it on commit; discarded,
 * and removed, on umbra_file_discard, on failure, and on SIGINT or SIGTERM
 * (umbra_file_remove_pending, which is async-signal-safe). `private_mode` creates it with mode
 * 0600. */
typedef struct umbra_file_writer umbra_file_writer;

umbra_status umbra_file_create(umbra_file_writer **out, const char *path,
                               bool private_mode) UMBRA_MUST_USE;
umbra_status umbra_file_append(umbra_file_writer *file, const void *bytes,
                               size_t size) UMBRA_MUST_USE;
/* Overwrite `size` bytes already appended at `offset`: for tables of contents and checksums. */
umbra_status umbra_file_patch(umbra_file_writer *file, uint64_t offset, const void *bytes,
                              size_t size) UMBRA_MUST_USE;
uint64_t umbra_file_size(const umbra_file_writer *file);
/* Flush, fsync, rename; frees the writer in every case. A full disk is UMBRA_E_IO. */
umbra_status umbra_file_commit(umbra_file_writer *file) UMBRA_MUST_USE;
/* Commit where `status` is UMBRA_OK, otherwise discard and return it. */
umbra_status umbra_file_end(umbra_file_writer *file, umbra_status status) UMBRA_MUST_USE;
/* Commit two files that belong together: both are whole on the disk before the first is renamed. If
 * the second cannot be renamed, the first is as it was before (on file systems with hard links; the
 * message says so where it is not). Frees both writers in every case. */
umbra_status umbra_file_commit_pair(umbra_file_writer *first,
                                    umbra_file_writer *second) UMBRA_MUST_USE;
void umbra_file_discard(umbra_file_writer *file); /* accepts NULL */
void umbra_file_remove_pending(void);

#endif
