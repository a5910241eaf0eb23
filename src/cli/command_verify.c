/* umbra verify: encrypted against plaintext, node by node, over many inputs. */
#include "cli/cli.h"
#include "cli/inputs.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/verify_auroc.h"
#include "cli/verify_expected.h"
#include "cli/verify_reference.h"

#include "base/memory.h"
#include "client/answer.h"
#include "plan/program_build.h"

#include <math.h>
#include <string.h>

#define MAX_NODES 512
#define INPUTS 52 /* whose worst error is predicted for a node */

/* -log2 of the largest error over the largest value, measured and predicted, of the input that kept
 * the fewest bits; infinite where nothing is compared. */
typedef struct node_record {
    const char *name; /* the plan's */
    double bits, predicted, seconds;
    double noise; /* sum over `compared` tensors of their mean square error over that predicted */
    size_t runs, compared, elements; /* elements: of the last tensor that was compared */
} node_record;

typedef struct verify_run {
    umbra_session session;
    bool precise; /* compared with `reference`, not with the network in single precision */
    umbra_verify_reference reference;
    int event; /* of this run */
    node_record node[MAX_NODES];
    int node_count;
    double *decrypted, *plain; /* of one node */
    size_t capacity;
    double least_bits, sum_bits, max_abs_error;
    double *seconds; /* of each run */
    size_t runs;
    double *encrypted_logits, *plain_logits; /* [input][output] */
    size_t done;
    umbra_status failure;
} verify_run;

static umbra_status reserve(verify_run *run, size_t count)
{
    if (count <= run->capacity)
        return UMBRA_OK;
    void *memory = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, 2 * count, sizeof(double), "node values"));
    umbra_memory_free(run->decrypted);
    run->decrypted = memory;
    run->plain = run->decrypted + count;
    run->capacity = count;
    return UMBRA_OK;
}

/* What the answer's promise would be for this tensor: as many standard deviations of an element's
 * error as the worst of `count` elements of some fifty inputs reaches. */
static double worst_bits(const umbra_exec_event *event, size_t count, double largest)
{
    double error = umbra_precision_worst_sigmas(INPUTS * count) * exp2(-event->error_bits);
    return fmin(60, -log2(error / fabs(event->factor) / largest));
}

/* Decrypt what one step left and compare it with the plaintext network's tensor. */
static umbra_status compare(verify_run *run, const umbra_exec_event *event)
{
    node_record *record = &run->node[event->step];
    bool compared = run->session.cli->text[UMBRA_OPT_ANSWERS] == NULL && event->value >= 0;
    const float *reference = compared ? umbra_plain_value(run->session.plain, event->value) : NULL;
    const double *precise = run->precise ? run->reference.values[run->event++] : NULL;
    record->name = event->name;
    record->seconds += event->seconds;
    record->runs++;
    if (reference == NULL || event->ciphertexts == NULL)
        return UMBRA_OK;
    size_t count = umbra_layout_elements(event->layout);
    UMBRA_TRY(reserve(run, count));
    UMBRA_TRY(umbra_answer_decrypt_tensor(run->session.secret, event->layout, event->factor, 1,
                                          event->ciphertexts, run->decrypted));
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        run->decrypted[i] -= event->shift;
        run->plain[i] = (double)reference[i];
        largest = fmax(largest, fabs(run->plain[i]));
    }
    if (precise != NULL) {
        UMBRA_TRY(umbra_verify_reference_check(event->name, precise, run->plain, count));
        memcpy(run->plain, precise, count * sizeof *precise);
    }
    double square = 0, bits = umbra_report_bits(run->decrypted, run->plain, count, NULL);
    for (size_t i = 0; i < count; i++) {
        double error = (run->decrypted[i] - run->plain[i]) * event->factor;
        square += error * error / (double)count;
    }
    record->noise += square * exp2(2 * event->error_bits);
    record->compared++;
    record->elements = count;
    if (bits < record->bits) {
        record->bits = bits;
        record->predicted = worst_bits(event, count, largest);
    }
    return UMBRA_OK;
}

