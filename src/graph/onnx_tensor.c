/* A TensorProto becomes a constant: raw or typed data, floats as f32, integers and bools as i64. */
#include "graph/onnx_internal.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

typedef enum source { RAW, FLOATS, DOUBLES, INT32S, INT64S, UINT64S } source;

/* What each ONNX type is in the file: bytes in raw data, and the typed field that may hold it. */
typedef struct element_type {
    int32_t onnx;
    size_t raw_bytes;
    source typed;
    umbra_data_type type;
} element_type;

static const element_type types[] = {
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, 4, FLOATS, UMBRA_F32},
    {ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE, 8, DOUBLES, UMBRA_F32},
    {ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16, 2, INT32S, UMBRA_F32},
    {ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16, 2, INT32S, UMBRA_F32},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT64, 8, INT64S, UMBRA_I64},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT32, 4, INT32S, UMBRA_I64},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT16, 2, INT32S, UMBRA_I64},
    {ONNX__TENSOR_PROTO__DATA_TYPE__INT8, 1, INT32S, UMBRA_I64},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, 1, INT32S, UMBRA_I64},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT16, 2, INT32S, UMBRA_I64},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT32, 4, UINT64S, UMBRA_I64},
    {ONNX__TENSOR_PROTO__DATA_TYPE__UINT64, 8, UINT64S, UMBRA_I64},
    {ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, 1, INT32S, UMBRA_I64},
};

/* IEEE 754 binary16, by its fields. */
static float from_half(uint16_t h)
{
    int exponent = (h >> 10) & 31, mantissa = h & 1023;
    float magnitude;
    if (exponent == 31)
        magnitude = mantissa != 0 ? NAN : INFINITY;
    else if (exponent == 0)
        magnitude = ldexpf((float)mantissa, -24);
    else
        magnitude = ldexpf((float)(mantissa + 1024), exponent - 25);
    return (h & 0x8000) != 0 ? -magnitude : magnitude;
}

static uint64_t little_endian(const unsigned char *p, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static float from_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static float raw_float(uint64_t word, int32_t onnx)
{
    if (onnx == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16)
        return from_half((uint16_t)word);
    if (onnx == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE) {
        double d;
        memcpy(&d, &word, sizeof d);
        return (float)d;
    }
    return from_bits(onnx == ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16 ? (uint32_t)word << 16
                                                                     : (uint32_t)word);
}

static int64_t raw_integer(uint64_t word, int32_t onnx)
{
    switch (onnx) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
        return (int32_t)(uint32_t)word;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT16:
        return (int16_t)(uint16_t)word;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
        return (int8_t)(uint8_t)word;
    default:
        return (int64_t)word;
    }
}

static size_t typed_count(const Onnx__TensorProto *t, source typed)
{
    switch (typed) {
    case FLOATS:
        return t->n_float_data;
    case DOUBLES:
        return t->n_double_data;
    case INT32S:
        return t->n_int32_data;
    case INT64S:
        return t->n_int64_data;
    case UINT64S:
        return t->n_uint64_data;
    default:
        return 0;
    }
}

static void fill_floats(float *out, size_t count, const Onnx__TensorProto *t, const element_type *e)
{
    if (t->has_raw_data && e->onnx == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT &&
        __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        if (count > 0)
            memcpy(out, t->raw_data.data, count * sizeof(float));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (t->has_raw_data)
            out[i] = raw_float(little_endian(t->raw_data.data + i * e->raw_bytes, e->raw_bytes),
                               e->onnx);
        else if (e->typed == FLOATS)
            out[i] = t->float_data[i];
        else if (e->typed == DOUBLES)
            out[i] = (float)t->double_data[i];
        else
            out[i] = raw_float((uint16_t)t->int32_data[i], e->onnx);
    }
}

