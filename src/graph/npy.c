/* NumPy's .npy files. Format: numpy.lib.format, versions 1.0 to 3.0. */
#include "graph/npy.h"

#include "base/memory.h"
#include "wire/bytes.h"
#include "wire/file.h"

#include <stdio.h>
#include <string.h>

#define MAX_HEADER 65535

/* The header is the literal of a Python dictionary; a cursor over it. */
typedef struct cursor {
    const char *at, *end;
} cursor;

static void skip_space(cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t'))
        c->at++;
}

static bool take(cursor *c, char wanted)
{
    skip_space(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

/* 'text' or "text", without escapes; false where it is longer than the buffer. */
static bool take_string(cursor *c, char *out, size_t size)
{
    char quote;
    size_t length = 0;
    skip_space(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"'))
        return false;
    quote = *c->at++;
    for (; c->at < c->end && *c->at != quote; c->at++) {
        if (length + 1 >= size)
            return false;
        out[length++] = *c->at;
    }
    out[length] = 0;
    return take(c, quote);
}

static bool take_number(cursor *c, int64_t *out)
{
    int64_t value = 0;
    int digits = 0;
    skip_space(c);
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9' && digits < 18; c->at++, digits++)
        value = value * 10 + (*c->at - '0');
    *out = value;
    return digits > 0;
}

static bool take_word(cursor *c, const char *word)
{
    size_t length = strlen(word);
    skip_space(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0)
        return false;
    c->at += length;
    return true;
}

static bool take_shape(cursor *c, umbra_shape *shape)
{
    *shape = (umbra_shape){.rank = 0};
    if (!take(c, '('))
        return false;
    while (!take(c, ')')) {
        if (shape->rank == UMBRA_MAX_RANK || !take_number(c, &shape->dim[shape->rank]))
            return false;
        shape->rank++;
        if (!take(c, ','))
            return take(c, ')');
    }
    return true;
}

typedef struct header {
    char type[16];
    bool fortran, has_type, has_order, has_shape;
    umbra_shape shape;
} header;

static bool take_entry(cursor *c, header *h)
{
    char key[32];
    if (!take_string(c, key, sizeof key) || !take(c, ':'))
        return false;
    if (strcmp(key, "descr") == 0)
        return h->has_type = take_string(c, h->type, sizeof h->type);
    if (strcmp(key, "fortran_order") == 0) {
        h->fortran = take_word(c, "True");
        return h->has_order = h->fortran || take_word(c, "False");
    }
    return strcmp(key, "shape") == 0 && (h->has_shape = take_shape(c, &h->shape));
}

static bool parse_header(const char *text, size_t size, header *h)
{
    cursor c = {text, text + size};
    memset(h, 0, sizeof *h);
    if (!take(&c, '{'))
        return false;
    while (!take(&c, '}')) {
        if (!take_entry(&c, h))
            return false;
        if (!take(&c, ',') && !(take(&c, '}') && (c.at--, true)))
            return false;
    }
    return h->has_type && h->has_order && h->has_shape;
}

static umbra_status check_header(const header *h, const char *name, int64_t *elements, bool *wide)
{
    *wide = strcmp(h->type, "<f8") == 0;
    if (!*wide && strcmp(h->type, "<f4") != 0)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: its elements are not float32 or float64, little-endian; save with "
                          "numpy.save(path, x.astype('float32'))",
                          name);
    if (h->fortran)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: in Fortran order; save numpy.ascontiguousarray(x) instead", name);
    *elements = umbra_shape_elements(&h->shape);
    if (*elements < 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: more than %lld elements", name,
                          (long long)UMBRA_MAX_ELEMENTS);
    return UMBRA_OK;
}

static umbra_status read_data(umbra_reader *r, int64_t elements, bool wide, float **data)
{
    void *memory;
    size_t count = (size_t)elements;
    if (umbra_reader_left(r) != count * (wide ? 8 : 4))
        return umbra_fail(UMBRA_E_INPUT, "%s: %zu bytes of data where its shape needs %zu; damaged",
                          r->name, umbra_reader_left(r), count * (wide ? 8 : 4));
    UMBRA_TRY(umbra_memory_alloc_array(&memory, count > 0 ? count : 1, sizeof(float), "a tensor"));
    float *out = memory;
    for (size_t i = 0; i < count; i++)
        out[i] = wide ? (float)umbra_read_f64(r) : umbra_read_f32(r);
    *data = out;
    return UMBRA_OK;
}

umbra_status umbra_npy_parse_f32(const void *bytes, size_t size, const char *name,
                                 umbra_shape *shape, float **data)
{
    static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
    umbra_reader r = umbra_reader_make(bytes, size, name);
    const unsigned char *start = umbra_read_view(&r, sizeof magic);
    if (start == NULL || memcmp(start, magic, sizeof magic) != 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: not a .npy file", name);
    unsigned major = umbra_read_u8(&r);
    (void)umbra_read_u8(&r);
    size_t length = major == 1 ? umbra_read_u16(&r) : umbra_read_u32(&r);
    if (major < 1 || major > 3 || length > MAX_HEADER)
        return umbra_fail(UMBRA_E_INPUT, "%s: .npy version %u, or its header is too long", name,
                          major);
    const unsigned char *text = umbra_read_view(&r, length);
    UMBRA_TRY(umbra_reader_check(&r, "header"));
    header h;
    int64_t elements = 0;
    bool wide;
    if (!parse_header((const char *)text, length, &h))
        return umbra_fail(UMBRA_E_INPUT, "%s: its .npy header cannot be read", name);
    UMBRA_TRY(check_header(&h, name, &elements, &wide));
    UMBRA_TRY(read_data(&r, elements, wide, data));
    *shape = h.shape;
    return UMBRA_OK;
}

umbra_status umbra_npy_read_f32(const char *path, umbra_shape *shape, float **data)
{
    umbra_file_copy content;
    UMBRA_TRY(umbra_file_load(path, &content));
    umbra_status status = umbra_npy_parse_f32(content.bytes, content.size, path, shape, data);
    umbra_file_unload(&content);
    return status;
}

static void write_header(umbra_writer *w, const umbra_shape *shape)
{
    char text[256];
    int used = snprintf(text, sizeof text, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < shape->rank; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%lld,%s",
                         (long long)shape->dim[i], i + 1 < shape->rank ? " " : "");
    used += snprintf(text + used, sizeof text - (size_t)used, "), }");
    while ((10 + used + 1) % 64 != 0) /* the data begins at a multiple of 64 */
        text[used++] = ' ';
    text[used++] = '\n';
    umbra_write_bytes(w, "\x93NUMPY\x01\x00", 8);
    umbra_write_u16(w, (uint16_t)used);
    umbra_write_bytes(w, text, (size_t)used);
}

umbra_status umbra_npy_write_f32(const char *path, const umbra_shape *shape, const float *data)
{
    umbra_writer w = {.bytes = NULL};
    umbra_file_writer *file = NULL;
    int64_t elements = umbra_shape_elements(shape);
    umbra_status status;
    if (elements < 0)
        return umbra_fail(UMBRA_E_USAGE, "%s: the shape cannot be written", path);
    write_header(&w, shape);
    for (int64_t i = 0; i < elements; i++)
        umbra_write_f32(&w, data[i]);
    UMBRA_GOTO(end, status, umbra_writer_check(&w));
    UMBRA_GOTO(end, status, umbra_file_create(&file, path, false));
    status = umbra_file_append(file, w.bytes, w.size);
    if (status == UMBRA_OK)
        status = umbra_file_commit(file);
    else
        umbra_file_discard(file);
end:
    umbra_writer_free(&w);
    return status;
}
