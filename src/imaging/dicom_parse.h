/* From hostile bytes to a DCMTK data set, within bounds of depth, size and stack. C++ only. */
#ifndef UMBRA_IMAGING_DICOM_PARSE_H
#define UMBRA_IMAGING_DICOM_PARSE_H

#include "imaging/dicom.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfilefo.h>

/* What runs on the parsed file; the file lives until it returns. */
using umbra_dicom_visitor = umbra_status (*)(const umbra_image_file *file, DcmFileFormat *format,
                                             umbra_dicom_frame *out);

/* Parse, and call the visitor on a stack that is deep enough for the nesting of this file. */
umbra_status umbra_dicom_visit(const umbra_image_file *file, umbra_dicom_visitor visitor,
                               umbra_dicom_frame *out) UMBRA_MUST_USE;

#endif
