/* umbra run: what a server does with a query; it has neither image nor secret key. */
#include "cli/cli.h"
#include "cli/report.h"

#include "base/clock.h"
#include "base/machine.h"
#include "base/memory.h"
#include "base/threads.h"
#include "ckks/ciphertext_file.h"
#include "exec/exec.h"

/* Everything that a run opens; released together. */
typedef struct server_run {
    const umbra_cli *cli;
    umbra_pool *pool;
    umbra_plan *plan;
    umbra_evaluation_keys *keys;
    umbra_exec *exec;
    umbra_ciphertext **query, **result;
    int query_count, result_count;
    uint64_t query_bytes, result_bytes;
    unsigned char query_id[UMBRA_QUERY_ID_BYTES];
    json_t *nodes;
    double start_seconds, load_seconds, run_seconds, cpu_seconds;
} server_run;

static int on_step(void *context, const umbra_exec_event *event)
{
    server_run *run = context;
    umbra_cli_progress(run->cli, "step %d of %d: %s, %.2f s", event->step + 1, event->step_count,
                       event->name, event->seconds);
    json_array_append_new(run->nodes, json_pack("{s:s, s:f, s:i, s:f}", "name", event->name,
                                                "seconds", event->seconds, "level", event->level,
                                                "predicted_bits", event->error_bits));
    return umbra_cli_interrupted();
}

static umbra_status allocate(server_run *run)
{
    const umbra_profile *profile = umbra_plan_profile(run->plan);
    run->query_count = profile->input_layout.ciphertexts;
    run->result_count = profile->output_layout.ciphertexts;
    void *memory = NULL;
    UMBRA_TRY(
        umbra_memory_alloc_array(&memory, (size_t)run->query_count, sizeof *run->query, "query"));
    run->query = memory;
    UMBRA_TRY(umbra_memory_alloc_array(&memory, (size_t)run->result_count, sizeof *run->result,
                                       "result"));
    run->result = memory;
    run->nodes = json_array();
    return UMBRA_OK;
}

static umbra_status open_inputs(server_run *run, const char *plan_path, const char *keys_path)
{
    UMBRA_TRY(umbra_pool_new(&run->pool, run->cli->threads));
    umbra_cli_progress(run->cli, "reading the plan");
    UMBRA_TRY(umbra_plan_load(plan_path, &run->plan));
    UMBRA_TRY(allocate(run));
    const umbra_params *params = umbra_plan_params(run->plan);
    const umbra_ciphertexts_use use = {UMBRA_ROLE_QUERY, umbra_plan_profile(run->plan)->plan_hash,
                                       run->query_id};
    UMBRA_TRY(umbra_ciphertexts_load(run->cli->argument[0], &use, params, run->query_count,
                                     run->query, &run->query_bytes));
    umbra_cli_progress(run->cli, "opening the keys");
    const umbra_key_holding holding = umbra_plan_key_holding(run->plan);
    UMBRA_TRY(umbra_evaluation_keys_open(keys_path, params, &holding, &run->keys));
    if (umbra_evaluation_keys_id(run->keys) != run->query[0]->key_id)
        return umbra_fail(
            UMBRA_E_MISMATCH,
            "%s was encrypted under another key than the one behind %s; use the files of "
            "one `umbra keygen`",
            run->cli->argument[0], keys_path);
    UMBRA_TRY(umbra_cli_check_interrupt());
    return umbra_exec_new(&run->exec, run->plan, run->keys, run->pool);
}

