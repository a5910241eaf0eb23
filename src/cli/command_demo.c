/* umbra demo: a chest X-ray from the picture to the answer, in one process, on the shipped model.
 */
#include "cli/answer_report.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/inputs.h"
#include "cli/report.h"
#include "cli/session.h"

#include "base/machine.h"
#include "base/memory.h"

#include <stdbool.h>

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
    printf("Umbra demo: %s, on %d thread%s (%s)\n\n", s->model->info.name,
           umbra_pool_threads(s->pool), umbra_pool_threads(s->pool) == 1 ? "" : "s",
           umbra_kernels_get()->name);
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

/* One answer: what a table or a JSON object shows of it. */
typedef struct answer {
    const double *logits, *exact, *reference; /* of this image */
    double *encrypted, *plain;                /* values that are shown; room of the caller's */
    double bits, error, worst;
} answer;

static answer answer_of(const umbra_session *s, int image, double *room)
{
    size_t count = s->output_count, at = (size_t)image * count;
    answer a = {.logits = s->logits + at,
                .exact = s->exact + at,
                .reference = s->reference + at,
                .encrypted = room,
                .plain = room + count};
    umbra_answer_values(&s->model->info, a.logits, a.encrypted, count);
    umbra_answer_values(&s->model->info, a.reference, a.plain, count);
    a.bits = umbra_report_bits(a.exact, a.reference, count, &a.error);
    umbra_report_bits(a.encrypted, a.plain, count, &a.worst);
    return a;
}

static void add_answer(json_t *object, const umbra_session *s, const answer *a)
{
    json_object_set_new(object, "bits", json_real(a->bits));
    json_object_set_new(object, "max_abs_error", json_real(a->error));
    json_object_set_new(object, "max_probability_difference", json_real(a->worst));
    umbra_answer_json(object, &s->model->info, a->logits, a->encrypted, a->plain, s->output_count);
}

static void print_answer(const umbra_session *s, const answer *a, double predicted_bits)
{
    umbra_answer_print(&s->model->info, a->encrypted, a->plain, s->output_count);
    printf("\nlargest difference %.5f; logits agree to %.1f bits (predicted %.1f)\n", a->worst,
           a->bits, predicted_bits);
}

/* A story of several runs: names of all inputs, and the report that grows. */
typedef struct story {
    const umbra_cli *cli;
    umbra_session session;
    umbra_plan_summary sum;
    const char *const *images; /* one NULL: a phantom */
    int image_count;
    bool brief;
    json_t *object, *answers;
    double worst;
} story;

/* The answers of one run, whose first image is number `first` of the story. */
static umbra_status tell_answers(story *t, int first, int count)
{
    umbra_session *s = &t->session;
    void *memory = NULL;
    UMBRA_TRY(umbra_secret_alloc(&memory, 2 * s->output_count * sizeof(double)));
    for (int k = 0; k < count; k++) {
        answer a = answer_of(s, k, memory);
        t->worst = a.worst > t->worst ? a.worst : t->worst;
        if (t->cli->json) {
            json_t *own = t->image_count == 1 ? json_incref(t->object) : json_object();
            add_answer(own, s, &a);
            if (t->image_count > 1) {
                json_object_set_new(own, "input", json_string(t->images[first + k]));
                json_array_append(t->answers, own);
            }
            json_decref(own);
            continue;
        }
        if (t->image_count > 1)
            printf("%s%s\n", first + k == 0 ? "" : "\n", t->images[first + k]);
        print_answer(s, &a, t->sum.predicted_bits);
    }
    umbra_secret_free(memory);
    if (t->brief && !t->cli->json)
        printf("computed under encryption in %.2f s%s, %.0f-bit security\n", s->times.run,
               count > 1 ? ", all together" : "", t->sum.security_bits);
    return UMBRA_OK;
}

