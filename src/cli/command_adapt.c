/* umbra adapt: replace what cannot be encrypted in somebody's ONNX file. */
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/ranges.h"
#include "cli/report.h"

#include "base/log.h"
#include "base/memory.h"
#include "graph/npy.h"
#include "graph/onnx.h"
#include "graph/onnx_adapt.h"
#include "graph/passes.h"
#include "plain/executor.h"
#include "wire/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RANDOM_INPUTS 8
#define MOST_INPUTS 256
#define MOST_SAMPLES ((size_t)1 << 24)

/* What activations become: the same for all, or fitted to each. */
typedef struct wish {
    bool fit;
    double c[3];
} wish;

static umbra_status read_wish(const umbra_cli *cli, wish *out)
{
    const char *text = cli->text[UMBRA_OPT_ACTIVATION];
    char end = 0;
    *out = (wish){.fit = text == NULL || strcmp(text, "fit") == 0, .c = {0, 0, 1}};
    if (out->fit || strcmp(text, "square") == 0)
        return UMBRA_OK;
    if (sscanf(text, "%lf,%lf,%lf%c", &out->c[2], &out->c[1], &out->c[0], &end) != 3 ||
        !isfinite(out->c[0]) || !isfinite(out->c[1]) || !isfinite(out->c[2]))
        return umbra_fail(
            UMBRA_E_USAGE,
            "--activation needs fit, square, or A,B,C for a*x*x + b*x + c, not \"%s\"", text);
    return UMBRA_OK;
}

/* The inputs that activations are fitted on: tensors of the model's input, one after another. */
typedef struct samples {
    float *data;
    size_t count, elements;
} samples;

static umbra_status read_input(const char *path, float *out, size_t elements)
{
    umbra_shape shape;
    float *data;
    UMBRA_TRY(umbra_npy_read_f32(path, &shape, &data));
    size_t found = (size_t)umbra_shape_elements(&shape);
    if (found == elements)
        memcpy(out, data, elements * sizeof(float));
    umbra_memory_free(data);
    if (found != elements)
        return umbra_fail(UMBRA_E_INPUT, "%s holds %zu numbers, the model takes %zu", path, found,
                          elements);
    return UMBRA_OK;
}

/* Files that the user named, or numbers from -1 to 1. */
static umbra_status read_samples(const umbra_cli *cli, const umbra_graph *graph, samples *out)
{
    umbra_inputs files = {0};
    uint64_t state = 88172645463325252u;
    void *memory;
    if (graph->input_count != 1)
        return umbra_fail(UMBRA_E_MODEL, "%s: %d inputs; to fit activations there must be one",
                          cli->argument[0], graph->input_count);
    out->elements = (size_t)umbra_shape_elements(&graph->values[graph->inputs[0]].shape);
    if (cli->argument_count > 1)
        UMBRA_TRY(umbra_inputs_collect(cli, 1, &files));
    out->count = cli->argument_count > 1 ? files.count : RANDOM_INPUTS;
    if (out->count > MOST_INPUTS) {
        umbra_log_warning("the first %d of %zu inputs are used", MOST_INPUTS, out->count);
        out->count = MOST_INPUTS;
    }
    umbra_status status =
        umbra_memory_alloc_array(&memory, out->count * out->elements, sizeof(float), "inputs");
    out->data = status == UMBRA_OK ? memory : NULL;
    for (size_t i = 0; status == UMBRA_OK && i < files.count && i < out->count; i++)
        status = read_input(files.path[i], out->data + i * out->elements, out->elements);
    for (size_t i = 0; status == UMBRA_OK && files.count == 0 && i < out->count * out->elements;
         i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out->data[i] = (float)(state >> 40) / 8388608.0f - 1.0f;
    }
    umbra_inputs_free(&files);
    return status;
}

