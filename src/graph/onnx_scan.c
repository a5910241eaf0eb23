/* A first look at a protobuf message: bound its nesting and its number of fields. */
#include "graph/onnx_internal.h"

#include <string.h>

#define MAX_DEPTH 24 /* a plain model nests 7 deep; each level is a stack frame below */
#define MAX_FIELDS ((size_t)1 << 20) /* each costs protobuf-c up to about 200 bytes */
#define MAX_SIZE ((size_t)1 << 31)

typedef struct scanner {
    const unsigned char *bytes;
    size_t fields;
    const char *file;
} scanner;

/* Base-128 number at *at, before end; false where it is cut or longer than 64 bits. */
static bool read_varint(const scanner *s, size_t *at, size_t end, uint64_t *out)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && *at < end; shift += 7) {
        unsigned char byte = s->bytes[(*at)++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

static const ProtobufCMessageDescriptor *submessage(const ProtobufCMessageDescriptor *message,
                                                    uint64_t tag)
{
    if (message == NULL || tag > UINT32_MAX)
        return NULL;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(message, (unsigned)tag);
    return field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
}

static umbra_status bad(const scanner *s, size_t at)
{
    return umbra_fail(UMBRA_E_INPUT,
                      "%s: not an ONNX model, or damaged at byte %zu; export it again", s->file,
                      at);
}

static umbra_status scan(scanner *s, const ProtobufCMessageDescriptor *message, size_t at,
                         size_t end, int depth)
{
    if (depth > MAX_DEPTH)
        return umbra_fail(UMBRA_E_INPUT, "%s: messages nested more than %d deep at byte %zu",
                          s->file, MAX_DEPTH, at);
    while (at < end) {
        uint64_t key, length = 0;
        if (++s->fields > MAX_FIELDS)
            return umbra_fail(UMBRA_E_INPUT, "%s: more than %zu fields; simplify the model",
                              s->file, MAX_FIELDS);
        if (!read_varint(s, &at, end, &key))
            return bad(s, at);
        switch (key & 7) {
        case 0:
            if (!read_varint(s, &at, end, &length))
                return bad(s, at);
            continue;
        case 1:
            length = 8;
            break;
        case 2:
            if (!read_varint(s, &at, end, &length))
                return bad(s, at);
            break;
        case 5:
            length = 4;
            break;
        default:
            return bad(s, at);
        }
        if (length > end - at)
            return bad(s, at);
        const ProtobufCMessageDescriptor *inner =
            (key & 7) == 2 ? submessage(message, key >> 3) : NULL;
        if (inner != NULL)
            UMBRA_TRY(scan(s, inner, at, at + (size_t)length, depth + 1));
        at += (size_t)length;
    }
    return UMBRA_OK;
}

umbra_status umbra_onnx_scan(const unsigned char *bytes, size_t size, const char *file)
{
    if (size == 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: the file is empty", file);
    if (size > MAX_SIZE)
        return umbra_fail(UMBRA_E_INPUT, "%s: larger than 2 GiB, which ONNX does not allow", file);
    scanner s = {.bytes = bytes, .file = file};
    return scan(&s, &onnx__model_proto__descriptor, 0, size, 0);
}

umbra_status umbra_onnx_check_name(const umbra_importer *importer, const char *name,
                                   const char *what)
{
    size_t length = 0;
    for (; name[length] != 0; length++)
        if ((unsigned char)name[length] < 0x20 || name[length] == 0x7f)
            return umbra_fail(UMBRA_E_INPUT,
                              "%s: the name of a %s holds a control character; rename it",
                              importer->file, what);
    if (strstr(name, UMBRA_GENERATED_MARK) != NULL)
        return umbra_fail(UMBRA_E_INPUT, "%s: the name \"%.100s\" of a %s is reserved; rename it",
                          importer->file, name, what);
    if (length > UMBRA_ONNX_MAX_NAME)
        return umbra_fail(UMBRA_E_INPUT, "%s: the name of a %s is longer than %d bytes; rename it",
                          importer->file, what, UMBRA_ONNX_MAX_NAME);
    return UMBRA_OK;
}
