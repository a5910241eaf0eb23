/* umbra demo: a chest X-ray from the picture to the answer, in one process, on the shipped model.
 */
#include "cli/answer_report.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/report.h"
#include "cli/session.h"

#include "base/machine.h"
#include "base/memory.h"

#define LARGEST_DIFFERENCE 0.01 /* between encrypted and plaintext probability */
#define PHANTOM_SEED 1

static int on_step(void *context, const umbra_exec_event *event)
{
    umbra_cli_progress(context, "server: step %d of %d, %s", event->step + 1, event->step_count,
                       event->name);
    return umbra_cli_interrupted();
}

static void print_stages(const umbra_session *s, const umbra_plan_summary *sum, const char *image)
{
    char a[32], b[32], c[32];
    const umbra_session_times *t = &s->times;
    printf("Umbra demo: %s, on %d threads (%s)\n\n", s->model->info.name,
           umbra_pool_threads(s->pool), umbra_kernels_get()->name);
    printf("once for a model and a client\n");
    printf("  plan        %6.2f s   %.0f-bit security: ring degree %d, log2 QP %.0f; %d levels\n",
           t->model + t->plan, sum->security_bits, 1 << sum->degree_log2, sum->log2_qp,
           sum->levels);
    printf("  keys        %6.2f s   %s for the server, %d rotations; the secret key stays\n",
           t->keys, umbra_cli_size_text(a, sum->key_bytes), sum->rotations);
    printf("  weights     %6.2f s   prepared by the server\n", t->prepare);
    printf("for each image\n");
    printf("  client      %6.2f s   %s -> latent of %zu numbers\n", t->image, image,
           s->input_count);
    printf("  client      %6.2f s   latent -> ciphertext, %s sent to the server\n", t->encrypt,
           umbra_cli_size_text(b, sum->query_bytes));
    printf("  server      %6.2f s   computed on ciphertexts only, %s sent back\n", t->run,
           umbra_cli_size_text(c, sum->result_bytes));
    printf("  client      %6.2f s   decrypted\n", t->decrypt);
    printf("  peak memory %s\n\n", umbra_cli_size_text(a, umbra_memory_peak_bytes()));
}

static void add_times(json_t *object, const umbra_session_times *t)
{
    json_object_set_new(object, "seconds", json_real(t->run));
    json_object_set_new(object, "stages",
                        json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "model", t->model,
                                  "plan", t->plan, "keygen", t->keys, "prepare", t->prepare,
                                  "image", t->image, "encrypt", t->encrypt, "run", t->run,
                                  "decrypt", t->decrypt));
}

static umbra_status print_answer(const umbra_cli *cli, umbra_session *s, const char *image,
                                 bool brief)
{
    void *memory = NULL;
    UMBRA_TRY(umbra_secret_alloc(&memory, 2 * s->output_count * sizeof(double)));
    double *encrypted = memory, *plain = encrypted + s->output_count, error = 0, worst = 0;
    umbra_answer_values(&s->model->info, s->logits, encrypted, s->output_count);
    umbra_answer_values(&s->model->info, s->reference, plain, s->output_count);
    double bits = umbra_report_bits(s->exact, s->reference, s->output_count, &error);
    umbra_plan_summary sum;
    umbra_plan_summarise(s->plan, &sum);
    umbra_status status = UMBRA_OK;
    umbra_report_bits(encrypted, plain, s->output_count, &worst);
    if (cli->json) {
        json_t *object = json_object();
        umbra_report_plan(object, &sum);
        add_times(object, &s->times);
        json_object_set_new(object, "bits", json_real(bits));
        json_object_set_new(object, "max_abs_error", json_real(error));
        json_object_set_new(object, "max_probability_difference", json_real(worst));
        umbra_answer_json(object, &s->model->info, s->logits, encrypted, plain, s->output_count);
        umbra_report_machine(object, umbra_pool_threads(s->pool));
        status = umbra_report_print(object);
    } else {
        if (!brief)
            print_stages(s, &sum, image);
        umbra_answer_print(&s->model->info, encrypted, plain, s->output_count);
        printf("\nlargest difference %.5f; logits agree to %.1f bits (predicted %.1f)\n", worst,
               bits, sum.predicted_bits);
        if (brief)
            printf("computed under encryption in %.2f s, %.0f-bit security\n", s->times.run,
                   sum.security_bits);
        puts("Research software: not a medical device, and not for diagnosis.");
    }
    umbra_secret_free(memory);
    if (status == UMBRA_OK && s->model->info.output_kind == UMBRA_OUTPUT_MULTILABEL_SIGMOID &&
        !(worst < LARGEST_DIFFERENCE))
        status =
            umbra_fail(UMBRA_E_ACCURACY,
                       "encrypted and plaintext probabilities differ by %.4f, more than %.2f; plan "
                       "with more --precision-bits",
                       worst, LARGEST_DIFFERENCE);
    return status;
}

static umbra_status tell_story(const umbra_cli *cli, const char *model, const char *image,
                               bool brief)
{
    umbra_session session;
    umbra_status status = umbra_session_open(&session, cli, model);
    if (status == UMBRA_OK)
        status = umbra_session_read(&session, image, PHANTOM_SEED);
    if (status == UMBRA_OK)
        status = umbra_session_infer(&session, on_step, (void *)cli);
    umbra_cli_progress_clear(cli);
    if (status == UMBRA_OK)
        status = print_answer(cli, &session, image == NULL ? "phantom chest film" : image, brief);
    umbra_session_close(&session);
    return status;
}

static umbra_status run_demo(const umbra_cli *cli)
{
    char model[4096];
    UMBRA_TRY(umbra_cli_shipped_model(model));
    return tell_story(cli, model, cli->text[UMBRA_OPT_IMAGE], false);
}

static umbra_status run_classify(const umbra_cli *cli)
{
    const char *model = NULL;
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_MODEL, &model));
    return tell_story(cli, model, cli->argument[0], true);
}

const umbra_command umbra_command_demo = {
    .name = "demo",
    .summary = "watch a chest X-ray being read under encryption",
    .usage = "umbra demo [--image FILE] [--json]",
    .details =
        "Plays client and server in one process, on the model that Umbra ships: image, latent,\n"
        "ciphertext, encrypted logits, probabilities, beside those of the plaintext network.\n"
        "Without --image it draws a phantom chest film. Exit code 7 where a probability differs "
        "by\n"
        "0.01 or more.",
    .example = "umbra demo --image chest.png",
    .options = 1u << UMBRA_OPT_IMAGE | 1u << UMBRA_OPT_PRECISION_BITS | 1u << UMBRA_OPT_MEMORY,
    .run = run_demo,
};

const umbra_command umbra_command_classify = {
    .name = "classify",
    .summary = "read one image under encryption with a model of yours",
    .usage = "umbra classify IMAGE --model DIR [--json]",
    .details = "As demo, for one image (or .npy) and any model.",
    .example = "umbra classify chest.dcm --model models/chest-resnet20-f8",
    .options = 1u << UMBRA_OPT_MODEL | 1u << UMBRA_OPT_PRECISION_BITS | 1u << UMBRA_OPT_MEMORY,
    .least_arguments = 1,
    .most_arguments = 1,
    .run = run_classify,
};
