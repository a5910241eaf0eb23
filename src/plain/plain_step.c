/* oneDNN primitives of a node: making, running and freeing them. */
#include "base/memory.h"
#include "plain/plain_internal.h"

umbra_status umbra_plain_check(dnnl_status_t status, const umbra_node *node, const char *what)
{
    if (status == dnnl_success)
        return UMBRA_OK;
    const char *name = node != NULL ? node->name : "";
    if (status == dnnl_out_of_memory)
        return umbra_fail(UMBRA_E_RESOURCE, "node \"%s\": not enough memory for %s", name, what);
    if (status == dnnl_unimplemented || status == dnnl_invalid_arguments)
        return umbra_fail(UMBRA_E_MODEL,
                          "node \"%s\" (%s): oneDNN does not do these attributes (%s)", name,
                          node != NULL ? node->op_type : "", what);
    return umbra_fail(UMBRA_E_INTERNAL, "node \"%s\": oneDNN failed in %s with status %d", name,
                      what, (int)status);
}

/* oneDNN reads DNNL_MAX_NDIMS numbers, whatever the rank. */
static void copy_dims(const int64_t *dims, int rank, dnnl_dims_t out)
{
    for (int i = 0; i < DNNL_MAX_NDIMS; i++)
        out[i] = i < rank ? dims[i] : 0;
}

umbra_status umbra_plain_desc(const umbra_node *node, const int64_t *dims, int rank,
                              dnnl_memory_desc_t *out)
{
    dnnl_dims_t strides = {0}, all;
    int64_t step = 1;
    for (int i = rank - 1; i >= 0; i--) {
        strides[i] = step;
        step *= dims[i];
    }
    copy_dims(dims, rank, all);
    return umbra_plain_check(dnnl_memory_desc_init_by_strides(out, rank, all, dnnl_f32, strides),
                             node, "a layout");
}

umbra_status umbra_plain_tagged_desc(const umbra_node *node, const int64_t *dims, int rank,
                                     dnnl_format_tag_t tag, dnnl_memory_desc_t *out)
{
    dnnl_dims_t all;
    copy_dims(dims, rank, all);
    return umbra_plain_check(dnnl_memory_desc_init_by_tag(out, rank, all, dnnl_f32, tag), node,
                             "a layout");
}

umbra_status umbra_step_memory(umbra_plain *plain, const umbra_node *node, umbra_step *step,
                               const dnnl_memory_desc_t *desc, float *data, dnnl_memory_t *out)
{
    void *handle = data != NULL ? (void *)data : DNNL_MEMORY_ALLOCATE;
    UMBRA_TRY(
        umbra_plain_check(dnnl_memory_create(out, desc, plain->engine, handle), node, "a buffer"));
    step->allocated[step->memory_count] = data == NULL;
    step->memories[step->memory_count++] = *out;
    return UMBRA_OK;
}

umbra_status umbra_step_append(const umbra_node *node, umbra_step *step,
                               const_dnnl_primitive_desc_t desc, const dnnl_exec_arg_t *arguments,
                               int count)
{
    int n = step->primitive_count;
    UMBRA_TRY(
        umbra_plain_check(dnnl_primitive_create(&step->primitives[n], desc), node, "a primitive"));
    for (int i = 0; i < count; i++)
        step->arguments[n][i] = arguments[i];
    step->argument_count[n] = count;
    step->primitive_count++;
    return UMBRA_OK;
}

static umbra_status append_reorder(umbra_plain *plain, const umbra_node *node, umbra_step *step,
                                   dnnl_memory_t from, dnnl_memory_t to)
{
    const dnnl_memory_desc_t *from_desc, *to_desc;
    dnnl_primitive_desc_t desc;
    dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    UMBRA_TRY(umbra_plain_check(dnnl_memory_get_memory_desc(from, &from_desc), node, "a reorder"));
    UMBRA_TRY(umbra_plain_check(dnnl_memory_get_memory_desc(to, &to_desc), node, "a reorder"));
    UMBRA_TRY(umbra_plain_check(dnnl_reorder_primitive_desc_create(&desc, from_desc, plain->engine,
                                                                   to_desc, plain->engine, NULL),
                                node, "a reorder"));
    umbra_status status = umbra_step_append(node, step, desc, arguments, 2);
    dnnl_primitive_desc_destroy(desc);
    return status;
}

