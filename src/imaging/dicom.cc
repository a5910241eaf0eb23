/* The first frame of a DICOM data set and the attributes that say how to show it, through DCMTK. */
#include "imaging/dicom.h"

#include "imaging/dicom_parse.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <dcmtk/dcmdata/dccodec.h>
#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmdata/dcmetinf.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmdata/dcxfer.h>
#include <dcmtk/dcmimage/diregist.h> /* its presence adds colour to DicomImage */
#include <dcmtk/dcmimgle/dcmimage.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/oflog/oflog.h>
#include <mutex>

namespace
{

void start_dcmtk()
{
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    DcmRLEDecoderRegistration::registerCodecs();
    DJDecoderRegistration::registerCodecs();
    DJLSDecoderRegistration::registerCodecs();
    dcmDataDict.rdlock(); /* reads the dictionary file, once here instead of in every child */
    dcmDataDict.rdunlock();
}

/* Attributes of the frame; in enhanced objects they lie in functional groups. */
class frame_attributes
{
  public:
    explicit frame_attributes(DcmDataset *dataset) : set(dataset)
    {
    }

    OFString text(const DcmTagKey &tag) const
    {
        OFString value;
        if (set->findAndGetOFString(tag, value).bad())
            value.clear();
        while (!value.empty() &&
               (value[value.size() - 1] == ' ' || value[value.size() - 1] == '\0'))
            value.erase(value.size() - 1);
        return value;
    }

    unsigned number(const DcmTagKey &tag, unsigned otherwise) const
    {
        Uint16 value = 0;
        return set->findAndGetUint16(tag, value).good() ? value : otherwise;
    }

    /* At the top, else in this group for all frames, else in that of the first frame. */
    bool real(const DcmTagKey &group, const DcmTagKey &tag, double *value) const
    {
        DcmItem *shared = nullptr, *found = nullptr;
        if (set->findAndGetFloat64(tag, *value).good())
            return std::isfinite(*value);
        const DcmTagKey places[] = {DCM_SharedFunctionalGroupsSequence,
                                    DCM_PerFrameFunctionalGroupsSequence};
        for (const DcmTagKey &place : places)
            if (set->findAndGetSequenceItem(place, shared, 0).good() &&
                shared->findAndGetSequenceItem(group, found, 0).good() &&
                found->findAndGetFloat64(tag, *value).good())
                return std::isfinite(*value);
        return false;
    }

    bool has(const DcmTagKey &tag) const
    {
        return set->tagExistsWithValue(tag);
    }

    /* PixelPaddingValue and its range limit are US or SS, and some writers choose wrongly. */
    bool padding(const DcmTagKey &tag, float *value) const
    {
        DcmElement *element = nullptr;
        Uint16 bits = 0;
        Sint16 negative = 0;
        if (set->findAndGetElement(tag, element).bad())
            return false;
        bool is_signed = number(DCM_PixelRepresentation, 0) == 1;
        if (element->getSint16(negative).good())
            *value = is_signed ? static_cast<float>(negative)
                               : static_cast<float>(static_cast<Uint16>(negative));
        else if (element->getUint16(bits).good())
            *value = is_signed ? static_cast<float>(static_cast<Sint16>(bits))
                               : static_cast<float>(bits);
        else
            return false;
        return true;
    }

    DcmDataset *set;
};

/* One that DCMTK does not know is read as if it were not compressed, so look at its name too. */
umbra_status check_transfer_syntax(const umbra_image_file *file, DcmFileFormat *format,
                                   E_TransferSyntax xfer)
{
    OFString uid;
    bool is_named = format->getMetaInfo()->findAndGetOFString(DCM_TransferSyntaxUID, uid).good();
    bool is_unknown = is_named && DcmXfer(uid.c_str()).getXfer() == EXS_Unknown;
    DcmXfer syntax(xfer);
    if (!is_unknown &&
        (!syntax.isEncapsulated() || DcmCodecList::canChangeCoding(xfer, EXS_LittleEndianExplicit)))
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_INPUT,
                      "%s: the pixels are compressed by transfer syntax %.64s (%s), which is not "
                      "decoded here; convert the file first, for example: gdcmconv --raw IN OUT",
                      file->name, is_unknown ? uid.c_str() : syntax.getXferID(),
                      is_unknown ? "unknown to DCMTK" : syntax.getXferName());
}

/* DCMTK would fill what is missing with zeros; half an image must not be classified. */
umbra_status check_native_length(const umbra_image_file *file, const frame_attributes &at,
                                 uint64_t pixels)
{
    DcmElement *element = nullptr;
    if (at.set->findAndGetElement(DCM_PixelData, element).bad())
        return umbra_fail(UMBRA_E_INTERNAL, "%s: its pixel data vanished", file->name);
    bool is_half = at.text(DCM_PhotometricInterpretation) == "YBR_FULL_422";
    uint64_t samples = is_half ? 2 : at.number(DCM_SamplesPerPixel, 1);
    uint64_t needed = (pixels * samples * at.number(DCM_BitsAllocated, 16) + 7) / 8;
    uint64_t present = element->getLength();
    if (present >= needed)
        return UMBRA_OK;
    return umbra_fail(UMBRA_E_INPUT,
                      "%s: PixelData (7fe0,0010) holds %llu bytes where the first frame needs "
                      "%llu; the file is truncated; copy or export it again",
                      file->name, static_cast<unsigned long long>(present),
                      static_cast<unsigned long long>(needed));
}

