/* Whole files: read into memory or piece by piece, written aside and renamed. */
#include "wire/file.h"

#include "base/machine.h"
#include "base/memory.h"
#include "wire/leftovers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_OPEN_WRITERS 32
#define PATH_BYTES 4096
#define BUFFER_BYTES ((size_t)64 << 10)
#define LOCKED_BYTES ((size_t)1 << 20)   /* at most, of a file in memory: secret keys are smaller */
#define PRIVATE_BYTES ((size_t)64 << 20) /* images and queries are smaller: wiped, not dumped */

/* The temporary names that a signal handler removes; a handler can only read fixed memory. */
enum slot_state { SLOT_FREE, SLOT_TAKEN, SLOT_PENDING };
static struct pending_slot {
    _Atomic int state;
    char path[PATH_BYTES];
} pending[MAX_OPEN_WRITERS];

struct umbra_file_writer {
    int fd;
    struct pending_slot *slot; /* its path is the temporary name */
    uint64_t written_bytes;    /* in the file; `buffered` more are waiting */
    size_t buffered;
    bool failed;
    char path[PATH_BYTES];
    unsigned char buffer[BUFFER_BYTES];
};

static umbra_status fail_reading(const char *path, int error)
{
    bool about_the_name = error == ENOENT || error == ENOTDIR || error == EACCES ||
                          error == ENAMETOOLONG || error == ELOOP;
    return umbra_fail(about_the_name ? UMBRA_E_INPUT : UMBRA_E_IO, "%s: cannot read: %s", path,
                      strerror(error));
}

umbra_status umbra_file_open(const char *path, umbra_file_reader *out)
{
    /* O_NONBLOCK: a named pipe must be refused, not waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_reading(path, errno);
    umbra_status status = UMBRA_OK;
    struct stat info;
    if (fstat(fd, &info) != 0)
        status = fail_reading(path, errno);
    else if (!S_ISREG(info.st_mode))
        status = umbra_fail(UMBRA_E_INPUT, "%s: is %s; give the name of a file", path,
                            S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
    if (status == UMBRA_OK)
        *out = (umbra_file_reader){.path = path, .size = (uint64_t)info.st_size, .descriptor = fd};
    else
        close(fd);
    return status;
}

void umbra_file_close(umbra_file_reader *file)
{
    close(file->descriptor);
    *file = (umbra_file_reader){.descriptor = -1};
}

umbra_status umbra_file_read_at(const umbra_file_reader *file, uint64_t offset, void *bytes,
                                size_t size)
{
    if (offset > file->size || size > file->size - offset)
        return umbra_fail(UMBRA_E_INTERNAL, "%s: a read past the end of the file", file->path);
    unsigned char *next = bytes;
    while (size > 0) {
        ssize_t n = pread(file->descriptor, next, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_reading(file->path, errno);
        if (n == 0)
            return umbra_fail(UMBRA_E_IO,
                              "%s: became shorter than %llu bytes while it was read; let nothing "
                              "write to it, and start again",
                              file->path, (unsigned long long)file->size);
        next += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return UMBRA_OK;
}

static umbra_status read_whole(const umbra_file_reader *file, umbra_file_copy *out)
{
    const uint64_t available = umbra_memory_available_bytes();
    if (file->size > SIZE_MAX || (available != 0 && file->size > available))
        return umbra_fail(UMBRA_E_RESOURCE, "%s: %llu MiB do not fit into memory", file->path,
                          (unsigned long long)(file->size >> 20));
    umbra_file_copy content = {.size = (size_t)file->size};
    void *bytes =
        mmap(NULL, content.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return umbra_fail(UMBRA_E_RESOURCE, "%s: no memory for %llu MiB", file->path,
                          (unsigned long long)(file->size >> 20));
    content.bytes = bytes;
    if (content.size <= LOCKED_BYTES)
        (void)mlock(bytes, content.size); /* where ulimit -l allows it */
    if (content.size <= PRIVATE_BYTES)
        (void)madvise(bytes, content.size, MADV_DONTDUMP);
    umbra_status status = umbra_file_read_at(file, 0, bytes, content.size);
    if (status == UMBRA_OK)
        *out = content;
    else
        umbra_file_unload(&content);
    return status;
}

umbra_status umbra_file_load(const char *path, umbra_file_copy *out)
{
    umbra_file_reader file;
    UMBRA_TRY(umbra_file_open(path, &file));
    umbra_status status = UMBRA_OK;
    if (file.size == 0)
        *out = (umbra_file_copy){0};
    else
        status = read_whole(&file, out);
    umbra_file_close(&file);
    return status;
}

void umbra_file_unload(umbra_file_copy *content)
{
    void *bytes = (void *)(uintptr_t)content->bytes;
    if (bytes != NULL && content->size <= PRIVATE_BYTES)
        umbra_secret_wipe(bytes, content->size);
    if (bytes != NULL)
        munmap(bytes, content->size);
    *content = (umbra_file_copy){0};
}

