/* DICOM files for tests, encoded by DCMTK; two hostile ones written byte by byte. */
#include "imaging/make_image.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpeg/djrplol.h>
#include <dcmtk/dcmjpeg/djrploss.h>
#include <dcmtk/dcmjpls/djencode.h>
#include <dcmtk/dcmjpls/djrparam.h>
#include <mutex>
#include <string>
#include <vector>
#include <zlib.h>

namespace
{

void require(bool is_good, const char *what)
{
    if (is_good)
        return;
    std::fprintf(stderr, "cannot make a DICOM file: %s\n", what);
    std::abort();
}

void start_encoders()
{
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    DJEncoderRegistration::registerCodecs();
    DJLSEncoderRegistration::registerCodecs();
    DcmRLEEncoderRegistration::registerCodecs();
}

void put_word(DcmItem *set, const DcmTagKey &tag, int value)
{
    require(set->putAndInsertUint16(tag, static_cast<Uint16>(value)).good(), "a word");
}

void put_real(DcmItem *set, const DcmTagKey &tag, double value)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.10g", value);
    require(set->putAndInsertString(tag, text).good(), "a number");
}

void put_pixels(DcmItem *set, const dicom_recipe *r)
{
    size_t count = static_cast<size_t>(r->width) * static_cast<size_t>(r->height) *
                   static_cast<size_t>(r->samples > 0 ? r->samples : 1) *
                   static_cast<size_t>(r->frames > 0 ? r->frames : 1);
    if (r->bits_allocated == 8) {
        std::vector<Uint8> bytes(count);
        for (size_t i = 0; i < count; i++)
            bytes[i] = static_cast<Uint8>(r->pixels[i]);
        require(set->putAndInsertUint8Array(DCM_PixelData, bytes.data(),
                                            static_cast<unsigned long>(count - r->short_by))
                    .good(),
                "pixels");
    } else {
        require(set->putAndInsertUint16Array(DCM_PixelData, r->pixels,
                                             static_cast<unsigned long>(count - r->short_by / 2))
                    .good(),
                "pixels");
    }
}

/* An inverted table over 8-bit values: value v becomes (255 - v) * 257. */
void put_voi_table(DcmItem *set)
{
    DcmItem *item = nullptr;
    Uint16 table[256], descriptor[3] = {256, 0, 16};
    for (int i = 0; i < 256; i++)
        table[i] = static_cast<Uint16>((255 - i) * 257);
    require(set->findOrCreateSequenceItem(DCM_VOILUTSequence, item, 0).good(), "a sequence");
    item->putAndInsertUint16Array(DCM_LUTDescriptor, descriptor, 3);
    item->putAndInsertUint16Array(DCM_LUTData, table, 256);
}

void put_palette(DcmItem *set, const unsigned char *palette)
{
    const DcmTagKey descriptors[] = {DCM_RedPaletteColorLookupTableDescriptor,
                                     DCM_GreenPaletteColorLookupTableDescriptor,
                                     DCM_BluePaletteColorLookupTableDescriptor};
    const DcmTagKey tables[] = {DCM_RedPaletteColorLookupTableData,
                                DCM_GreenPaletteColorLookupTableData,
                                DCM_BluePaletteColorLookupTableData};
    for (int c = 0; c < 3; c++) {
        Uint16 table[256], descriptor[3] = {256, 0, 16};
        for (int i = 0; i < 256; i++)
            table[i] = static_cast<Uint16>(palette[256 * c + i] * 257);
        set->putAndInsertUint16Array(descriptors[c], descriptor, 3);
        set->putAndInsertUint16Array(tables[c], table, 256);
    }
}

void put_padding(DcmItem *set, const dicom_recipe *r)
{
    if (r->is_signed != 0) {
        set->putAndInsertSint16(DcmTag(DCM_PixelPaddingValue, EVR_SS),
                                static_cast<Sint16>(r->padding));
        return;
    }
    set->putAndInsertUint16(DcmTag(DCM_PixelPaddingValue, EVR_US), static_cast<Uint16>(r->padding));
    if (r->is_padding_range)
        set->putAndInsertUint16(DcmTag(DCM_PixelPaddingRangeLimit, EVR_US),
                                static_cast<Uint16>(r->padding_limit));
}

