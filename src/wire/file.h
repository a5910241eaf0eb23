/* Whole files: mapped for reading, written aside and renamed. */
#ifndef UMBRA_WIRE_FILE_H
#define UMBRA_WIRE_FILE_H

#include "umbra/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A read-only mapping. Owns: umbra_file_unmap. An empty file maps to size 0 and bytes NULL. */
typedef struct umbra_file_map {
    const unsigned char *bytes;
    size_t size;
} umbra_file_map;

umbra_status umbra_file_map_open(const char *path, umbra_file_map *out) UMBRA_MUST_USE;
void umbra_file_unmap(umbra_file_map *map);

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
void umbra_file_discard(umbra_file_writer *file); /* accepts NULL */
void umbra_file_remove_pending(void);

#endif
