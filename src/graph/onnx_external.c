/* Weights in a file of their own beside the model (ONNX external data), without leaving its folder.
 */
#include "graph/onnx_internal.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_PATH_BYTES 1024

bool umbra_onnx_is_external(const Onnx__TensorProto *t)
{
    return t->n_external_data > 0 ||
           (t->has_data_location && t->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT);
}

typedef struct place {
    char path[MAX_PATH_BYTES];
    uint64_t offset, length;
    bool has_length;
} place;

static umbra_status bad(const umbra_importer *importer, const char *name, const char *why)
{
    return umbra_fail(UMBRA_E_INPUT, "%s: constant \"%s\" lies in another file (external data): %s",
                      importer->file, name, why);
}

static bool read_number(const char *text, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == 0 && text[0] >= '0' && text[0] <= '9';
}

/* The entries of the tensor: location, offset, length; others (checksum) are not looked at. */
static umbra_status find_place(const umbra_importer *importer, const Onnx__TensorProto *t,
                               const char *name, place *out)
{
    bool fine = true, located = false;
    *out = (place){.offset = 0};
    for (size_t i = 0; i < t->n_external_data; i++) {
        const char *key = t->external_data[i]->key, *value = t->external_data[i]->value;
        if (key == NULL || value == NULL)
            continue;
        if (strcmp(key, "location") == 0) {
            located = strlen(value) < sizeof out->path;
            if (located)
                memcpy(out->path, value, strlen(value) + 1);
        } else if (strcmp(key, "offset") == 0) {
            fine = fine && read_number(value, &out->offset);
        } else if (strcmp(key, "length") == 0) {
            out->has_length = true;
            fine = fine && read_number(value, &out->length);
        }
    }
    if (!located || out->path[0] == 0)
        return bad(importer, name, "it has no location, or one of more than 1023 bytes");
    if (!fine)
        return bad(importer, name, "its offset or length is no number");
    return umbra_onnx_check_name(importer, out->path, "file");
}

/* One folder or file inside another; symbolic links are not followed. */
static int open_inside(int folder, const char *component, bool last)
{
    int flags = last ? O_RDONLY | O_NONBLOCK : O_RDONLY | O_DIRECTORY;
    return openat(folder, component, flags | O_NOFOLLOW | O_CLOEXEC);
}

/* Component by component, so that no part of the path can be a link out of the folder. */
static umbra_status open_path(const umbra_importer *importer, const char *name, const char *path,
                              int *out)
{
    char copy[MAX_PATH_BYTES];
    int at = importer->folder;
    memcpy(copy, path, strlen(path) + 1);
    for (char *component = copy; component != NULL;) {
        char *slash = strchr(component, '/');
        if (slash != NULL)
            *slash = 0;
        bool escapes =
            component[0] == 0 || strcmp(component, "..") == 0 || strchr(component, '\\') != NULL;
        int next = escapes ? -1 : open_inside(at, component, slash == NULL);
        int error = errno;
        if (at != importer->folder)
            close(at);
        if (escapes)
            return bad(importer, name,
                       "its location is no plain relative path; keep the data in the model's "
                       "folder");
        if (next < 0 && (error == ELOOP || error == ENOTDIR))
            return bad(importer, name,
                       "its location is a symbolic link or leads through one; copy "
                       "the data into the model's folder");
        if (next < 0)
            return umbra_fail(UMBRA_E_INPUT,
                              "%s: constant \"%s\" lies in the file \"%s\" beside the model, which "
                              "cannot be read: %s; keep both files together",
                              importer->file, name, path, strerror(error));
        at = next;
        component = slash != NULL ? slash + 1 : NULL;
    }
    *out = at;
    return UMBRA_OK;
}

static umbra_status check_size(const umbra_importer *importer, const char *name, int fd,
                               const place *p, size_t bytes)
{
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return bad(importer, name, "its location is not a file");
    uint64_t size = (uint64_t)info.st_size;
    if (p->has_length && p->length != bytes)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: constant \"%s\" has %" PRIu64 " bytes in \"%s\" where its shape "
                          "needs %zu; the file is damaged",
                          importer->file, name, p->length, p->path, bytes);
    if (p->offset > size || bytes > size - p->offset)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: constant \"%s\" needs %zu bytes from byte %" PRIu64
                          " of \"%s\", which has %" PRIu64 "; the file is cut short",
                          importer->file, name, bytes, p->offset, p->path, size);
    return UMBRA_OK;
}

/* Read, and not mapped: a file that shrinks meanwhile gives an error, and no signal. */
static umbra_status read_all(const umbra_importer *importer, const char *name, int fd,
                             uint64_t offset, size_t bytes, unsigned char *out)
{
    size_t done = 0;
    while (done < bytes) {
        ssize_t n = pread(fd, out + done, bytes - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return umbra_fail(UMBRA_E_IO, "%s: constant \"%s\": cannot read its data: %s",
                              importer->file, name, n < 0 ? strerror(errno) : "the file is short");
        done += (size_t)n;
    }
    return UMBRA_OK;
}

umbra_status umbra_onnx_read_external(const umbra_importer *importer, const Onnx__TensorProto *t,
                                      const char *name, size_t bytes, unsigned char **out)
{
    place p;
    void *memory = NULL;
    int fd = -1;
    if (importer->folder < 0)
        return bad(importer, name,
                   "here a model must be one file; save it with its weights inside");
    UMBRA_TRY(find_place(importer, t, name, &p));
    UMBRA_TRY(open_path(importer, name, p.path, &fd));
    umbra_status status = check_size(importer, name, fd, &p, bytes);
    if (status == UMBRA_OK)
        status = umbra_memory_alloc(&memory, bytes > 0 ? bytes : 1, "external data");
    if (status == UMBRA_OK)
        status = read_all(importer, name, fd, p.offset, bytes, memory);
    close(fd);
    if (status != UMBRA_OK) {
        umbra_memory_free(memory);
        return status;
    }
    *out = memory;
    return UMBRA_OK;
}