umbra_status check_pixels(const umbra_image_file *file, DcmFileFormat *format,
                          const frame_attributes &at, E_TransferSyntax xfer)
{
    if (!dcmDataDict.isDictionaryLoaded())
        return umbra_fail(UMBRA_E_RESOURCE,
                          "%s: DCMTK finds no data dictionary; reinstall the package libdcmtk17",
                          file->name);
    if (!at.has(DCM_PixelData)) {
        OFString modality = at.text(DCM_Modality);
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: no PixelData (7fe0,0010) in this DICOM file%s%.16s; it is a report, "
                          "a plan or an empty image; give the image itself",
                          file->name, modality.empty() ? "" : ", modality ", modality.c_str());
    }
    UMBRA_TRY(check_transfer_syntax(file, format, xfer));
    if (xfer == EXS_BigEndianExplicit && at.number(DCM_BitsAllocated, 0) > 16)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: %u bits a pixel in big-endian order, which DCMTK swaps wrongly; "
                          "convert the file first, for example: gdcmconv --raw IN OUT",
                          file->name, at.number(DCM_BitsAllocated, 0));
    uint64_t rows = at.number(DCM_Rows, 0), columns = at.number(DCM_Columns, 0);
    UMBRA_TRY(umbra_image_check_size(file, columns, rows));
    if (DcmXfer(xfer).isEncapsulated())
        return UMBRA_OK;
    return check_native_length(file, at, rows * columns);
}

void read_view(const frame_attributes &at, umbra_dicom_frame *out)
{
    if (!at.real(DCM_PixelValueTransformationSequence, DCM_RescaleSlope, &out->slope) ||
        out->slope == 0.0)
        out->slope = 1.0;
    if (!at.real(DCM_PixelValueTransformationSequence, DCM_RescaleIntercept, &out->intercept))
        out->intercept = 0.0;
    bool has_window = at.real(DCM_FrameVOILUTSequence, DCM_WindowCenter, &out->center) &&
                      at.real(DCM_FrameVOILUTSequence, DCM_WindowWidth, &out->width_of_window) &&
                      out->width_of_window > 0.0;
    OFString function = at.text(DCM_VOILUTFunction);
    out->view = !has_window                  ? UMBRA_DICOM_VALUES
                : function == "SIGMOID"      ? UMBRA_DICOM_WINDOW_SIGMOID
                : function == "LINEAR_EXACT" ? UMBRA_DICOM_WINDOW_LINEAR_EXACT
                                             : UMBRA_DICOM_WINDOW_LINEAR;
    std::snprintf(out->how, sizeof out->how, "%s", has_window ? "window" : "");
    float limit = 0.0f;
    out->has_padding = at.padding(DCM_PixelPaddingValue, &out->padding_low);
    out->padding_high = out->padding_low;
    if (out->has_padding && at.padding(DCM_PixelPaddingRangeLimit, &limit)) {
        out->padding_high = limit > out->padding_low ? limit : out->padding_low;
        out->padding_low = limit < out->padding_low ? limit : out->padding_low;
    }
}

template <typename T> void copy_values(const void *from, size_t count, float *to)
{
    const T *values = static_cast<const T *>(from);
    for (size_t i = 0; i < count; i++)
        to[i] = static_cast<float>(values[i]);
}

/* Grey as stored (or after a modality table). */
umbra_status take_values(const umbra_image_file *file, const DicomImage &image, size_t count,
                         float *to)
{
    const DiPixel *pixels = image.getInterData();
    if (pixels == nullptr || pixels->getData() == nullptr || pixels->getCount() < count ||
        pixels->getInputCount() < count)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: the pixels of the first frame are damaged or too few; copy or "
                          "export the file again",
                          file->name);
    const void *data = pixels->getData();
    switch (pixels->getRepresentation()) {
    case EPR_Uint8:
        copy_values<Uint8>(data, count, to);
        break;
    case EPR_Sint8:
        copy_values<Sint8>(data, count, to);
        break;
    case EPR_Uint16:
        copy_values<Uint16>(data, count, to);
        break;
    case EPR_Sint16:
        copy_values<Sint16>(data, count, to);
        break;
    case EPR_Uint32:
        copy_values<Uint32>(data, count, to);
        break;
    case EPR_Sint32:
        copy_values<Sint32>(data, count, to);
        break;
    }
    return UMBRA_OK;
}