static umbra_status compute(server_run *run, const char *output)
{
    uint64_t start = umbra_clock_ns(), cpu_start = umbra_clock_cpu_ns();
    UMBRA_TRY(umbra_exec_run(run->exec, (const umbra_ciphertext *const *)run->query,
                             run->query_count, run->result, run->result_count, on_step, run));
    /* Keys and weights come in while the steps run. */
    const umbra_exec_preparation prepared = umbra_exec_prepared(run->exec);
    run->start_seconds = run->load_seconds;
    run->load_seconds += (double)prepared.wall_ns * 1e-9;
    run->run_seconds = (double)(umbra_clock_ns() - start - prepared.wall_ns) * 1e-9;
    run->cpu_seconds = (double)(umbra_clock_cpu_ns() - cpu_start - prepared.cpu_ns) * 1e-9;
    const umbra_ciphertexts_use use = {UMBRA_ROLE_RESULT, umbra_plan_profile(run->plan)->plan_hash,
                                       run->query_id};
    return umbra_ciphertexts_save(output, &use, (const umbra_ciphertext *const *)run->result,
                                  run->result_count, NULL, &run->result_bytes);
}

static umbra_status print_report(server_run *run, const char *output)
{
    if (run->cli->json) {
        umbra_plan_summary summary;
        umbra_plan_summarise(run->plan, &summary);
        json_t *object = json_object();
        umbra_report_plan(object, &summary);
        json_object_set_new(object, "query_bytes", json_integer((json_int_t)run->query_bytes));
        json_object_set_new(object, "result_bytes", json_integer((json_int_t)run->result_bytes));
        json_object_set_new(object, "start_seconds", json_real(run->start_seconds));
        json_object_set_new(object, "load_seconds", json_real(run->load_seconds));
        json_object_set_new(object, "seconds", json_real(run->run_seconds));
        json_object_set_new(object, "cpu_seconds", json_real(run->cpu_seconds));
        json_object_set(object, "nodes", run->nodes);
        umbra_report_machine(object, umbra_pool_threads(run->pool));
        return umbra_report_print(object);
    }
    char size[32], peak[32];
    printf(
        "%s   %s, for the client; read in %.2f s, computed in %.2f s on %d threads (%s), peak %s\n",
        output, umbra_cli_size_text(size, run->result_bytes), run->load_seconds, run->run_seconds,
        umbra_pool_threads(run->pool), umbra_kernels_get()->name,
        umbra_cli_size_text(peak, umbra_memory_peak_bytes()));
    return UMBRA_OK;
}

static void release(server_run *run)
{
    for (int i = 0; i < run->query_count && run->query != NULL; i++)
        umbra_ciphertext_free(run->query[i]);
    for (int i = 0; i < run->result_count && run->result != NULL; i++)
        umbra_ciphertext_free(run->result[i]);
    umbra_memory_free(run->query);
    umbra_memory_free(run->result);
    json_decref(run->nodes);
    umbra_exec_free(run->exec);
    umbra_evaluation_keys_free(run->keys);
    umbra_plan_free(run->plan);
    umbra_pool_free(run->pool);
}

static umbra_status run_run(const umbra_cli *cli)
{
    const char *plan_path = NULL, *keys_path = NULL, *output = NULL;
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_PLAN, &plan_path));
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_KEYS, &keys_path));
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_OUTPUT, &output));
    server_run run = {.cli = cli};
    uint64_t start = umbra_clock_ns();
    umbra_status status = open_inputs(&run, plan_path, keys_path);
    run.load_seconds = (double)(umbra_clock_ns() - start) * 1e-9;
    if (status == UMBRA_OK)
        status = compute(&run, output);
    umbra_cli_progress_clear(cli);
    if (status == UMBRA_OK)
        status = print_report(&run, output);
    release(&run);
    return status;
}

const umbra_command umbra_command_run = {
    .name = "run",
    .summary = "compute on an encrypted query (the server's part)",
    .usage = "umbra run --plan DIR/server.plan --keys KEYDIR/evaluation.keys query.ct -o result.ct "
             "[--json]",
    .arguments = {"the query, as query.ct"},
    .details =
        "Needs the plan, the client's evaluation keys and the query. It never sees the image, the\n"
        "secret key or the answer.",
    .example =
        "umbra run --plan plan/server.plan --keys keys/evaluation.keys query.ct -o result.ct",
    .options = 1u << UMBRA_OPT_PLAN | 1u << UMBRA_OPT_KEYS | 1u << UMBRA_OPT_OUTPUT,
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_run,
};