/* The numbers that reach an activation, over all inputs. */
static umbra_status run_samples(const umbra_graph *graph, const samples *in, int threads,
                                float **out, size_t *count)
{
    umbra_plain *plain = NULL;
    void *memory = NULL;
    size_t each = (size_t)umbra_shape_elements(&graph->values[graph->outputs[0]].shape);
    size_t runs = in->count;
    if (graph->outputs[0] == graph->inputs[0] || graph->input_count != 1)
        return umbra_fail(UMBRA_E_MODEL,
                          "an activation does not depend on the input; fold constants when "
                          "you export the model");
    while (runs > 1 && each * runs > MOST_SAMPLES)
        runs--;
    UMBRA_TRY(umbra_plain_new(&plain, graph, threads));
    umbra_status status =
        umbra_memory_alloc_array(&memory, each * runs, sizeof(float), "activations");
    for (size_t i = 0; status == UMBRA_OK && i < runs; i++) {
        const float *inputs[1] = {in->data + i * in->elements};
        status = umbra_plain_run(plain, inputs);
        if (status == UMBRA_OK)
            memcpy((float *)memory + i * each, umbra_plain_value(plain, graph->outputs[0]),
                   each * sizeof(float));
    }
    umbra_plain_free(plain);
    *out = memory;
    *count = each * runs;
    return status;
}

static umbra_status fit_site(const umbra_cli *cli, umbra_adapter *adapter, int i, const samples *in)
{
    umbra_adapt_site *site = umbra_adapter_site(adapter, i);
    unsigned char *bytes = NULL;
    size_t size = 0, count = 0;
    umbra_graph *graph = NULL;
    float *x = NULL;
    UMBRA_TRY(umbra_adapter_pack(adapter, site->input, &bytes, &size));
    umbra_status status = umbra_onnx_import(bytes, size, cli->argument[0], &graph);
    if (status == UMBRA_OK)
        status = run_samples(graph, in, cli->threads, &x, &count);
    for (size_t k = 0; status == UMBRA_OK && k < count; k++)
        if (!isfinite(x[k]))
            status = umbra_fail(UMBRA_E_MODEL,
                                "the numbers before it overflow; give inputs scaled as in "
                                "training");
    if (status == UMBRA_OK)
        umbra_activation_fit(&site->activation, x, count, site->c);
    if (status == UMBRA_OK &&
        (!isfinite(site->c[0]) || !isfinite(site->c[1]) || !isfinite(site->c[2])))
        status = umbra_fail(UMBRA_E_MODEL, "no quadratic comes near to it");
    umbra_memory_free(x);
    umbra_graph_free(graph);
    umbra_memory_free(bytes);
    if (status != UMBRA_OK)
        return umbra_fail_within(status, "%s: activation \"%s\" (%s)", cli->argument[0], site->name,
                                 site->op_type);
    return UMBRA_OK;
}

/* In order, so that each is fitted to what the ones before it, already replaced, give. */
static umbra_status set_sites(const umbra_cli *cli, umbra_adapter *adapter, const samples *in)
{
    wish w;
    umbra_status status = UMBRA_OK;
    int count = umbra_adapter_site_count(adapter);
    UMBRA_TRY(read_wish(cli, &w));
    for (int i = 0; i < count && status == UMBRA_OK; i++) {
        if (!w.fit) {
            memcpy(umbra_adapter_site(adapter, i)->c, w.c, sizeof w.c);
            continue;
        }
        umbra_cli_progress(cli, "fitting activation %d of %d", i + 1, count);
        status = fit_site(cli, adapter, i, in);
        if (status == UMBRA_OK)
            status = umbra_cli_check_interrupt();
    }
    umbra_cli_progress_clear(cli);
    return status;
}

static umbra_status write_file(const char *path, const unsigned char *bytes, size_t size)
{
    umbra_file_writer *file = NULL;
    UMBRA_TRY(umbra_file_create(&file, path, false));
    umbra_status status = umbra_file_append(file, bytes, size);
    if (status == UMBRA_OK)
        return umbra_file_commit(file);
    umbra_file_discard(file);
    return status;
}

/* The adapted file, read again as `umbra plan` does. */
typedef struct adapted {
    unsigned char *bytes;
    size_t size;
    umbra_graph *graph; /* simplified */
    char *rest;         /* what `umbra plan` would still refuse, NULL: nothing */
    int rest_count;
} adapted;