/* Grey or colour as DCMTK shows it, with 16 bits a sample. */
umbra_status take_shown(const umbra_image_file *file, DicomImage &image, size_t count, float *to)
{
    size_t channels = image.isMonochrome() != 0 ? 1 : 3;
    size_t bytes = count * channels * sizeof(Uint16);
    void *buffer = nullptr;
    UMBRA_TRY(umbra_pixels_alloc(&buffer, bytes, "the shown pixels of a DICOM file"));
    const Uint16 *shown = static_cast<const Uint16 *>(buffer);
    bool is_done = image.getOutputDataSize(16) == bytes &&
                   image.getOutputData(buffer, static_cast<unsigned long>(bytes), 16) != 0;
    for (size_t i = 0; is_done && i < count; i++) {
        const Uint16 *s = shown + i * channels;
        to[i] = channels == 1 ? static_cast<float>(s[0]) / 65535.0f
                              : umbra_luminance(static_cast<float>(s[0]) / 65535.0f,
                                                static_cast<float>(s[1]) / 65535.0f,
                                                static_cast<float>(s[2]) / 65535.0f);
    }
    umbra_pixels_free(buffer, bytes);
    if (!is_done)
        return umbra_fail(UMBRA_E_INPUT, "%s: DCMTK cannot show the first frame; export it again",
                          file->name);
    return UMBRA_OK;
}

/* Rescaling is left to us, because DCMTK rounds its result to integers; a modality table is not. */
umbra_status decode_frame(const umbra_image_file *file, const frame_attributes &at,
                          E_TransferSyntax xfer, umbra_dicom_frame *out)
{
    bool has_table = at.has(DCM_ModalityLUTSequence);
    bool is_shown = out->view == UMBRA_DICOM_VALUES && at.has(DCM_VOILUTSequence);
    unsigned long flags = CIF_UsePartialAccessToPixelData;
    if (!has_table && !is_shown)
        flags |= CIF_IgnoreModalityTransformation;
    DicomImage image(at.set, xfer, flags, 0, 1);
    size_t count = static_cast<size_t>(out->width) * static_cast<size_t>(out->height);
    if (image.getStatus() != EIS_Normal ||
        image.getWidth() * image.getHeight() != static_cast<unsigned long>(count))
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: the first frame cannot be decoded (%s, %s): %s; copy or export the "
                          "file again",
                          file->name, out->photometric, DcmXfer(xfer).getXferName(),
                          DicomImage::getString(image.getStatus()));
    if (has_table) {
        out->slope = 1.0;
        out->intercept = 0.0;
        out->has_padding = false; /* it is given in stored values, which the table replaced */
    }
    if (image.isMonochrome() != 0 && !is_shown)
        return take_values(file, image, count, out->values);
    out->view = UMBRA_DICOM_SHOWN;
    std::snprintf(out->how, sizeof out->how, "%s", is_shown ? "VOI table" : "luminance");
    if (is_shown && image.isMonochrome() != 0)
        image.setVoiLut(0);
    return take_shown(file, image, count, out->values);
}

/* Frees the frame unless it was handed over, also when DCMTK throws. */
struct frame_holder {
    umbra_dicom_frame frame = {};
    frame_holder() = default;
    frame_holder(const frame_holder &) = delete;
    frame_holder &operator=(const frame_holder &) = delete;
    ~frame_holder()
    {
        umbra_dicom_frame_free(&frame);
    }
    void hand_over(umbra_dicom_frame *out)
    {
        *out = frame;
        frame = umbra_dicom_frame{};
    }
};

umbra_status visit_format(const umbra_image_file *file, DcmFileFormat *format,
                          umbra_dicom_frame *out)
{
    DcmDataset *set = format->getDataset();
    E_TransferSyntax xfer = set->getOriginalXfer();
    frame_attributes at(set);
    UMBRA_TRY(check_pixels(file, format, at, xfer));
    frame_holder holder;
    umbra_dicom_frame &frame = holder.frame;
    OFString photometric = at.text(DCM_PhotometricInterpretation);
    std::snprintf(frame.photometric, sizeof frame.photometric, "%s", photometric.c_str());
    frame.is_inverted = photometric == "MONOCHROME1";
    frame.bits_stored = static_cast<int>(at.number(DCM_BitsStored, 0));
    Sint32 frames = 1;
    frame.frames = set->findAndGetSint32(DCM_NumberOfFrames, frames).good() ? frames : 1;
    read_view(at, &frame);
    umbra_image pixels = {};
    UMBRA_TRY(umbra_image_new(file, at.number(DCM_Columns, 0), at.number(DCM_Rows, 0), &pixels));
    frame.width = pixels.width;
    frame.height = pixels.height;
    frame.values = pixels.pixels;
    UMBRA_TRY(decode_frame(file, at, xfer, &frame));
    holder.hand_over(out);
    return UMBRA_OK;
}

} // namespace

umbra_status umbra_dicom_start()
{
    static std::once_flag started;
    try {
        std::call_once(started, start_dcmtk);
    } catch (...) {
        return umbra_fail(UMBRA_E_RESOURCE, "no memory to start the DICOM reader");
    }
    return UMBRA_OK;
}

umbra_status umbra_dicom_extract(const umbra_image_file *file, umbra_dicom_frame *out)
{
    UMBRA_TRY(umbra_dicom_start());
    try {
        return umbra_dicom_visit(file, visit_format, out);
    } catch (...) {
        return umbra_fail(UMBRA_E_RESOURCE, "%s: no memory to read a DICOM file", file->name);
    }
}
