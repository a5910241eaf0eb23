/* AUROC of encrypted and plaintext answers against a table of labels. */
#include "cli/verify_auroc.h"

#include "cli/auroc.h"
#include "cli/table.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

static umbra_status find_columns(const umbra_table *table, const char *path,
                                 const umbra_model_info *model, int *column)
{
    for (int i = 0; i < model->label_count; i++) {
        column[i] = umbra_table_column(table, model->labels[i]);
        if (column[i] < 0)
            return umbra_fail(UMBRA_E_INPUT,
                              "%s: the header has no column \"%s\"; the first line "
                              "names the columns: file, and each label of model.json",
                              path, model->labels[i]);
    }
    return UMBRA_OK;
}

static umbra_status read_truth(const umbra_table *table, const char *path, const int *column,
                               const umbra_inputs *inputs, size_t classes, unsigned char *truth)
{
    int file = umbra_table_column(table, "file");
    if (file < 0)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: the header has no column \"file\"; the first line names the "
                          "columns: file, and each label of model.json",
                          path);
    for (size_t i = 0; i < inputs->count; i++) {
        const char *name = umbra_base_name(inputs->path[i]);
        long row = umbra_table_find(table, file, name);
        if (row < 0)
            return umbra_fail(UMBRA_E_INPUT,
                              "%s: no line for %s; add it, or give only the files that "
                              "it has",
                              path, name);
        for (size_t c = 0; c < classes; c++) {
            const char *cell = umbra_table_cell(table, (size_t)row, column[c]);
            if (strcmp(cell, "0") != 0 && strcmp(cell, "1") != 0)
                return umbra_fail(UMBRA_E_INPUT,
                                  "%s: line %ld: \"%s\" is neither 0 nor 1; write one of them",
                                  path, row + 2, cell);
            truth[i * classes + c] = cell[0] == '1';
        }
    }
    return UMBRA_OK;
}

static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *summary_json(const umbra_auroc_summary *summary)
{
    json_t *object = json_object();
    json_object_set_new(object, "micro", real_or_null(summary->micro));
    json_object_set_new(object, "macro", real_or_null(summary->macro));
    json_object_set_new(object, "weighted", real_or_null(summary->weighted));
    return object;
}

/* encrypted and plain: scores; work: 2 * classes doubles. */
static umbra_status compare(const umbra_model_info *model, const double *encrypted,
                            const double *plain, const unsigned char *truth, size_t count,
                            size_t classes, double *work, json_t **out)
{
    umbra_auroc_summary e, p;
    UMBRA_TRY(umbra_auroc_summarise(encrypted, truth, count, classes, work, &e));
    UMBRA_TRY(umbra_auroc_summarise(plain, truth, count, classes, work + classes, &p));
    json_t *list = json_array();
    for (size_t c = 0; c < classes; c++) {
        json_int_t positives = 0;
        for (size_t i = 0; i < count; i++)
            positives += truth[i * classes + c];
        json_t *item = json_pack("{s:s, s:I}", "label", model->labels[c], "positives", positives);
        json_object_set_new(item, "encrypted", real_or_null(work[c]));
        json_object_set_new(item, "plaintext", real_or_null(work[classes + c]));
        json_array_append_new(list, item);
    }
    *out = json_object();
    json_object_set_new(*out, "encrypted", summary_json(&e));
    json_object_set_new(*out, "plaintext", summary_json(&p));
    json_object_set_new(*out, "classes_with_both_outcomes", json_integer(e.classes));
    json_object_set_new(*out, "classes", list);
    return UMBRA_OK;
}

static umbra_status evaluate(const umbra_table *table, const char *path,
                             const umbra_model_info *model, const umbra_inputs *inputs,
                             const double *encrypted, const double *plain, json_t **out)
{
    size_t classes = (size_t)model->label_count;
    void *columns = NULL, *truth = NULL, *work = NULL;
    umbra_status status = umbra_memory_alloc_array(&columns, classes, sizeof(int), "columns");
    if (status == UMBRA_OK)
        status = umbra_memory_alloc_array(&truth, inputs->count, classes, "labels");
    if (status == UMBRA_OK)
        status = umbra_memory_alloc_array(&work, 2 * classes, sizeof(double), "scores");
    if (status == UMBRA_OK)
        status = find_columns(table, path, model, columns);
    if (status == UMBRA_OK)
        status = read_truth(table, path, columns, inputs, classes, truth);
    if (status == UMBRA_OK)
        status = compare(model, encrypted, plain, truth, inputs->count, classes, work, out);
    umbra_memory_free(work);
    umbra_memory_free(truth);
    umbra_memory_free(columns);
    return status;
}

umbra_status umbra_verify_auroc(const umbra_cli *cli, const umbra_model_info *model,
                                const umbra_inputs *inputs, const double *encrypted,
                                const double *plain, size_t outputs, json_t **out)
{
    const char *path = cli->text[UMBRA_OPT_LABELS];
    *out = NULL;
    if (path == NULL)
        return UMBRA_OK;
    if (model->label_count == 0 || (size_t)model->label_count != outputs)
        return umbra_fail(UMBRA_E_USAGE,
                          "--labels needs a model whose model.json names its labels");
    umbra_table table = {0};
    UMBRA_TRY(umbra_table_read(path, &table));
    umbra_status status = evaluate(&table, path, model, inputs, encrypted, plain, out);
    umbra_table_free(&table);
    return status;
}

static void print_pair(const char *name, const char *count, const json_t *encrypted,
                       const json_t *plain)
{
    if (json_is_null(encrypted) || json_is_null(plain))
        printf("%-22s %9s %10s %10s\n", name, count, "-", "-");
    else
        printf("%-22s %9s %10.4f %10.4f\n", name, count, json_number_value(encrypted),
               json_number_value(plain));
}

void umbra_verify_auroc_print(const json_t *auroc)
{
    static const char *const means[] = {"micro", "macro", "weighted"};
    if (auroc == NULL)
        return;
    printf("\n%-22s %9s %10s %10s\n", "AUROC", "positives", "encrypted", "plaintext");
    size_t index = 0;
    json_t *item = NULL;
    json_array_foreach(json_object_get(auroc, "classes"), index, item)
    {
        char count[24];
        snprintf(count, sizeof count, "%lld",
                 (long long)json_integer_value(json_object_get(item, "positives")));
        print_pair(json_string_value(json_object_get(item, "label")), count,
                   json_object_get(item, "encrypted"), json_object_get(item, "plaintext"));
    }
    for (int i = 0; i < 3; i++)
        print_pair(means[i], "", json_object_get(json_object_get(auroc, "encrypted"), means[i]),
                   json_object_get(json_object_get(auroc, "plaintext"), means[i]));
}
