/* DICOM bytes from outside, straight to their decoder. */
#include "fuzz_target.h"

#include "imaging/check_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    umbra_image image = {0};
    umbra_image_file file = {.bytes = data, .size = size, .name = "fuzz"};
    if (umbra_dicom_decode(&file, &image) == UMBRA_OK)
        check_and_free(&image);
    return 0;
}
