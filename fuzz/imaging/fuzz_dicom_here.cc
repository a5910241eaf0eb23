/* DICOM bytes from outside, read in this process, where a sanitizer sees what the reader does: in
 * fuzz_dicom the child dies apart, and a report of it is an ordinary refusal. Compressed pixels are
 * left to fuzz_dicom, for DCMTK's own decoders crash on some (imaging/dicom_apart.c). */
#include "imaging/dicom_parse.h"

#include <cstdlib>
#include <cstring>
#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcxfer.h>

extern "C" {
#include "fuzz_target.h"
}

namespace
{

bool is_native;

umbra_status note_coding(const umbra_image_file *file, DcmFileFormat *format,
                         umbra_dicom_frame *out)
{
    (void)file, (void)out;
    is_native = !DcmXfer(format->getDataset()->getOriginalXfer()).isEncapsulated();
    return UMBRA_OK;
}

void check_and_free(umbra_dicom_frame *frame)
{
    size_t count = static_cast<size_t>(frame->width) * static_cast<size_t>(frame->height);
    volatile float sum = 0.0f;
    for (size_t i = 0; i < count; i++)
        sum = sum + frame->values[i];
    if (count == 0 || std::memchr(frame->photometric, '\0', sizeof frame->photometric) == nullptr ||
        std::memchr(frame->how, '\0', sizeof frame->how) == nullptr)
        std::abort();
    umbra_dicom_frame_free(frame);
}

} // namespace

/* DCMTK takes the memory that an element's length asks for, up to 4 GiB, before it looks for the
 * bytes. */
extern "C" const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=64";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    umbra_image_file file = {};
    file.bytes = data;
    file.size = size;
    file.name = "fuzz";
    umbra_dicom_frame frame = {};
    is_native = false;
    if (umbra_dicom_start() != UMBRA_OK)
        std::abort();
    if (umbra_dicom_visit(&file, note_coding, &frame) != UMBRA_OK || !is_native)
        return 0;
    if (umbra_dicom_extract(&file, &frame) == UMBRA_OK)
        check_and_free(&frame);
    return 0;
}
