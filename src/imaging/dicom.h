/* What DCMTK reads from a DICOM file, in C: the pixels as stored, and how they are to be shown. */
#ifndef UMBRA_IMAGING_DICOM_H
#define UMBRA_IMAGING_DICOM_H

#include "imaging/decode.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How stored values become grey; the functions are those of DICOM PS3.3, C.11.2.1. */
typedef enum umbra_dicom_view {
    UMBRA_DICOM_VALUES,              /* no window in the file */
    UMBRA_DICOM_WINDOW_LINEAR,       /* C.11.2.1.2.1 */
    UMBRA_DICOM_WINDOW_LINEAR_EXACT, /* C.11.2.1.3.2 */
    UMBRA_DICOM_WINDOW_SIGMOID,      /* C.11.2.1.3.1 */
    UMBRA_DICOM_SHOWN /* already grey in [0, 1]: colour, or a VOI table was applied */
} umbra_dicom_view;

/* The first frame. Owns: umbra_dicom_frame_free */
typedef struct umbra_dicom_frame {
    int width, height;
    float *values; /* width * height, stored values before rescaling unless view is SHOWN */
    umbra_dicom_view view;
    bool is_inverted; /* MONOCHROME1: the least value is white */
    bool has_padding;
    float padding_low, padding_high;                  /* in stored values, both included */
    double slope, intercept, center, width_of_window; /* window in rescaled values */
    int bits_stored, frames;
    char photometric[20], how[20]; /* "MONOCHROME2"; "window", "VOI table", "colour" or "" */
} umbra_dicom_frame;

/* Register DCMTK's codecs and silence its log, once; for both functions below. */
umbra_status umbra_dicom_start(void) UMBRA_MUST_USE;

/* The same as umbra_dicom_extract in a child process of limited time and memory, so that neither a
 * crash nor a stall of DCMTK is one of the caller. DCMTK runs nowhere else in the parent, so no
 * lock of its is held at the fork. */
umbra_status umbra_dicom_extract_apart(const umbra_image_file *file,
                                       umbra_dicom_frame *out) UMBRA_MUST_USE;

/* Returns: UMBRA_E_INPUT naming the file, the element or transfer syntax, and the remedy
 * Threads: safe; no C++ exception comes out, nothing is printed */
umbra_status umbra_dicom_extract(const umbra_image_file *file,
                                 umbra_dicom_frame *out) UMBRA_MUST_USE;
void umbra_dicom_frame_free(umbra_dicom_frame *frame);

#ifdef __cplusplus
}
#endif
#endif