static umbra_status read_adapted(const umbra_adapter *adapter, const char *name, adapted *out)
{
    UMBRA_TRY(umbra_adapter_pack(adapter, NULL, &out->bytes, &out->size));
    UMBRA_TRY(umbra_onnx_import(out->bytes, out->size, name, &out->graph));
    UMBRA_TRY(umbra_graph_simplify(out->graph));
    return umbra_graph_list_offenders(out->graph, &out->rest, &out->rest_count);
}

static void free_adapted(adapted *a)
{
    umbra_memory_free(a->bytes);
    umbra_memory_free(a->rest);
    umbra_graph_free(a->graph);
}

/* The name of a folder, and not of a file: then a model.json goes with the network. */
static bool is_folder(const char *output)
{
    size_t length = strlen(output);
    return length < 5 || strcmp(output + length - 5, ".onnx") != 0;
}

/* The folder of a model has files of these names: that of MODEL.onnx itself, most of all. */
static umbra_status refuse_existing(const umbra_cli *cli, const char *folder)
{
    char network[4096], model[4096];
    UMBRA_TRY(umbra_cli_join(network, folder, "classifier.onnx"));
    UMBRA_TRY(umbra_cli_join(model, folder, "model.json"));
    if (umbra_cli_same_file(network, cli->argument[0]))
        return umbra_fail(UMBRA_E_USAGE,
                          "the output %s is the input %s and would be written over; choose another "
                          "folder",
                          network, cli->argument[0]);
    const char *there = access(model, F_OK) == 0     ? model
                        : access(network, F_OK) == 0 ? network
                                                     : NULL;
    if (there != NULL && cli->text[UMBRA_OPT_OVERWRITE] == NULL)
        return umbra_fail(UMBRA_E_USAGE,
                          "%s is already there and would be written over; choose another folder, "
                          "or --force",
                          there);
    return UMBRA_OK;
}

static umbra_status write_model(const umbra_cli *cli, const adapted *a, const samples *in,
                                const char *folder)
{
    char path[4096];
    umbra_ranges *ranges = NULL;
    json_t *object = NULL;
    if (a->rest_count > 0) {
        const char *more = umbra_graph_cut_offenders(a->rest);
        return umbra_fail(UMBRA_E_MODEL,
                          "%s: %d node%s still cannot be encrypted (-o FILE.onnx writes it all the "
                          "same):\n%s%s",
                          cli->argument[0], a->rest_count, a->rest_count == 1 ? "" : "s", a->rest,
                          more);
    }
    UMBRA_TRY(umbra_ranges_measure(a->graph, in->data, in->count, cli->threads, &ranges));
    umbra_status status =
        umbra_ranges_model_json(ranges, a->graph, umbra_base_name(folder), &object);
    umbra_ranges_free(ranges);
    char *text =
        status == UMBRA_OK ? json_dumps(object, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(object);
    if (status == UMBRA_OK && text == NULL)
        status = umbra_fail(UMBRA_E_INPUT, "%s: a name in it is not UTF-8", cli->argument[0]);
    if (status == UMBRA_OK)
        status = umbra_cli_make_folder(folder);
    if (status == UMBRA_OK)
        status = umbra_cli_join(path, folder, "classifier.onnx");
    if (status == UMBRA_OK)
        status = write_file(path, a->bytes, a->size);
    if (status == UMBRA_OK)
        status = umbra_cli_join(path, folder, "model.json");
    if (status == UMBRA_OK)
        status = write_file(path, (const unsigned char *)text, strlen(text));
    free(text);
    return status;
}

static umbra_status print_report(const umbra_cli *cli, umbra_adapter *adapter, const char *output,
                                 const char *rest, int rest_count)
{
    int sites = umbra_adapter_site_count(adapter);
    if (cli->json) {
        json_t *list = json_array();
        for (int i = 0; i < sites; i++) {
            const umbra_adapt_site *s = umbra_adapter_site(adapter, i);
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:f, s:f, s:f}", "name", s->name, "was",
                                            s->op_type, "a", s->c[2], "b", s->c[1], "c", s->c[0]));
        }
        return umbra_report_print(json_pack(
            "{s:s, s:o, s:i, s:i, s:i, s:s}", "file", output, "activations", list, "pools",
            umbra_adapter_pool_count(adapter), "ends", umbra_adapter_end_count(adapter),
            "still_refused", rest_count, "refusals", rest != NULL ? rest : ""));
    }
    for (int i = 0; i < sites; i++) {
        const umbra_adapt_site *s = umbra_adapter_site(adapter, i);
        printf("%-40s %-12s %+.6g x^2 %+.6g x %+.6g\n", s->name, s->op_type, s->c[2], s->c[1],
               s->c[0]);
    }
    printf("%s   %d activations, %d maximum pools made average pools, %d left to the client\n",
           output, sites, umbra_adapter_pool_count(adapter), umbra_adapter_end_count(adapter));
    if (rest_count > 0)
        printf("%d node%s still cannot be encrypted:\n%s\n", rest_count, rest_count == 1 ? "" : "s",
               rest);
    return UMBRA_OK;
}