void fill(DcmItem *set, const dicom_recipe *r)
{
    char uid[100];
    set->putAndInsertString(DCM_SOPClassUID, UID_ComputedRadiographyImageStorage);
    set->putAndInsertString(DCM_SOPInstanceUID, dcmGenerateUniqueIdentifier(uid));
    set->putAndInsertString(DCM_Modality, "CR");
    set->putAndInsertString(DCM_PhotometricInterpretation, r->photometric);
    put_word(set, DCM_SamplesPerPixel, r->samples > 0 ? r->samples : 1);
    if (r->samples == 3)
        put_word(set, DCM_PlanarConfiguration, 0);
    put_word(set, DCM_Rows, r->height);
    put_word(set, DCM_Columns, r->width);
    put_word(set, DCM_BitsAllocated, r->bits_allocated);
    put_word(set, DCM_BitsStored, r->bits_stored);
    put_word(set, DCM_HighBit, r->bits_stored - 1);
    put_word(set, DCM_PixelRepresentation, r->is_signed);
    if (r->frames > 0)
        put_real(set, DCM_NumberOfFrames, r->frames);
    if (r->window != 0.0) {
        put_real(set, DCM_WindowCenter, r->center);
        put_real(set, DCM_WindowWidth, r->window);
    }
    if (r->slope != 0.0) {
        put_real(set, DCM_RescaleSlope, r->slope);
        put_real(set, DCM_RescaleIntercept, r->intercept);
    }
    if (r->voi_function != nullptr)
        set->putAndInsertString(DCM_VOILUTFunction, r->voi_function);
    if (r->has_padding)
        put_padding(set, r);
    if (r->has_voi_table)
        put_voi_table(set);
    if (r->palette != nullptr)
        put_palette(set, r->palette);
    if (!r->omit_pixels)
        put_pixels(set, r);
}

made_file copy_of(const void *bytes, size_t size)
{
    made_file file = {static_cast<unsigned char *>(std::malloc(size)), size};
    require(file.bytes != nullptr, "memory");
    std::memcpy(file.bytes, bytes, size);
    return file;
}

void append(std::string *to, unsigned group, unsigned element, const char *vr,
            const std::string &value)
{
    bool is_long = std::strchr("OBOWSQUN", vr[0]) != nullptr && std::strcmp(vr, "UI") != 0 &&
                   (std::strcmp(vr, "OB") == 0 || std::strcmp(vr, "OW") == 0 ||
                    std::strcmp(vr, "SQ") == 0 || std::strcmp(vr, "UN") == 0);
    size_t n = value.size();
    const unsigned words[] = {group, element};
    for (unsigned w : words) {
        to->push_back(static_cast<char>(w & 255));
        to->push_back(static_cast<char>(w >> 8));
    }
    to->append(vr, 2);
    if (is_long)
        to->append(2, '\0');
    for (int i = 0; i < (is_long ? 4 : 2); i++)
        to->push_back(static_cast<char>(n >> (8 * i) & 255));
    to->append(value);
}

std::string word(unsigned value)
{
    return std::string{static_cast<char>(value & 255), static_cast<char>(value >> 8)};
}

std::string preamble(const char *syntax)
{
    std::string uid = syntax, meta, all(128, '\0');
    if (uid.size() % 2 != 0)
        uid.push_back('\0');
    append(&meta, 2, 0x10, "UI", uid);
    all += "DICM";
    append(&all, 2, 0, "UL", word(static_cast<unsigned>(meta.size())) + word(0));
    return all + meta;
}

} // namespace

