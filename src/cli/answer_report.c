/* How an answer is shown: labels with probabilities. */
#include "cli/answer_report.h"

#include "client/answer.h"

#include <math.h>
#include <string.h>

void umbra_answer_values(const umbra_model_info *model, const double *logits, double *values,
                         size_t count)
{
    bool sigmoid = model->output_kind == UMBRA_OUTPUT_MULTILABEL_SIGMOID;
    for (size_t i = 0; i < count; i++)
        values[i] = sigmoid ? umbra_answer_sigmoid(logits[i]) : logits[i];
}

static void label_text(char out[64], const umbra_model_info *model, size_t index)
{
    if (index < (size_t)model->label_count)
        snprintf(out, 64, "%s", model->labels[index]);
    else
        snprintf(out, 64, "output %zu", index);
    for (char *c = out; *c != '\0'; c++)
        if (*c == '_' || (unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
}

double umbra_answer_print(const umbra_model_info *model, const double *encrypted,
                          const double *plain, size_t count)
{
    bool sigmoid = model->output_kind == UMBRA_OUTPUT_MULTILABEL_SIGMOID;
    double worst = 0;
    printf("%-22s %9s", sigmoid ? "finding" : "output", "encrypted");
    printf(plain == NULL ? "\n" : " %10s %11s\n", "plaintext", "difference");
    for (size_t i = 0; i < count; i++) {
        char label[64];
        label_text(label, model, i);
        printf("%-22s %9.4f", label, encrypted[i]);
        if (plain != NULL) {
            double difference = fabs(encrypted[i] - plain[i]);
            worst = fmax(worst, difference);
            printf(" %10.4f %11.5f", plain[i], difference);
        }
        putchar('\n');
    }
    return worst;
}

static json_t *numbers(const double *values, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_real(values[i]));
    return array;
}

void umbra_answer_json(json_t *object, const umbra_model_info *model, const double *logits,
                       const double *encrypted, const double *plain, size_t count)
{
    json_t *labels = json_array();
    for (int i = 0; i < model->label_count; i++)
        json_array_append_new(labels, json_string(model->labels[i]));
    json_object_set_new(object, "labels", labels);
    json_object_set_new(object, "logits", numbers(logits, count));
    if (model->output_kind != UMBRA_OUTPUT_MULTILABEL_SIGMOID)
        return;
    json_object_set_new(object, "probabilities", numbers(encrypted, count));
    if (plain != NULL)
        json_object_set_new(object, "plaintext_probabilities", numbers(plain, count));
}