static umbra_status tell_run(story *t, int first, int count)
{
    umbra_session *s = &t->session;
    for (int k = 0; k < count; k++)
        UMBRA_TRY(umbra_session_read(s, k, t->images[first + k], PHANTOM_SEED));
    UMBRA_TRY(umbra_session_infer(s, count, on_step, (void *)t->cli));
    umbra_cli_progress_clear(t->cli);
    if (!t->cli->json && !t->brief)
        print_stages(s, &t->sum, t->images[0] == NULL ? "phantom chest film" : t->images[0]);
    return tell_answers(t, first, count);
}

static umbra_status tell_all(story *t)
{
    umbra_session *s = &t->session;
    umbra_plan_summarise(s->plan, &t->sum);
    for (int first = 0; first < t->image_count; first += s->images) {
        int left = t->image_count - first;
        UMBRA_TRY(tell_run(t, first, left < s->images ? left : s->images));
    }
    if (!t->cli->json) {
        puts("Research software: not a medical device, and not for diagnosis.");
        return UMBRA_OK;
    }
    umbra_report_plan(t->object, &t->sum);
    add_times(t->object, &s->times);
    if (t->image_count > 1)
        json_object_set(t->object, "answers", t->answers);
    umbra_report_machine(t->object, umbra_pool_threads(s->pool));
    return umbra_report_print(json_incref(t->object));
}

static umbra_status tell_story(const umbra_cli *cli, const char *model, const char *const *images,
                               int image_count, bool brief)
{
    story t = {.cli = cli,
               .images = images,
               .image_count = image_count,
               .brief = brief,
               .object = json_object(),
               .answers = json_array()};
    umbra_status status = UMBRA_OK;
    for (int i = 0; i < image_count && status == UMBRA_OK; i++)
        if (images[i] != NULL) /* before minutes of planning and making keys */
            status = umbra_input_check(images[i]);
    if (status == UMBRA_OK)
        status = umbra_session_open(&t.session, cli, model);
    if (status == UMBRA_OK)
        status = tell_all(&t);
    umbra_cli_progress_clear(cli);
    bool sigmoid =
        status == UMBRA_OK && t.session.model->info.output_kind == UMBRA_OUTPUT_MULTILABEL_SIGMOID;
    umbra_session_close(&t.session);
    json_decref(t.object);
    json_decref(t.answers);
    if (sigmoid && !(t.worst < LARGEST_DIFFERENCE))
        status =
            umbra_fail(UMBRA_E_ACCURACY,
                       "encrypted and plaintext probabilities differ by %.4f, more than %.2f; plan "
                       "with more --precision-bits",
                       t.worst, LARGEST_DIFFERENCE);
    return status;
}

static umbra_status run_demo(const umbra_cli *cli)
{
    char model[4096];
    UMBRA_TRY(umbra_cli_shipped_model(model));
    return tell_story(cli, model, &cli->text[UMBRA_OPT_IMAGE], 1, false);
}

static umbra_status run_classify(const umbra_cli *cli)
{
    const char *model = NULL;
    UMBRA_TRY(umbra_cli_require(cli, UMBRA_OPT_MODEL, &model));
    return tell_story(cli, model, cli->argument, cli->argument_count, true);
}

const umbra_command umbra_command_demo = {
    .name = "demo",
    .summary = "watch a chest X-ray being read under encryption",
    .usage = "umbra demo [--image FILE] [--precision-bits P] [--memory BYTES] [--json]",
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
    .summary = "read images under encryption with a model of yours",
    .usage = "umbra classify IMAGE|X.npy... --model MODEL [--precision-bits P] [--memory BYTES]\n"
             "                      [--batch B] [--mode MODE] [--json]",
    .arguments = {"an image or a .npy"},
    .details = "As demo, for any model and images (or .npy), as many in one run as the plan takes.",
    .example = "umbra classify chest.dcm --model models/chest-resnet20-f8",
    .options = 1u << UMBRA_OPT_MODEL | 1u << UMBRA_OPT_PRECISION_BITS | 1u << UMBRA_OPT_MEMORY |
               1u << UMBRA_OPT_BATCH | 1u << UMBRA_OPT_MODE,
    .least_arguments = 1,
    .most_arguments = UMBRA_CLI_MAX_ARGUMENTS,
    .run = run_classify,
};
