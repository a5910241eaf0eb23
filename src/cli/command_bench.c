/* umbra bench: figures of this machine for kernels, the scheme, and a whole network. */
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/report.h"
#include "cli/session.h"

#include "base/machine.h"
#include "bench/bench.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_RUNS 5
#define MOST_RUNS 1000

static void add_shape(json_t *line, const umbra_bench_figure *f)
{
    const int digits = (f->shape->data + f->shape->special - 1) / f->shape->special;
    json_object_set_new(line, "data_primes", json_integer(f->shape->data));
    json_object_set_new(line, "special_primes", json_integer(f->shape->special));
    json_object_set_new(line, "digits", json_integer(digits));
    json_object_set_new(line, "log2_q", json_real(f->log2_q));
    json_object_set_new(line, "log2_p", json_real(f->log2_p));
}

static int print_figure(void *context, const umbra_bench_figure *f)
{
    const umbra_cli *cli = context;
    if (cli->json) {
        json_t *line = json_pack("{s:s, s:s, s:i, s:f, s:i}", "name", f->name, "isa", f->isa,
                                 "threads", f->threads, "ns", f->ns, "runs", f->runs);
        if (f->degree_log2 > 0)
            json_object_set_new(line, "ring_degree", json_integer((json_int_t)1 << f->degree_log2));
        if (f->roof_share > 0)
            json_object_set_new(line, "roof_share", json_real(f->roof_share));
        if (f->memory_share > 0)
            json_object_set_new(line, "memory_share", json_real(f->memory_share));
        if (f->cpu_ns > 0)
            json_object_set_new(line, "cpu_ns", json_real(f->cpu_ns));
        if (f->shape != NULL)
            add_shape(line, f);
        if (f->note[0] != '\0')
            json_object_set_new(line, "note", json_string(f->note));
        json_dumpf(line, stdout, JSON_REAL_PRECISION(6));
        putchar('\n');
        json_decref(line);
    } else {
        printf("%-28s %-11s N=2^%-2d %2d thr %14.1f us", f->name, f->isa, f->degree_log2,
               f->threads, f->ns * 1e-3);
        if (f->roof_share > 0)
            printf("  %4.0f %% of the multiply roof", 100 * f->roof_share);
        if (f->memory_share > 0)
            printf(", %.0f %% of memory's", 100 * f->memory_share);
        printf("  %s\n", f->note);
    }
    fflush(stdout);
    return umbra_cli_interrupted();
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int on_step(void *context, const umbra_exec_event *event)
{
    umbra_cli_progress(context, "step %d of %d", event->step + 1, event->step_count);
    return umbra_cli_interrupted();
}

static umbra_status time_runs(const umbra_cli *cli, umbra_session *s, double *seconds, int runs,
                              double *bits)
{
    *bits = 60;
    for (int i = 0; i < runs; i++) {
        UMBRA_TRY(umbra_session_infer(s, 1, on_step, (void *)cli));
        double run_bits = umbra_report_bits(s->exact, s->reference, s->output_count, NULL);
        *bits = run_bits < *bits ? run_bits : *bits;
        seconds[i] = s->times.run;
    }
    qsort(seconds, (size_t)runs, sizeof *seconds, by_value);
    return UMBRA_OK;
}

/* The least time of the multiplications, and of reading keys and weights, over the time taken. */
static umbra_status measure_shares(const umbra_session *s, double seconds, double *multiply,
                                   double *memory)
{
    umbra_plan_work work;
    umbra_bench_roofs roofs;
    UMBRA_TRY(umbra_plan_count_work(s->plan, &work));
    UMBRA_TRY(umbra_bench_measure_roofs(s->pool, &roofs));
    *memory = work.bytes / roofs.memory_bytes_per_ns * 1e-9 / seconds;
    *multiply = 0;
    if (roofs.products_per_ns > 0)
        *multiply =
            (work.butterflies / roofs.butterflies_per_ns + work.products / roofs.products_per_ns) *
            1e-9 / seconds;
    return UMBRA_OK;
}

static umbra_status print_network(const umbra_cli *cli, const umbra_session *s,
                                  const double *seconds, int runs, double bits)
{
    umbra_plan_summary sum;
    double multiply = 0, memory = 0;
    UMBRA_TRY(measure_shares(s, seconds[runs / 2], &multiply, &memory));
    umbra_plan_summarise(s->plan, &sum);
    if (cli->json) {
        json_t *object = json_object();
        json_object_set_new(object, "model", json_string(s->model->info.name));
        umbra_report_plan(object, &sum);
        json_object_set_new(object, "seconds", json_real(seconds[runs / 2]));
        json_object_set_new(object, "least_seconds", json_real(seconds[0]));
        json_object_set_new(object, "most_seconds", json_real(seconds[runs - 1]));
        json_object_set_new(object, "runs", json_integer(runs));
        json_object_set_new(object, "bits", json_real(bits));
        json_object_set_new(object, "keygen_seconds", json_real(s->times.keys));
        json_object_set_new(object, "prepare_seconds", json_real(s->times.prepare));
        if (multiply > 0)
            json_object_set_new(object, "roof_share", json_real(multiply));
        json_object_set_new(object, "memory_share", json_real(memory));
        umbra_report_machine(object, umbra_pool_threads(s->pool));
        return umbra_report_print(object);
    }
    char keys[32], peak[32];
    printf("%s: median %.3f s of %d runs (%.3f to %.3f), predicted %.3f s; %d threads, %s\n"
           "keys %s, weights prepared in %.2f s, peak memory %s, bits %.1f (predicted %.1f)\n",
           s->model->info.name, seconds[runs / 2], runs, seconds[0], seconds[runs - 1],
           sum.predicted_seconds, umbra_pool_threads(s->pool), umbra_kernels_get()->name,
           umbra_cli_size_text(keys, sum.key_bytes), s->times.prepare,
           umbra_cli_size_text(peak, umbra_memory_peak_bytes()), bits, sum.predicted_bits);
    if (multiply > 0)
        printf("%.0f %% of the multiply roof, ", 100 * multiply);
    printf("%.0f %% of the roof of memory (keys at each use, weights once)\n", 100 * memory);
    return UMBRA_OK;
}

static void fill_input(umbra_session *s)
{
    uint64_t state = 1;
    for (size_t i = 0; i < s->input_count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        s->input[i] =
            (float)(((double)(state >> 40) * 0x1p-23 - 1) * s->model->info.input_abs_max / 3);
    }
}

static umbra_status bench_network(const umbra_cli *cli, const char *model, int runs)
{
    static double seconds[MOST_RUNS];
    double bits = 0;
    umbra_session session;
    umbra_status status = umbra_session_open(&session, cli, model);
    if (status == UMBRA_OK && session.encoder != NULL)
        status = umbra_session_read(&session, 0, NULL, 1);
    else if (status == UMBRA_OK)
        fill_input(&session);
    if (status == UMBRA_OK)
        status = time_runs(cli, &session, seconds, runs, &bits);
    umbra_cli_progress_clear(cli);
    if (status == UMBRA_OK)
        status = print_network(cli, &session, seconds, runs, bits);
    umbra_session_close(&session);
    return status;
}

static umbra_status bench_roofs(const umbra_cli *cli)
{
    umbra_pool *pool = NULL;
    umbra_bench_roofs roofs;
    UMBRA_TRY(umbra_pool_new(&pool, cli->threads));
    const int threads = umbra_pool_threads(pool);
    umbra_status status = umbra_bench_measure_roofs(pool, &roofs);
    umbra_pool_free(pool);
    UMBRA_TRY(status);
    if (cli->json) {
        json_t *object = json_object();
        json_object_set_new(object, "butterflies_per_ns", json_real(roofs.butterflies_per_ns));
        json_object_set_new(object, "products_per_ns", json_real(roofs.products_per_ns));
        json_object_set_new(object, "memory_bytes_per_ns", json_real(roofs.memory_bytes_per_ns));
        umbra_report_machine(object, threads);
        return umbra_report_print(object);
    }
    printf("%d threads, %s: at most %.2f butterflies or %.2f products, and %.1f bytes read from "
           "memory, in a nanosecond\n",
           threads, umbra_kernels_get()->name, roofs.butterflies_per_ns, roofs.products_per_ns,
           roofs.memory_bytes_per_ns);
    return UMBRA_OK;
}

static umbra_status parse_shape(const umbra_cli *cli, umbra_bench_shape *shape)
{
    const char *text = cli->text[UMBRA_OPT_SHAPE];
    int read = 0;
    *shape = (umbra_bench_shape){.data_bits = 50};
    int fields =
        sscanf(text, "%2d:%2d:%2d%n", &shape->degree_log2, &shape->data, &shape->special, &read);
    if (fields == 3 && text[read] == ':') {
        char *end = NULL;
        shape->data_bits = strtod(text + read + 1, &end);
        read = *end == '\0' && end > text + read + 1 ? (int)(end - text) : 0;
    }
    if (fields != 3 || read == 0 || text[read] != '\0')
        return umbra_fail(UMBRA_E_USAGE,
                          "--shape needs R:D:S or R:D:S:B, as 15:16:1 or 16:30:10:41, not \"%s\"",
                          text);
    if (shape->degree_log2 < 12 || shape->degree_log2 > 17 || shape->data < 1 || shape->data > 64 ||
        shape->special < 1 || shape->special > 16 ||
        !(shape->data_bits >= 20 && shape->data_bits <= 50))
        return umbra_fail(UMBRA_E_USAGE,
                          "--shape %s: R is 12 to 17, D 1 to 64, S 1 to 16, B 20 to 50", text);
    return UMBRA_OK;
}

static umbra_status bench_ckks(const umbra_cli *cli, umbra_bench_options *options)
{
    umbra_bench_shape shape;
    if (cli->text[UMBRA_OPT_SHAPE] != NULL) {
        UMBRA_TRY(parse_shape(cli, &shape));
        options->shape = &shape;
    }
    umbra_status status = umbra_bench_ckks(options, print_figure, (void *)cli);
    options->shape = NULL;
    return status;
}

static umbra_status run_bench(const umbra_cli *cli)
{
    const char *what = cli->argument[0];
    umbra_bench_options options = {.threads = cli->threads};
    uint64_t runs = 0;
    bool network = strcmp(what, "net") == 0;
    if (!network && strcmp(what, "math") != 0 && strcmp(what, "ckks") != 0 &&
        strcmp(what, "roofs") != 0)
        return umbra_fail(UMBRA_E_USAGE, "umbra bench knows math, ckks, roofs and net, not \"%s\"",
                          what);
    UMBRA_TRY(umbra_cli_count(cli, UMBRA_OPT_RUNS, DEFAULT_RUNS, MOST_RUNS, &runs));
    if (!network && cli->argument_count > 1)
        return umbra_fail(UMBRA_E_USAGE, "umbra bench %s takes no model", what);
    if (!network && cli->text[UMBRA_OPT_RUNS] != NULL)
        return umbra_fail(UMBRA_E_USAGE, "umbra bench %s takes no --runs: only net does", what);
    if (cli->text[UMBRA_OPT_SHAPE] != NULL && strcmp(what, "ckks") != 0)
        return umbra_fail(UMBRA_E_USAGE, "umbra bench %s takes no --shape: only ckks does", what);
    if (strcmp(what, "math") == 0)
        return umbra_bench_math(&options, print_figure, (void *)cli);
    if (strcmp(what, "ckks") == 0)
        return bench_ckks(cli, &options);
    if (strcmp(what, "roofs") == 0)
        return bench_roofs(cli);
    char shipped[4096];
    if (cli->argument_count == 1)
        UMBRA_TRY(umbra_cli_shipped_model(shipped));
    return bench_network(cli, cli->argument_count == 1 ? shipped : cli->argument[1], (int)runs);
}

const umbra_command umbra_command_bench = {
    .name = "bench",
    .summary = "measure this machine: kernels, operations, a network",
    .usage = "umbra bench math|ckks|roofs|net [MODEL] [--shape R:D:S[:B]] [-n RUNS]\n"
             "                    [--precision-bits P] [--memory BYTES] [--json]",
    .arguments = {"math, ckks, roofs or net"},
    .details =
        "math: every kernel set, with the share of the multiply roof that the NTT reaches.\n"
        "ckks: operations at N = 2^14, 2^15, 2^16 on one thread and on all; or, by --shape\n"
        "R:D:S:B, at N = 2^R with D data primes of B bits (50) and S special primes.\n"
        "roofs: what all threads together can multiply and read from memory.\n"
        "net: a model (the shipped one by default), the median of -n runs, and its share of\n"
        "the roofs.\n"
        "With --json, math and ckks print one JSON object a line.",
    .example = "umbra bench net -n 5 --threads 2",
    .options = 1u << UMBRA_OPT_SHAPE | 1u << UMBRA_OPT_RUNS | 1u << UMBRA_OPT_PRECISION_BITS |
               1u << UMBRA_OPT_MEMORY,
    .least_arguments = 1,
    .most_arguments = 2,
    .run = run_bench,
};