made_file make_dicom(const dicom_recipe *recipe)
{
    static std::once_flag started;
    std::call_once(started, start_encoders);
    DcmFileFormat format;
    DcmDataset *set = format.getDataset();
    fill(set, recipe);
    E_TransferSyntax syntax = EXS_LittleEndianExplicit;
    if (recipe->syntax != nullptr)
        syntax = DcmXfer(recipe->syntax).getXfer();
    DJ_RPLossless lossless;
    DJ_RPLossy lossy(100);
    DJLSRepresentationParameter near_lossless(2, syntax == EXS_JPEGLSLossless);
    const DcmRepresentationParameter *parameter = nullptr;
    if (syntax == EXS_JPEGLSLossless || syntax == EXS_JPEGLSLossy)
        parameter = &near_lossless;
    else if (syntax == EXS_JPEGProcess14 || syntax == EXS_JPEGProcess14SV1)
        parameter = &lossless;
    else if (syntax == EXS_JPEGProcess1 || syntax == EXS_JPEGProcess2_4)
        parameter = &lossy;
    require(set->chooseRepresentation(syntax, parameter).good(), "this transfer syntax");
    require(format.validateMetaInfo(syntax).good(), "a meta header");
    size_t capacity = (size_t{1} << 20) + set->getLength(syntax) * 2;
    std::vector<char> buffer(capacity);
    DcmOutputBufferStream stream(buffer.data(), static_cast<offile_off_t>(capacity));
    format.transferInit();
    require(format.write(stream, syntax, EET_ExplicitLength, nullptr).good(), "the bytes");
    format.transferEnd();
    for (int i = 0; i < 16; i++) /* a small file is out of the deflater after one */
        stream.flush();
    void *bytes = nullptr;
    offile_off_t size = 0;
    stream.flushBuffer(bytes, size);
    return copy_of(bytes, static_cast<size_t>(size));
}

made_file make_deflated_dicom(size_t zeros)
{
    std::string head, tail, all = preamble("1.2.840.10008.1.2.1.99");
    append(&head, 9, 0x10, "LO", "UMBRA ");
    append(&head, 9, 0x1001, "OB", "");
    for (int i = 0; i < 4; i++) /* the length of the element just begun */
        head[head.size() - 4 + static_cast<size_t>(i)] = static_cast<char>(zeros >> (8 * i) & 255);
    append(&tail, 0x28, 2, "US", word(1));
    append(&tail, 0x28, 4, "CS", "MONOCHROME2 ");
    append(&tail, 0x28, 0x10, "US", word(2));
    append(&tail, 0x28, 0x11, "US", word(2));
    append(&tail, 0x28, 0x100, "US", word(8));
    append(&tail, 0x28, 0x101, "US", word(8));
    append(&tail, 0x28, 0x102, "US", word(7));
    append(&tail, 0x28, 0x103, "US", word(0));
    append(&tail, 0x7fe0, 0x10, "OB", std::string("\x00\x55\xaa\xff", 4));
    std::vector<Bytef> packed(zeros / 100 + 4096), nothing(size_t{1} << 20);
    z_stream z = {};
    require(deflateInit2(&z, 1, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK, "zlib");
    z.next_out = packed.data();
    z.avail_out = static_cast<uInt>(packed.size());
    auto feed = [&z](const void *bytes, size_t count, int flush) {
        z.next_in = static_cast<Bytef *>(const_cast<void *>(bytes));
        z.avail_in = static_cast<uInt>(count);
        require(deflate(&z, flush) >= Z_OK && z.avail_in == 0, "deflated bytes");
    };
    feed(head.data(), head.size(), Z_NO_FLUSH);
    for (size_t left = zeros; left > 0;) {
        size_t some = left < nothing.size() ? left : nothing.size();
        feed(nothing.data(), some, Z_NO_FLUSH);
        left -= some;
    }
    feed(tail.data(), tail.size(), Z_FINISH);
    all.append(reinterpret_cast<char *>(packed.data()), z.total_out);
    deflateEnd(&z);
    return copy_of(all.data(), all.size());
}

made_file make_nested_dicom(int depth, bool is_closed)
{
    std::string all = preamble("1.2.840.10008.1.2.1");
    static const char open[] =
        "\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff";
    static const char close[] = "\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0";
    for (int i = 0; i < depth; i++)
        all.append(open, sizeof open - 1);
    for (int i = 0; is_closed && i < depth; i++)
        all.append(close, sizeof close - 1);
    return copy_of(all.data(), all.size());
}
