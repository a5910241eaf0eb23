/* Parse a DICOM file in memory with DCMTK, which by itself bounds neither nesting nor inflation. */
#include "imaging/dicom_parse.h"

#include <cstdio>
#include <cstring>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dcmetinf.h>
#include <dcmtk/dcmdata/dcxfer.h>
#include <new>
#include <pthread.h>
#include <zlib.h>

namespace
{

/* DCMTK recurses for each nested sequence: about 1.6 KiB of stack a level were measured, and a file
 * of 240 KB overflows 8 MiB. A level cannot exist without an item tag in the bytes, so their number
 * bounds the depth whatever the structure around them is. */
constexpr size_t items_on_any_stack = 256;
constexpr size_t items_max = 65536;
constexpr size_t stack_base_bytes = size_t{8} << 20;
constexpr size_t stack_item_bytes = 8192;

constexpr size_t inflated_bytes_max = size_t{1} << 30;

/* Bytes that are wiped when they go. */
class wiped_buffer
{
  public:
    wiped_buffer() = default;
    wiped_buffer(const wiped_buffer &) = delete;
    wiped_buffer &operator=(const wiped_buffer &) = delete;
    ~wiped_buffer()
    {
        umbra_pixels_free(bytes, size);
    }
    umbra_status allocate(size_t count)
    {
        void *fresh = nullptr;
        UMBRA_TRY(umbra_pixels_alloc(&fresh, count, "an inflated DICOM file"));
        bytes = static_cast<unsigned char *>(fresh);
        size = count;
        return UMBRA_OK;
    }
    unsigned char *bytes = nullptr;
    size_t size = 0;
};

size_t count_item_tags(const unsigned char *bytes, size_t size)
{
    static const unsigned char little[4] = {0xfe, 0xff, 0x00, 0xe0};
    static const unsigned char big[4] = {0xff, 0xfe, 0xe0, 0x00};
    size_t count = 0;
    for (size_t i = 0; i + 4 <= size; i++)
        if (bytes[i] >= 0xfe &&
            (std::memcmp(bytes + i, little, 4) == 0 || std::memcmp(bytes + i, big, 4) == 0))
            count++;
    return count;
}

/* Inflate raw deflate data; into `to` when it is given, else only to learn the size. */
umbra_status inflate_bytes(const umbra_image_file *file, size_t offset, wiped_buffer *to,
                           size_t *size)
{
    wiped_buffer scratch;
    UMBRA_TRY(scratch.allocate(16384));
    z_stream z = {};
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return umbra_fail(UMBRA_E_RESOURCE, "%s: no memory to inflate", file->name);
    z.next_in = const_cast<unsigned char *>(file->bytes) + offset;
    z.avail_in = static_cast<uInt>(file->size - offset); /* files are at most 2 GiB */
    int state = Z_OK;
    *size = 0;
    while (state == Z_OK && *size <= inflated_bytes_max) {
        z.next_out = to != nullptr ? to->bytes + *size : scratch.bytes;
        uInt room = static_cast<uInt>(to != nullptr ? to->size - *size : scratch.size);
        z.avail_out = room;
        state = inflate(&z, Z_NO_FLUSH);
        *size += room - z.avail_out;
    }
    size_t consumed = file->size - z.avail_in;
    inflateEnd(&z);
    if (*size > inflated_bytes_max)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: deflated data of more than 1 GiB; the file is damaged or made to "
                          "exhaust memory",
                          file->name);
    if (state != Z_STREAM_END)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: the deflated data set is damaged or cut near byte %zu; copy the "
                          "file again",
                          file->name, consumed);
    return UMBRA_OK;
}

/* Where the data set begins, when the meta header says that it is deflated; else 0. */
size_t deflated_offset(const umbra_image_file *file)
{
    DcmInputBufferStream stream;
    stream.setBuffer(file->bytes, static_cast<offile_off_t>(file->size));
    stream.setEos();
    DcmMetaInfo meta;
    meta.transferInit();
    OFCondition read = meta.read(stream, EXS_Unknown, EGL_noChange);
    meta.transferEnd();
    OFString uid;
    if (read.bad() || meta.findAndGetOFString(DCM_TransferSyntaxUID, uid).bad())
        return 0;
    DcmXfer syntax(uid.c_str());
    return syntax.getStreamCompression() == ESC_zlib ? static_cast<size_t>(stream.tell()) : 0;
}