/* Run the last primitive of the step once and forget it. */
static umbra_status run_once(umbra_plain *plain, const umbra_node *node, umbra_step *step)
{
    int n = --step->primitive_count;
    dnnl_status_t status = dnnl_primitive_execute(step->primitives[n], plain->stream,
                                                  step->argument_count[n], step->arguments[n]);
    if (status == dnnl_success)
        status = dnnl_stream_wait(plain->stream);
    dnnl_primitive_destroy(step->primitives[n]);
    step->primitives[n] = NULL;
    return umbra_plain_check(status, node, "a reorder");
}

umbra_status umbra_step_input(umbra_plain *plain, const umbra_node *node, umbra_step *step,
                              const dnnl_memory_desc_t *plain_desc,
                              const dnnl_memory_desc_t *wanted, float *data, umbra_when when,
                              dnnl_memory_t *out)
{
    dnnl_memory_t from;
    UMBRA_TRY(umbra_step_memory(plain, node, step, plain_desc, data, &from));
    *out = from;
    if (dnnl_memory_desc_equal(plain_desc, wanted))
        return UMBRA_OK;
    UMBRA_TRY(umbra_step_memory(plain, node, step, wanted, NULL, out));
    UMBRA_TRY(append_reorder(plain, node, step, from, *out));
    return when == UMBRA_NOW ? run_once(plain, node, step) : UMBRA_OK;
}

umbra_status umbra_step_output(umbra_plain *plain, const umbra_node *node, umbra_step *step,
                               const dnnl_memory_desc_t *plain_desc, const dnnl_memory_desc_t *made,
                               dnnl_memory_t *out)
{
    bool same = dnnl_memory_desc_equal(plain_desc, made);
    return umbra_step_memory(plain, node, step, made, same ? plain->data[node->output] : NULL, out);
}

umbra_status umbra_step_output_finish(umbra_plain *plain, const umbra_node *node, umbra_step *step,
                                      const dnnl_memory_desc_t *plain_desc, dnnl_memory_t made)
{
    const dnnl_memory_desc_t *desc;
    dnnl_memory_t to;
    UMBRA_TRY(umbra_plain_check(dnnl_memory_get_memory_desc(made, &desc), node, "an output"));
    if (dnnl_memory_desc_equal(plain_desc, desc))
        return UMBRA_OK;
    UMBRA_TRY(umbra_step_memory(plain, node, step, plain_desc, plain->data[node->output], &to));
    return append_reorder(plain, node, step, made, to);
}

umbra_status umbra_plain_run_primitives(const umbra_plain *plain, const umbra_node *node,
                                        const umbra_step *step)
{
    for (int i = 0; i < step->primitive_count; i++)
        UMBRA_TRY(
            umbra_plain_check(dnnl_primitive_execute(step->primitives[i], plain->stream,
                                                     step->argument_count[i], step->arguments[i]),
                              node, "execution"));
    return umbra_plain_check(dnnl_stream_wait(plain->stream), node, "execution");
}

static void wipe_memory(dnnl_memory_t memory)
{
    const dnnl_memory_desc_t *desc;
    void *bytes = NULL;
    if (dnnl_memory_get_data_handle(memory, &bytes) == dnnl_success && bytes != NULL &&
        dnnl_memory_get_memory_desc(memory, &desc) == dnnl_success)
        umbra_secret_wipe(bytes, dnnl_memory_desc_get_size(desc));
}

void umbra_step_free(umbra_step *step)
{
    for (int i = 0; i < step->primitive_count; i++)
        dnnl_primitive_destroy(step->primitives[i]);
    for (int i = 0; i < step->memory_count; i++) {
        if (step->allocated[i])
            wipe_memory(step->memories[i]);
        dnnl_memory_destroy(step->memories[i]);
    }
    umbra_memory_free(step->numbers);
    *step = (umbra_step){.run = NULL};
}
