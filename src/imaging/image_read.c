/* Read an image file whole, decode it, and wipe the copy. */
#include "imaging/decode.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX ((uint64_t)1 << 31) /* 2^28 pixels of 16-bit colour fit */

static umbra_status open_image(const char *path, int *descriptor, size_t *size)
{
    struct stat info;
    /* Without O_NONBLOCK a named pipe would wait here for ever. */
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (opened < 0) {
        umbra_code code = errno == ENOENT || errno == ENOTDIR ? UMBRA_E_INPUT : UMBRA_E_IO;
        return umbra_fail(code, "%s: cannot open: %s", path, strerror(errno));
    }
    umbra_status status = UMBRA_OK;
    if (fstat(opened, &info) != 0)
        status = umbra_fail(UMBRA_E_IO, "%s: cannot examine: %s", path, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        status = umbra_fail(UMBRA_E_INPUT, "%s: this is a %s; give one image file", path,
                            S_ISDIR(info.st_mode) ? "directory" : "device or pipe");
    else if ((uint64_t)info.st_size > FILE_BYTES_MAX)
        status = umbra_fail(UMBRA_E_INPUT,
                            "%s: %lld bytes are more than the limit of 2 GiB; give one image", path,
                            (long long)info.st_size);
    if (status != UMBRA_OK) {
        close(opened);
        return status;
    }
    *descriptor = opened;
    *size = (size_t)info.st_size;
    return UMBRA_OK;
}

static umbra_status read_all(const char *path, int descriptor, unsigned char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = read(descriptor, bytes + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return umbra_fail(UMBRA_E_IO, "%s: cannot read at byte %zu: %s", path, done,
                              strerror(errno));
        if (got == 0)
            return umbra_fail(UMBRA_E_IO, "%s: it became shorter while it was read; try again",
                              path);
        done += (size_t)got;
    }
    return UMBRA_OK;
}

umbra_status umbra_image_read(const char *path, umbra_image *out)
{
    int descriptor = -1;
    size_t size = 0;
    UMBRA_TRY(open_image(path, &descriptor, &size));
    unsigned char *bytes = NULL;
    umbra_status status = UMBRA_OK;
    if (size > 0) {
        status = umbra_memory_alloc((void **)&bytes, size, "an image file");
        if (status == UMBRA_OK)
            status = read_all(path, descriptor, bytes, size);
    }
    close(descriptor);
    if (status == UMBRA_OK)
        status = umbra_image_decode(bytes, size, path, out);
    umbra_pixels_free(bytes, size);
    return status;
}