static int on_step(void *context, const umbra_exec_event *event)
{
    verify_run *run = context;
    umbra_cli_progress(run->session.cli, "input %zu: step %d of %d, %s", run->done + 1,
                       event->step + 1, event->step_count, event->name);
    if (event->step < MAX_NODES) {
        if (event->step >= run->node_count)
            run->node_count = event->step + 1;
        run->failure = compare(run, event);
    }
    return run->failure != UMBRA_OK || umbra_cli_interrupted();
}

static umbra_status judge_one(verify_run *run, int image, const char *path)
{
    umbra_session *s = &run->session;
    size_t count = s->output_count, at = (size_t)image * count;
    const char *expected = s->cli->text[UMBRA_OPT_EXPECTED];
    if (expected != NULL)
        UMBRA_TRY(umbra_verify_expected(expected, path, s->reference + at, count));
    double error = 0, bits = umbra_report_bits(s->exact + at, s->reference + at, count, &error);
    run->least_bits = fmin(run->least_bits, bits);
    run->sum_bits += bits;
    run->max_abs_error = fmax(run->max_abs_error, error);
    for (size_t i = 0; i < count; i++) {
        run->encrypted_logits[run->done * count + i] = s->logits[at + i];
        run->plain_logits[run->done * count + i] = s->reference[at + i];
    }
    run->done++;
    return UMBRA_OK;
}

/* One run of `count` inputs; its nodes are compared for the first of them. */
static umbra_status verify_batch(verify_run *run, char *const *paths, int count)
{
    umbra_session *s = &run->session;
    for (int k = 0; k < count; k++) {
        UMBRA_TRY(umbra_session_read(s, k, paths[k], 0));
    }
    if (run->precise)
        UMBRA_TRY(umbra_verify_reference_run(&run->reference, s));
    run->event = 0;
    umbra_status status = umbra_session_infer(s, count, on_step, run);
    if (run->failure != UMBRA_OK)
        return run->failure;
    UMBRA_TRY(status);
    run->seconds[run->runs++] = s->times.run;
    if (run->precise) {
        size_t answers = (size_t)count * s->output_count;
        UMBRA_TRY(umbra_verify_reference_check("the answer", run->reference.answers, s->reference,
                                               answers));
        memcpy(s->reference, run->reference.answers, answers * sizeof *s->reference);
    }
    for (int k = 0; k < count; k++)
        UMBRA_TRY(judge_one(run, k, paths[k]));
    return UMBRA_OK;
}

static umbra_status verify_all(verify_run *run, const umbra_inputs *inputs)
{
    void *memory = NULL;
    size_t total = inputs->count * run->session.output_count;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, 2 * total, sizeof(double), "answers"));
    run->encrypted_logits = memory;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, inputs->count, sizeof(double), "times"));
    run->seconds = memory;
    run->plain_logits = run->encrypted_logits + total;
    run->least_bits = 60;
    for (int i = 0; i < MAX_NODES; i++)
        run->node[i].bits = (double)INFINITY;
    size_t images = (size_t)run->session.images;
    for (size_t i = 0; i < inputs->count; i += images) {
        size_t count = inputs->count - i < images ? inputs->count - i : images;
        umbra_status status = verify_batch(run, inputs->path + i, (int)count);
        if (status != UMBRA_OK)
            return umbra_fail_within(status, "input %s%s", inputs->path[i],
                                     count > 1 ? " and those after it" : "");
    }
    return UMBRA_OK;
}

/* Root of the mean, over inputs and the step's tensors, of mean square errors over those that the
 * plan's model predicts. */
static double noise_ratio(const node_record *record)
{
    return sqrt(record->noise / (double)record->compared);
}