static void fill_integers(int64_t *out, size_t count, const Onnx__TensorProto *t,
                          const element_type *e)
{
    for (size_t i = 0; i < count; i++) {
        if (t->has_raw_data)
            out[i] = raw_integer(little_endian(t->raw_data.data + i * e->raw_bytes, e->raw_bytes),
                                 e->onnx);
        else if (e->typed == INT32S)
            out[i] = t->int32_data[i];
        else if (e->typed == INT64S)
            out[i] = t->int64_data[i];
        else
            out[i] = (int64_t)t->uint64_data[i];
    }
}

static umbra_status tensor_shape(const umbra_importer *importer, const Onnx__TensorProto *t,
                                 const char *name, umbra_shape *shape, int64_t *elements)
{
    if (t->n_dims > UMBRA_MAX_RANK)
        return umbra_fail(UMBRA_E_INPUT, "%s: constant \"%s\" has %zu dimensions; at most %d",
                          importer->file, name, t->n_dims, UMBRA_MAX_RANK);
    *shape = (umbra_shape){.rank = (int)t->n_dims};
    for (size_t i = 0; i < t->n_dims; i++)
        shape->dim[i] = t->dims[i];
    *elements = umbra_shape_elements(shape);
    if (*elements < 0)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: constant \"%s\" has an impossible shape, or more than %lld elements",
                          importer->file, name, (long long)UMBRA_MAX_ELEMENTS);
    return UMBRA_OK;
}

static umbra_status find_type(const umbra_importer *importer, const Onnx__TensorProto *t,
                              const char *name, const element_type **out)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (t->has_data_type && types[i].onnx == t->data_type) {
            *out = &types[i];
            return UMBRA_OK;
        }
    return umbra_fail(UMBRA_E_INPUT,
                      "%s: constant \"%s\" has element type %d, which is not read; use float32",
                      importer->file, name, t->has_data_type ? (int)t->data_type : 0);
}

static void fill(umbra_value *value, size_t count, const Onnx__TensorProto *t,
                 const element_type *e)
{
    if (e->type == UMBRA_F32)
        fill_floats(value->f32, count, t, e);
    else
        fill_integers(value->i64, count, t, e);
}

/* As raw data, read from the other file. */
static umbra_status fill_external(umbra_importer *importer, const Onnx__TensorProto *t,
                                  const element_type *e, size_t count, int index)
{
    Onnx__TensorProto raw = *t;
    umbra_value *value = &importer->graph->values[index];
    raw.has_raw_data = 1;
    UMBRA_TRY(umbra_onnx_read_external(importer, t, value->name, count * e->raw_bytes,
                                       &raw.raw_data.data));
    raw.raw_data.len = count * e->raw_bytes;
    fill(value, count, &raw, e);
    umbra_memory_free(raw.raw_data.data);
    return UMBRA_OK;
}

umbra_status umbra_onnx_add_tensor(umbra_importer *importer, const Onnx__TensorProto *t,
                                   const char *name, int *index)
{
    const element_type *e = NULL;
    umbra_shape shape;
    int64_t elements = 0;
    bool external = umbra_onnx_is_external(t);
    UMBRA_TRY(find_type(importer, t, name, &e));
    UMBRA_TRY(tensor_shape(importer, t, name, &shape, &elements));
    size_t count = (size_t)elements;
    size_t have = t->has_raw_data ? t->raw_data.len : typed_count(t, e->typed);
    size_t want = t->has_raw_data ? count * e->raw_bytes : count;
    if (!external && have != want)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: constant \"%s\" holds %zu %s where its shape needs %zu; the file is "
                          "damaged",
                          importer->file, name, have, t->has_raw_data ? "bytes" : "numbers", want);
    umbra_status status = umbra_graph_add_constant(importer->graph, name, &shape, e->type, index);
    if (status != UMBRA_OK)
        return umbra_fail_within(status, "%s", importer->file);
    if (external)
        return fill_external(importer, t, e, count, *index);
    fill(&importer->graph->values[*index], count, t, e);
    return UMBRA_OK;
}
