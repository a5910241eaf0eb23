/* Run DCMTK on one file in a process of its own: its decoders crash and stall on hostile files. */
#include "imaging/dicom.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Fuzzing found reads past the fragment in DCMTK 3.6.7's RLE decoder, endless loops in its lossless
 * JPEG decoder and deep recursion in its parser. */
#define MEMORY_BYTES ((rlim_t)6 << 30) /* 2^28 pixels in each form that they take on the way */
#define WALL_FACTOR 20                 /* a busy machine may give the child little of its time */

/* What the child sends before the pixels. The parent trusts none of it. */
typedef struct reply {
    umbra_status status;
    umbra_dicom_frame frame; /* without values */
    char message[1024];
} reply;

/* Seconds of processor time; a sound file of a megabyte needs a tenth. */
static unsigned allowed_seconds(const umbra_image_file *file)
{
    return 1 + (unsigned)(file->size >> 20);
}

static rlim_t address_space_bytes(void)
{
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL)
        return 0;
    int found = fscanf(f, "%llu", &pages);
    fclose(f);
    return found == 1 ? (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) : 0;
}

static void limit_child(const umbra_image_file *file)
{
    rlim_t used = address_space_bytes();
    rlim_t seconds = allowed_seconds(file);
    struct rlimit none = {0, 0}, cpu = {seconds, seconds + 1};
    struct rlimit memory = {used + MEMORY_BYTES, used + MEMORY_BYTES};
    (void)setrlimit(RLIMIT_CORE, &none); /* a core file would hold pixels and keys */
    (void)setrlimit(RLIMIT_CPU, &cpu);
    if (used > 0)
        (void)setrlimit(RLIMIT_AS, &memory);
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        (void)signal(signals[i], SIG_DFL); /* the caller's handlers are not ours to run */
}

static int send_all(int to, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t sent = write(to, at, size);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return -1;
        at += sent;
        size -= (size_t)sent;
    }
    return 0;
}

static void run_child(const umbra_image_file *file, int to)
{
    reply r = {.status = UMBRA_OK};
    limit_child(file);
    r.status = umbra_dicom_extract(file, &r.frame);
    if (r.status != UMBRA_OK)
        snprintf(r.message, sizeof r.message, "%s", umbra_error_message());
    size_t count = (size_t)r.frame.width * (size_t)r.frame.height;
    float *values = r.frame.values;
    r.frame.values = NULL;
    if (send_all(to, &r, sizeof r) == 0 && r.status == UMBRA_OK)
        (void)send_all(to, values, count * sizeof *values);
    _exit(0); /* neither the caller's exit handlers nor a sanitizer's leak check */
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* False when the child closes its end early, or the time is over. */
static bool receive_all(int from, void *bytes, size_t size, int64_t deadline_ms)
{
    char *at = bytes;
    while (size > 0) {
        int64_t left = deadline_ms - now_ms();
        struct pollfd ready = {.fd = from, .events = POLLIN};
        int events = left <= 0 ? 0 : poll(&ready, 1, left > 60000 ? 60000 : (int)left);
        if (events < 0 && errno == EINTR)
            continue;
        if (events == 0 && left > 60000)
            continue;
        if (events <= 0)
            return false;
        ssize_t got = read(from, at, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

static bool is_sound(const umbra_dicom_frame *frame)
{
    return frame->view >= UMBRA_DICOM_VALUES && frame->view <= UMBRA_DICOM_SHOWN &&
           isfinite(frame->slope) && isfinite(frame->intercept) && isfinite(frame->center) &&
           isfinite(frame->width_of_window) &&
           memchr(frame->photometric, '\0', sizeof frame->photometric) != NULL &&
           memchr(frame->how, '\0', sizeof frame->how) != NULL;
}

static umbra_status receive(const umbra_image_file *file, int from, umbra_dicom_frame *out,
                            bool *is_answered)
{
    int64_t deadline = now_ms() + (int64_t)allowed_seconds(file) * 1000 * WALL_FACTOR;
    reply r;
    *is_answered = receive_all(from, &r, sizeof r, deadline);
    if (!*is_answered)
        return UMBRA_OK;
    r.message[sizeof r.message - 1] = '\0';
    if (r.status == UMBRA_E_RESOURCE)
        return umbra_fail(UMBRA_E_RESOURCE, "%s", r.message);
    if (r.status != UMBRA_OK)
        return umbra_fail(UMBRA_E_INPUT, "%s", r.message);
    umbra_image pixels = {0};
    if (r.frame.width < 0 || r.frame.height < 0 || !is_sound(&r.frame))
        return umbra_fail(UMBRA_E_INPUT, "%s: the DICOM decoder gave a senseless answer",
                          file->name);
    UMBRA_TRY(umbra_image_new(file, (uint64_t)r.frame.width, (uint64_t)r.frame.height, &pixels));
    size_t bytes = (size_t)pixels.width * (size_t)pixels.height * sizeof(float);
    *is_answered = receive_all(from, pixels.pixels, bytes, deadline);
    if (!*is_answered) {
        umbra_image_free(&pixels);
        return UMBRA_OK;
    }
    *out = r.frame;
    out->values = pixels.pixels;
    return UMBRA_OK;
}

/* The child is gone after this, whatever it was doing. */
static umbra_status explain_silence(const umbra_image_file *file, pid_t child)
{
    int how = 0;
    (void)kill(child, SIGKILL);
    pid_t waited = waitpid(child, &how, 0);
    while (waited < 0 && errno == EINTR)
        waited = waitpid(child, &how, 0);
    int signal_number = waited == child && WIFSIGNALED(how) ? WTERMSIG(how) : 0;
    if (signal_number == SIGXCPU || signal_number == SIGKILL)
        return umbra_fail(
            UMBRA_E_INPUT,
            "%s: decoding took more than %u s and was stopped; the file is damaged or "
            "made to stall; export it again",
            file->name, allowed_seconds(file));
    bool is_signal = signal_number != 0;
    return umbra_fail(UMBRA_E_INPUT,
                      "%s: the DICOM decoder crashed on it (%s %d), apart from this program; "
                      "the file is damaged or hostile; export it again",
                      file->name, is_signal ? "signal" : "exit code",
                      is_signal        ? signal_number
                      : WIFEXITED(how) ? WEXITSTATUS(how)
                                       : -1);
}

/* Fork with a pipe from the child. One at a time: a child that inherited the writing end of
 * another's pipe would hide that the other has died. */
static pid_t fork_with_pipe(const umbra_image_file *file, int *from)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    int ends[2];
    pthread_mutex_lock(&one_at_a_time);
    pid_t child = -1;
    if (pipe(ends) == 0) {
        (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
        child = fork();
        if (child == 0) {
            close(ends[0]);
            run_child(file, ends[1]);
        }
        close(ends[1]);
        *from = ends[0];
        if (child < 0)
            close(ends[0]);
    }
    pthread_mutex_unlock(&one_at_a_time);
    return child;
}

umbra_status umbra_dicom_extract_apart(const umbra_image_file *file, umbra_dicom_frame *out)
{
    int from = -1;
    UMBRA_TRY(umbra_dicom_start());
    pid_t child = fork_with_pipe(file, &from);
    if (child < 0)
        return umbra_fail(UMBRA_E_RESOURCE, "%s: no process to decode it in: %s", file->name,
                          strerror(errno));
    bool is_answered = false;
    umbra_status status = receive(file, from, out, &is_answered);
    close(from);
    if (!is_answered)
        return explain_silence(file, child);
    (void)kill(child, SIGKILL); /* it has said all; it may be hostile by now */
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    return status;
}