static json_t *nodes_json(const verify_run *run)
{
    json_t *nodes = json_array();
    for (int i = 0; i < run->node_count; i++) {
        const node_record *record = &run->node[i];
        json_t *node = json_pack("{s:s, s:f}", "name", record->name, "seconds",
                                 record->seconds / (double)record->runs);
        if (isfinite(record->bits)) {
            json_object_set_new(node, "bits", json_real(record->bits));
            json_object_set_new(node, "predicted_bits", json_real(record->predicted));
            json_object_set_new(node, "noise_ratio", json_real(noise_ratio(record)));
            json_object_set_new(node, "elements", json_integer((json_int_t)record->elements));
        }
        json_array_append_new(nodes, node);
    }
    return nodes;
}

static json_t *run_seconds_json(const verify_run *run)
{
    json_t *seconds = json_array();
    for (size_t i = 0; i < run->runs; i++)
        json_array_append_new(seconds, json_real(run->seconds[i]));
    return seconds;
}

static void print_nodes(const verify_run *run)
{
    printf("%-44s %9s %9s %6s %8s\n", "node", "bits", "predicted", "noise", "seconds");
    for (int i = 0; i < run->node_count; i++) {
        const node_record *record = &run->node[i];
        char bits[16] = "-", predicted[16] = "-", noise[16] = "-";
        if (isfinite(record->bits)) {
            snprintf(bits, sizeof bits, "%.1f", record->bits);
            snprintf(predicted, sizeof predicted, "%.1f", record->predicted);
            snprintf(noise, sizeof noise, "%.2f", noise_ratio(record));
        }
        printf("%-44.44s %9s %9s %6s %8.3f\n", record->name, bits, predicted, noise,
               record->seconds / (double)record->runs);
    }
}

static const char *reference_name(const umbra_cli *cli, const verify_run *run)
{
    if (cli->text[UMBRA_OPT_EXPECTED] != NULL)
        return "expected";
    return run->precise ? "double" : "single";
}

static const char *reference_text(const umbra_cli *cli, const verify_run *run)
{
    if (cli->text[UMBRA_OPT_EXPECTED] != NULL)
        return "for the answers the given files, for nodes the plaintext network";
    return run->precise ? "the plan's program in double precision, which gives what the plaintext "
                          "network gives in single"
                        : "the plaintext network in single precision, which ends at 19 to 24 bits";
}

static umbra_status print_report(const umbra_cli *cli, verify_run *run, const umbra_inputs *inputs,
                                 const umbra_plan_summary *sum)
{
    umbra_session *s = &run->session;
    double mean_seconds = 0;
    for (size_t i = 0; i < run->runs; i++)
        mean_seconds += run->seconds[i] / (double)run->done;
    json_t *auroc = NULL;
    UMBRA_TRY(umbra_verify_auroc(cli, &s->model->info, inputs, run->encrypted_logits,
                                 run->plain_logits, s->output_count, &auroc));
    if (cli->json) {
        json_t *object = json_object();
        umbra_report_plan(object, sum);
        json_object_set_new(object, "inputs", json_integer((json_int_t)run->done));
        json_object_set_new(object, "seconds", json_real(mean_seconds));
        json_object_set_new(object, "run_seconds", run_seconds_json(run));
        json_object_set_new(object, "bits", json_real(run->least_bits));
        json_object_set_new(object, "mean_bits", json_real(run->sum_bits / (double)run->done));
        json_object_set_new(object, "max_abs_error", json_real(run->max_abs_error));
        json_object_set_new(object, "reference", json_string(reference_name(cli, run)));
        json_object_set_new(object, "nodes", nodes_json(run));
        if (auroc != NULL)
            json_object_set_new(object, "auroc", auroc);
        umbra_report_machine(object, umbra_pool_threads(s->pool));
        return umbra_report_print(object);
    }
    print_nodes(run);
    umbra_verify_auroc_print(auroc);
    json_decref(auroc);
    printf("\n%zu inputs, %.2f s each on %d threads (%s)\n"
           "bits of the answer: least %.2f, mean %.2f, predicted %.2f; largest error of a logit "
           "%.2g\n"
           "reference: %s\n",
           run->done, mean_seconds, umbra_pool_threads(s->pool), umbra_kernels_get()->name,
           run->least_bits, run->sum_bits / (double)run->done, sum->predicted_bits,
           run->max_abs_error, reference_text(cli, run));
    return UMBRA_OK;
}