/* Everything that the thread with the deep stack needs, and what it brings back. */
struct visit {
    const umbra_image_file *file;
    const unsigned char *data; /* the whole file, or the inflated data set */
    size_t data_size;
    bool is_inflated;
    umbra_dicom_visitor visitor;
    umbra_dicom_frame *out;
    umbra_status status;
    char message[1024];
};

umbra_status parse_and_call(const visit *v)
{
    DcmInputBufferStream stream;
    stream.setBuffer(v->data, static_cast<offile_off_t>(v->data_size));
    stream.setEos();
    DcmFileFormat format;
    OFCondition read;
    if (v->is_inflated) {
        DcmDataset *set = format.getDataset();
        set->transferInit();
        read = set->read(stream, EXS_LittleEndianExplicit, EGL_noChange, DCM_MaxReadLength);
        set->transferEnd();
    } else {
        format.transferInit();
        read = format.read(stream, EXS_Unknown, EGL_noChange, DCM_MaxReadLength);
        format.transferEnd();
    }
    if (read.bad())
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: damaged or truncated DICOM file near byte %lld: %s; copy or export "
                          "it again",
                          v->file->name, static_cast<long long>(stream.tell()), read.text());
    return v->visitor(v->file, &format, v->out);
}

void visit_here(visit *v)
{
    try {
        v->status = parse_and_call(v);
    } catch (const std::bad_alloc &) {
        v->status = umbra_fail(UMBRA_E_RESOURCE, "%s: no memory to decode it", v->file->name);
    } catch (...) {
        v->status = umbra_fail(UMBRA_E_INPUT, "%s: DCMTK stopped on this file; export it again",
                               v->file->name);
    }
}

/* A new thread's messages are its own: bring the text along. */
void *visit_on_thread(void *context)
{
    visit *v = static_cast<visit *>(context);
    visit_here(v);
    if (v->status != UMBRA_OK)
        std::snprintf(v->message, sizeof v->message, "%s", umbra_error_message());
    return nullptr;
}

umbra_status visit_with_stack(visit *v, size_t stack_bytes)
{
    pthread_t thread;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return umbra_fail(UMBRA_E_RESOURCE, "%s: no memory for a thread", v->file->name);
    int failed = pthread_attr_setstacksize(&attributes, stack_bytes);
    if (failed == 0)
        failed = pthread_create(&thread, &attributes, visit_on_thread, v);
    pthread_attr_destroy(&attributes);
    if (failed != 0)
        return umbra_fail(UMBRA_E_RESOURCE,
                          "%s: no memory for the deep stack that its nested sequences need",
                          v->file->name);
    pthread_join(thread, nullptr);
    return v->status == UMBRA_OK ? UMBRA_OK : umbra_fail(v->status, "%s", v->message);
}

} // namespace

umbra_status umbra_dicom_visit(const umbra_image_file *file, umbra_dicom_visitor visitor,
                               umbra_dicom_frame *out)
{
    visit v = {file, file->bytes, file->size, false, visitor, out, UMBRA_OK, ""};
    wiped_buffer inflated;
    size_t offset = deflated_offset(file);
    if (offset != 0 && offset < file->size) {
        size_t size = 0;
        UMBRA_TRY(inflate_bytes(file, offset, nullptr, &size));
        UMBRA_TRY(inflated.allocate(size + 1)); /* room to see the end of the stream */
        UMBRA_TRY(inflate_bytes(file, offset, &inflated, &size));
        v.data = inflated.bytes;
        v.data_size = size;
        v.is_inflated = true;
    }
    size_t items = count_item_tags(v.data, v.data_size);
    if (items > items_max)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: %zu sequence items or fragments; the limit is %zu; export one frame",
                          file->name, items, items_max);
    if (items > items_on_any_stack)
        return visit_with_stack(&v, stack_base_bytes + items * stack_item_bytes);
    visit_here(&v);
    return v.status;
}
