/* umbra plan: compile a model into a server's plan and a client's profile. */
#include "cli/cli.h"
#include "cli/report.h"

#include "base/clock.h"
#include "base/log.h"
#include "client/model.h"
#include "math/kernels.h"
#include "plan/plan.h"

static umbra_status copy_file(const char *from, const char *to)
{
    umbra_file_copy content = {0};
    umbra_file_writer *file = NULL;
    UMBRA_TRY(umbra_file_load(from, &content));
    umbra_status status = umbra_file_create(&file, to, false);
    if (status == UMBRA_OK) {
        status = umbra_file_append(file, content.bytes, content.size);
        if (status == UMBRA_OK)
            status = umbra_file_commit(file);
        else
            umbra_file_discard(file);
    }
    umbra_file_unload(&content);
    return status;
}

static umbra_status write_files(const umbra_plan *plan, const umbra_model *model,
                                const char *folder)
{
    char path[4096];
    UMBRA_TRY(umbra_cli_make_folder(folder));
    if (model->encoder_path != NULL) {
        UMBRA_TRY(umbra_cli_join(path, folder, "encoder.onnx"));
        UMBRA_TRY(copy_file(model->encoder_path, path));
    }
    UMBRA_TRY(umbra_cli_join(path, folder, "server.plan"));
    UMBRA_TRY(umbra_plan_save(plan, path));
    UMBRA_TRY(umbra_cli_join(path, folder, "client.profile"));
    return umbra_profile_save(umbra_plan_profile(plan), path);
}

static json_t *nodes_json(const umbra_plan *plan)
{
    json_t *nodes = json_array();
    for (int i = 0; i < umbra_plan_node_count(plan); i++) {
        umbra_plan_node node;
        umbra_plan_node_get(plan, i, &node);
        json_array_append_new(
            nodes, json_pack("{s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:I, s:I}", "name", node.name,
                             "kind", node.kind, "why", node.why, "level", node.level, "scale_log2",
                             node.scale_log2, "predicted_bits", node.predicted_bits,
                             "predicted_seconds", node.predicted_seconds, "diagonals",
                             (json_int_t)node.diagonals, "rotations", (json_int_t)node.rotations));
    }
    return nodes;
}

static umbra_status print_report(const umbra_cli *cli, const umbra_plan *plan, const char *folder,
                                 double seconds)
{
    umbra_plan_summary s;
    umbra_plan_summarise(plan, &s);
    if (!s.ranges_known)
        umbra_log_warning("the model gives no ranges of its values, so the bits of precision are "
                          "those of random inputs and real ones may keep fewer: let `umbra adapt "
                          "MODEL INPUTS -o DIR` measure ranges, and plan DIR");
    if (cli->json) {
        umbra_plan_work work;
        UMBRA_TRY(umbra_plan_count_work(plan, &work));
        json_t *object = json_object();
        umbra_report_plan(object, &s);
        json_object_set_new(object, "butterflies", json_real(work.butterflies));
        json_object_set_new(object, "products", json_real(work.products));
        json_object_set_new(object, "read_bytes", json_real(work.bytes));
        json_object_set_new(object, "seconds", json_real(seconds));
        json_object_set_new(object, "nodes", nodes_json(plan));
        umbra_report_machine(object, umbra_cli_threads(cli));
        return umbra_report_print(object);
    }
    if (cli->text[UMBRA_OPT_EXPLAIN] != NULL)
        UMBRA_TRY(umbra_plan_explain(plan, stdout));
    int threads = umbra_cli_threads(cli);
    char keys[32], query[32], result[32], memory[32], images[80] = "one input";
    if (s.images > 1)
        snprintf(images, sizeof images, "up to %d inputs in one run, %.3f s each", s.images,
                 s.predicted_seconds / s.images);
    printf("security     %.0f bits (ring degree %d, log2 QP = %.1f)\n"
           "levels       %d (from %d down to 0)\n"
           "keys         %s to upload once, %d rotations\n"
           "query        %s up, %s down\n"
           "server       about %.2f s on %d thread%s (%s) and %s of memory for %s\n"
           "precision    about %.1f bits\n"
           "for servers  %s/server.plan\n"
           "for clients  %s/client.profile",
           s.security_bits, 1 << s.degree_log2, s.log2_qp, s.levels, s.levels - 1,
           umbra_cli_size_text(keys, s.key_bytes), s.rotations,
           umbra_cli_size_text(query, s.query_bytes), umbra_cli_size_text(result, s.result_bytes),
           s.predicted_seconds, threads, threads == 1 ? "" : "s", umbra_kernels_get()->name,
           umbra_cli_size_text(memory, s.predicted_memory_bytes), images, s.predicted_bits, folder,
           folder);
    if (umbra_plan_profile(plan)->model.input_kind == UMBRA_INPUT_XRAY)
        printf(", %s/encoder.onnx", folder);
    putchar('\n');
    return UMBRA_OK;
}

static umbra_status run_plan(const umbra_cli *cli)
{
    const char *folder = NULL;
    umbra_plan_options options = {.threads = cli->threads};
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_OUTPUT, &folder));
    UMBRA_TRY(umbra_cli_plan_options(cli, &options));
    uint64_t start = umbra_clock_ns();
    umbra_model *model = NULL;
    umbra_plan *plan = NULL;
    umbra_cli_progress(cli, "reading the model");
    umbra_status status = umbra_model_open(cli->argument[0], &model);
    if (status == UMBRA_OK) {
        umbra_cli_progress(cli, "planning");
        status = umbra_plan_compile(&plan, model->classifier, &model->info, &options);
    }
    if (status == UMBRA_OK)
        status = umbra_cli_check_interrupt();
    if (status == UMBRA_OK)
        status = write_files(plan, model, folder);
    umbra_cli_progress_clear(cli);
    if (status == UMBRA_OK)
        status = print_report(cli, plan, folder, (double)(umbra_clock_ns() - start) * 1e-9);
    umbra_plan_free(plan);
    umbra_model_free(model);
    return status;
}

const umbra_command umbra_command_plan = {
    .name = "plan",
    .summary = "compile a model: what the server runs, and what a client needs",
    .usage =
        "umbra plan MODEL -o DIR [--precision-bits P] [--memory BYTES] [--batch B] [--mode MODE] "
        "[--explain]",
    .arguments = {"a MODEL (a model folder or a .onnx file)"},
    .details =
        "Chooses layouts, parameters of 128-bit security and levels for a model folder or a bare "
        ".onnx\n"
        "file, and writes DIR/server.plan (for the server: it holds the weights) and\n"
        "DIR/client.profile with DIR/encoder.onnx (for clients: public, without the classifier).\n"
        "A model that cannot be encrypted is refused with the list of all its offending nodes.",
    .example = "umbra plan models/chest-resnet20-f8 -o plan --explain",
    .options = 1u << UMBRA_OPT_OUTPUT | 1u << UMBRA_OPT_PRECISION_BITS | 1u << UMBRA_OPT_MEMORY |
               1u << UMBRA_OPT_EXPLAIN | 1u << UMBRA_OPT_BATCH | 1u << UMBRA_OPT_MODE,
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_plan,
};
