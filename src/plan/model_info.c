/* What a client must know of a model: freed, written, read. */
#include "base/memory.h"
#include "plan/plan_internal.h"

#include <math.h>

#define MAX_TEXT 1024
#define MAX_LABELS 4096

void umbra_model_info_free(umbra_model_info *info)
{
    for (int i = 0; info->labels != NULL && i < info->label_count; i++)
        umbra_memory_free(info->labels[i]);
    umbra_memory_free(info->labels);
    umbra_memory_free(info->name);
    *info = (umbra_model_info){0};
}

void umbra_model_info_write(const umbra_model_info *model, umbra_writer *writer)
{
    umbra_write_string(writer, model->name != NULL ? model->name : "");
    umbra_write_u8(writer, (uint8_t)model->input_kind);
    umbra_write_u32(writer, (uint32_t)model->image_side);
    umbra_write_f64(writer, model->image_low);
    umbra_write_f64(writer, model->image_high);
    umbra_write_f64(writer, model->input_abs_max);
    umbra_write_u8(writer, (uint8_t)model->output_kind);
    umbra_write_u32(writer, (uint32_t)model->label_count);
    for (int i = 0; i < model->label_count; i++)
        umbra_write_string(writer, model->labels[i]);
    umbra_write_bytes(writer, model->encoder_hash, sizeof model->encoder_hash);
}

static umbra_status read_labels(umbra_reader *r, umbra_model_info *out)
{
    uint32_t count = umbra_read_u32(r);
    void *labels = NULL;
    if (count > MAX_LABELS || count * (uint64_t)4 > umbra_reader_left(r))
        return umbra_reader_fail(r, "too many labels");
    UMBRA_TRY(umbra_memory_alloc_array(&labels, (size_t)count + 1, sizeof(char *), "labels"));
    out->labels = labels;
    for (uint32_t i = 0; i < count; i++) {
        UMBRA_TRY(umbra_read_string(r, MAX_TEXT, &out->labels[i]));
        out->label_count++;
    }
    return UMBRA_OK;
}

static umbra_status read_fields(umbra_reader *r, umbra_model_info *out)
{
    UMBRA_TRY(umbra_read_string(r, MAX_TEXT, &out->name));
    int input_kind = umbra_read_u8(r);
    uint32_t side = umbra_read_u32(r);
    out->image_low = umbra_read_f64(r);
    out->image_high = umbra_read_f64(r);
    out->input_abs_max = umbra_read_f64(r);
    int output_kind = umbra_read_u8(r);
    if (input_kind > UMBRA_INPUT_XRAY || output_kind > UMBRA_OUTPUT_MULTILABEL_SIGMOID ||
        side > 65536 || !isfinite(out->image_low) || !isfinite(out->image_high) ||
        !isfinite(out->input_abs_max) || out->input_abs_max < 0)
        return umbra_reader_fail(r, "model information out of range");
    out->input_kind = (umbra_input_kind)input_kind;
    out->output_kind = (umbra_output_kind)output_kind;
    out->image_side = (int)side;
    UMBRA_TRY(read_labels(r, out));
    umbra_read_copy(r, out->encoder_hash, sizeof out->encoder_hash);
    return umbra_reader_check(r, "model information");
}

umbra_status umbra_model_info_read(umbra_reader *reader, umbra_model_info *out)
{
    umbra_model_info made = {0};
    umbra_status status = read_fields(reader, &made);
    if (status != UMBRA_OK) {
        umbra_model_info_free(&made);
        return status;
    }
    *out = made;
    return UMBRA_OK;
}