static umbra_status verify(const umbra_cli *cli, verify_run *run, const umbra_inputs *inputs)
{
    double least = 0;
    UMBRA_TRY(umbra_cli_number(cli, UMBRA_OPT_MIN_BITS, -1, 0, 60, &least));
    UMBRA_TRY(umbra_session_open(&run->session, cli, cli->argument[0]));
    umbra_plan_summary sum;
    umbra_plan_summarise(run->session.plan, &sum);
    run->precise = fmax(sum.predicted_bits, least) > UMBRA_VERIFY_SINGLE_BITS;
    UMBRA_TRY(verify_all(run, inputs));
    umbra_cli_progress_clear(cli);
    UMBRA_TRY(print_report(cli, run, inputs, &sum));
    double wanted = least < 0 ? sum.predicted_bits : least;
    if (run->least_bits < wanted)
        return umbra_fail(UMBRA_E_ACCURACY, "an answer has %.2f bits, fewer than the %.2f %s",
                          run->least_bits, wanted, least < 0 ? "predicted" : "asked for");
    return UMBRA_OK;
}

static umbra_status run_verify(const umbra_cli *cli)
{
    umbra_inputs inputs = {0};
    UMBRA_TRY(umbra_inputs_collect(cli, 1, &inputs));
    static verify_run run;
    run = (verify_run){0};
    umbra_status status = verify(cli, &run, &inputs);
    umbra_verify_reference_free(&run.reference);
    umbra_session_close(&run.session);
    umbra_memory_free(run.decrypted);
    umbra_memory_free(run.encrypted_logits);
    umbra_memory_free(run.seconds);
    umbra_inputs_free(&inputs);
    return status;
}

const umbra_command umbra_command_verify = {
    .name = "verify",
    .summary = "compare encrypted and plaintext runs, node by node",
    .usage =
        "umbra verify MODEL INPUT... [--labels CSV] [--split CSV --part NAME] [--expected DIR]\n"
        "                    [--answers] [-n K] [--min-bits P] [--precision-bits P]\n"
        "                    [--memory BYTES] [--batch B] [--mode MODE] [--json]",
    .arguments = {"a MODEL (a model folder or a .onnx file)",
                  "an INPUT (an image, a .npy or a folder of them)"},
    .details =
        "Encrypts each input, runs the plan, decrypts after every node and compares with the "
        "plaintext\n"
        "network: bits = -log2(max |error| / max |plaintext|), measured and predicted, for the "
        "input with\n"
        "the fewest; noise = root mean square of the errors over the predicted one. An INPUT is an "
        "image,\n"
        "a .npy or a folder. --answers compares what comes out only: nothing is decrypted on the "
        "way, and\n"
        "a run takes as long as on the server. With --labels (a CSV with a column `file` and one "
        "of 0 and 1\n"
        "for each label) it also prints the AUROC of both. With --expected the answers are "
        "compared with\n"
        "the outputs of another runtime: DIR/NAME.npy for an input NAME.*. Exit code 7 where an "
        "answer has\n"
        "fewer bits than predicted, or than --min-bits.",
    .example = "umbra verify models/chest-resnet20-f8 images/ --labels labels.csv -n 50",
    .options = 1u << UMBRA_OPT_MIN_BITS | 1u << UMBRA_OPT_LABELS | 1u << UMBRA_OPT_SPLIT |
               1u << UMBRA_OPT_PART | 1u << UMBRA_OPT_EXPECTED | 1u << UMBRA_OPT_ANSWERS |
               1u << UMBRA_OPT_RUNS | 1u << UMBRA_OPT_PRECISION_BITS | 1u << UMBRA_OPT_MEMORY |
               1u << UMBRA_OPT_BATCH | 1u << UMBRA_OPT_MODE,
    .least_arguments = 2,
    .most_arguments = UMBRA_CLI_MAX_ARGUMENTS,
    .run = run_verify,
};