static umbra_status fail_writing(umbra_file_writer *file, int error)
{
    file->failed = true;
    const char *remedy = error == ENOSPC || error == EDQUOT || error == EFBIG
                             ? "; free some space or write to another disk"
                             : "";
    return umbra_fail(UMBRA_E_IO, "%s: cannot write: %s%s", file->path, strerror(error), remedy);
}

/* The file that a link points to is the one replaced, so that a key kept on another volume stays
 * there; anything but a regular file is refused, for a rename would destroy it (/dev/null). */
static umbra_status resolve_target(const char *path, char resolved[PATH_BYTES])
{
    char *target = realpath(path, NULL);
    int length = snprintf(resolved, PATH_BYTES, "%s", target != NULL ? target : path);
    free(target);
    if (length <= 0 || length >= PATH_BYTES)
        return umbra_fail(UMBRA_E_INPUT, "%s: not a usable file name", path);
    struct stat info;
    if (stat(resolved, &info) == 0 && !S_ISREG(info.st_mode))
        return umbra_fail(UMBRA_E_INPUT, "%s: is %s; give the name of a file", path,
                          S_ISDIR(info.st_mode) ? "a folder" : "not a regular file");
    return UMBRA_OK;
}

static struct pending_slot *take_slot(void)
{
    for (size_t i = 0; i < MAX_OPEN_WRITERS; i++) {
        int expected = SLOT_FREE;
        if (atomic_compare_exchange_strong(&pending[i].state, &expected, SLOT_TAKEN))
            return &pending[i];
    }
    return NULL;
}

/* One attempt. *taken: another process took the new file for a leftover. */
static umbra_status open_named(umbra_file_writer *file, bool private_mode, bool *taken)
{
    int length = snprintf(file->slot->path, PATH_BYTES, "%s.%08x%08x.part", file->path,
                          randombytes_random(), randombytes_random());
    if (length >= PATH_BYTES)
        return umbra_fail(UMBRA_E_INPUT, "%s: the file name is too long", file->path);
    /* Announced before it exists: a signal in between then removes nothing, rather than too little.
     */
    atomic_store(&file->slot->state, SLOT_PENDING);
    file->fd = open(file->slot->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                    private_mode ? 0600 : 0666);
    if (file->fd < 0) {
        int error = errno;
        bool about_the_name = error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG;
        return umbra_fail(
            about_the_name ? UMBRA_E_INPUT : UMBRA_E_IO, "%s: cannot create: %s", file->path,
            error == ENOENT ? "its folder does not exist; make it first" : strerror(error));
    }
    *taken = !umbra_leftover_lock(file->fd);
    return UMBRA_OK;
}

static umbra_status open_temporary(umbra_file_writer *file, bool private_mode)
{
    bool taken = true;
    umbra_leftovers_remove(file->path);
    file->slot = take_slot();
    if (file->slot == NULL)
        return umbra_fail(UMBRA_E_RESOURCE, "%s: more than %d files are being written at once",
                          file->path, MAX_OPEN_WRITERS);
    for (int i = 0; i < 3; i++) {
        UMBRA_TRY(open_named(file, private_mode, &taken));
        if (!taken)
            return UMBRA_OK;
        close(file->fd);
        file->fd = -1;
        unlink(file->slot->path);
    }
    return umbra_fail(UMBRA_E_IO, "%s: another program removes the file while it is written",
                      file->path);
}

umbra_status umbra_file_create(umbra_file_writer **out, const char *path, bool private_mode)
{
    if (sodium_init() < 0)
        return umbra_fail(UMBRA_E_RESOURCE, "libsodium cannot start: no source of randomness");
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc(&memory, sizeof(umbra_file_writer), "a file writer"));
    umbra_file_writer *file = memory;
    file->fd = -1;
    umbra_status status = UMBRA_OK;
    UMBRA_GOTO(fail, status, resolve_target(path, file->path));
    UMBRA_GOTO(fail, status, open_temporary(file, private_mode));
    *out = file;
    return UMBRA_OK;
fail:
    umbra_file_discard(file);
    return status;
}