static umbra_status adapt(const umbra_cli *cli, umbra_adapter *adapter,
                          const umbra_file_copy *content, const char *output)
{
    wish w;
    samples in = {.data = NULL};
    adapted a = {.bytes = NULL};
    umbra_graph *graph = NULL;
    umbra_status status;
    bool folder = is_folder(output);
    UMBRA_TRY(read_wish(cli, &w));
    if (folder)
        UMBRA_TRY(refuse_existing(cli, output));
    UMBRA_TRY(umbra_onnx_import(content->bytes, content->size, cli->argument[0], &graph));
    if (w.fit || folder)
        UMBRA_GOTO(end, status, read_samples(cli, graph, &in));
    UMBRA_GOTO(end, status, set_sites(cli, adapter, &in));
    UMBRA_GOTO(end, status, read_adapted(adapter, cli->argument[0], &a));
    UMBRA_GOTO(end, status,
               folder ? write_model(cli, &a, &in, output) : write_file(output, a.bytes, a.size));
    status = print_report(cli, adapter, output, a.rest, a.rest_count);
end:
    free_adapted(&a);
    umbra_memory_free(in.data);
    umbra_graph_free(graph);
    return status;
}

static umbra_status run_adapt(const umbra_cli *cli)
{
    const char *output = NULL;
    umbra_file_copy content;
    umbra_adapter *adapter = NULL;
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_OUTPUT, &output));
    UMBRA_TRY(umbra_file_load(cli->argument[0], &content));
    umbra_status status =
        umbra_adapter_open(&adapter, content.bytes, content.size, cli->argument[0]);
    if (status == UMBRA_OK)
        status = adapt(cli, adapter, &content, output);
    umbra_adapter_free(adapter);
    umbra_file_unload(&content);
    return status;
}

const umbra_command umbra_command_adapt = {
    .name = "adapt",
    .summary = "replace what cannot be encrypted in somebody's ONNX file",
    .usage =
        "umbra adapt MODEL.onnx [INPUT.npy...] -o DIR|FILE.onnx [--activation KIND] [--force]\n"
        "                   [--json]",
    .arguments = {"a MODEL.onnx"},
    .details =
        "Activations become a*x*x + b*x + c, maximum pools become average pools, and a softmax or\n"
        "sigmoid at the end is left to the client; everything else in the file stays as it is. A "
        "DIR\n"
        "becomes a model folder, whose model.json has the ranges that the inputs give: without "
        "them\n"
        "`umbra plan` has to guess, and promises bits of numbers that do not occur.\n"
        "  --activation fit      (default) the quadratic nearest to each activation over the "
        "numbers\n"
        "                        that reach it when the model runs on the inputs given (files or\n"
        "                        folders of .npy; random numbers where there are none)\n"
        "  --activation square   x*x, for a network that is trained again afterwards\n"
        "  --activation A,B,C    the same three numbers everywhere\n"
        "A fit keeps a shallow network near to what it computed; a deep one must be trained again.",
    .example = "umbra adapt lenet.onnx digits/ -o lenet-adapted",
    .options = 1u << UMBRA_OPT_OUTPUT | 1u << UMBRA_OPT_ACTIVATION | 1u << UMBRA_OPT_OVERWRITE,
    .least_arguments = 1,
    .most_arguments = UMBRA_CLI_MAX_ARGUMENTS,
    .run = run_adapt,
};