/* Write all of it at `offset`, through interruptions and short writes; 0 or an errno. */
static int write_fully(int fd, const unsigned char *bytes, size_t size, uint64_t offset)
{
    while (size > 0) {
        if (offset > (uint64_t)INT64_MAX)
            return EFBIG;
        ssize_t n = pwrite(fd, bytes, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENOSPC;
        bytes += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

static umbra_status flush(umbra_file_writer *file)
{
    int error = write_fully(file->fd, file->buffer, file->buffered, file->written_bytes);
    if (error != 0)
        return fail_writing(file, error);
    file->written_bytes += file->buffered;
    file->buffered = 0;
    return UMBRA_OK;
}

umbra_status umbra_file_append(umbra_file_writer *file, const void *bytes, size_t size)
{
    if (size > BUFFER_BYTES - file->buffered)
        UMBRA_TRY(flush(file));
    if (size > BUFFER_BYTES) {
        int error = write_fully(file->fd, bytes, size, file->written_bytes);
        if (error != 0)
            return fail_writing(file, error);
        file->written_bytes += size;
    } else if (size > 0) {
        memcpy(file->buffer + file->buffered, bytes, size);
        file->buffered += size;
    }
    return UMBRA_OK;
}

umbra_status umbra_file_patch(umbra_file_writer *file, uint64_t offset, const void *bytes,
                              size_t size)
{
    uint64_t end = umbra_file_size(file);
    if (offset > end || size > end - offset)
        return umbra_fail(UMBRA_E_INTERNAL, "%s: a patch past the end of the file", file->path);
    UMBRA_TRY(flush(file));
    int error = write_fully(file->fd, bytes, size, offset);
    return error == 0 ? UMBRA_OK : fail_writing(file, error);
}

uint64_t umbra_file_size(const umbra_file_writer *file)
{
    return file->written_bytes + file->buffered;
}

/* A rename is on the disk only when its folder is; file systems that refuse this lose only that. */
static void sync_folder_of(const char *path)
{
    char folder[PATH_BYTES];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        snprintf(folder, sizeof folder, ".");
    else
        slash[slash == folder ? 1 : 0] = 0;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

/* All of it on the disk, under the temporary name; it stays open, and so locked, until it is
 * renamed.
 */
static umbra_status finish(umbra_file_writer *file)
{
    if (file->failed)
        return umbra_fail(UMBRA_E_IO, "%s: not written, because an earlier write failed",
                          file->path);
    UMBRA_TRY(flush(file));
    if (fsync(file->fd) != 0)
        return fail_writing(file, errno);
    return UMBRA_OK;
}

static umbra_status rename_into_place(umbra_file_writer *file)
{
    if (rename(file->slot->path, file->path) != 0)
        return fail_writing(file, errno);
    sync_folder_of(file->path);
    return UMBRA_OK;
}

umbra_status umbra_file_commit(umbra_file_writer *file)
{
    umbra_status status = finish(file);
    if (status == UMBRA_OK)
        status = rename_into_place(file);
    umbra_file_discard(file); /* after the rename the temporary name is gone: nothing to remove */
    return status;
}

umbra_status umbra_file_end(umbra_file_writer *file, umbra_status status)
{
    if (status == UMBRA_OK)
        return umbra_file_commit(file);
    umbra_file_discard(file);
    return status;
}

/* What stood under file->path before, under the second name `kept`: "" where nothing stood there,
 * or where the file system has no hard links (then *lost). Returns a descriptor that locks it, or
 * -1. */
static int keep_old(const umbra_file_writer *file, char kept[PATH_BYTES], bool *lost)
{
    int length = snprintf(kept, PATH_BYTES, "%s.old", file->slot->path);
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0)
        (void)umbra_leftover_lock(fd);
    *lost = false;
    if (length < PATH_BYTES && link(file->path, kept) == 0)
        return fd;
    *lost = length >= PATH_BYTES || errno != ENOENT;
    kept[0] = '\0';
    return fd;
}

static umbra_status rename_pair(umbra_file_writer *first, umbra_file_writer *second)
{
    char kept[PATH_BYTES];
    bool lost = false;
    int lock = keep_old(first, kept, &lost);
    umbra_status status = rename_into_place(first);
    if (status == UMBRA_OK) {
        status = rename_into_place(second);
        if (status != UMBRA_OK && lost)
            status = umbra_fail_within(status, "%s was replaced without its partner", first->path);
        else if (status != UMBRA_OK && kept[0] == '\0')
            (void)unlink(first->path); /* nothing stood there before */
        else if (status != UMBRA_OK)
            (void)rename(kept, first->path);
    }
    if (kept[0] != '\0')
        (void)unlink(kept);
    if (lock >= 0)
        close(lock);
    return status;
}

umbra_status umbra_file_commit_pair(umbra_file_writer *first, umbra_file_writer *second)
{
    umbra_status status = finish(first);
    if (status == UMBRA_OK)
        status = finish(second);
    if (status == UMBRA_OK)
        status = rename_pair(first, second);
    umbra_file_discard(first);
    umbra_file_discard(second);
    return status;
}

void umbra_file_discard(umbra_file_writer *file)
{
    if (file == NULL)
        return;
    if (file->fd >= 0)
        close(file->fd);
    if (file->slot != NULL) {
        if (atomic_load(&file->slot->state) == SLOT_PENDING)
            unlink(file->slot->path);
        atomic_store(&file->slot->state, SLOT_FREE);
    }
    umbra_secret_wipe(file, sizeof *file); /* the buffer may hold a secret key */
    umbra_memory_free(file);
}

void umbra_file_remove_pending(void)
{
    for (size_t i = 0; i < MAX_OPEN_WRITERS; i++)
        if (atomic_load(&pending[i].state) == SLOT_PENDING)
            unlink(pending[i].path);
}
