/* Dense layers and products of computed matrices, by oneDNN. */
#include "plain/plain_internal.h"

static umbra_status finish(umbra_plain *plain, const umbra_node *node, umbra_step *step,
                           const void *op, const dnnl_memory_desc_t *w, dnnl_exec_arg_t *arguments,
                           int count)
{
    dnnl_primitive_desc_t pd;
    dnnl_memory_t mw;
    UMBRA_TRY(umbra_plain_check(dnnl_primitive_desc_create(&pd, op, NULL, plain->engine, NULL),
                                node, "a product"));
    umbra_status status = umbra_step_input(
        plain, node, step, w, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0),
        plain->data[node->inputs[1]], UMBRA_NOW, &mw);
    arguments[1] = (dnnl_exec_arg_t){DNNL_ARG_WEIGHTS, mw};
    if (status == UMBRA_OK)
        status = umbra_step_append(node, step, pd, arguments, count);
    dnnl_primitive_desc_destroy(pd);
    step->run = umbra_plain_run_primitives;
    return status;
}

/* x as rows of features, whatever its leading dimensions. */
umbra_status umbra_plain_dense(umbra_plain *plain, const umbra_node *node, umbra_step *step)
{
    const umbra_shape *ws = &plain->graph->values[node->inputs[1]].shape;
    int64_t out = ws->dim[0], in = ws->dim[1];
    int64_t rows = umbra_shape_elements(&plain->graph->values[node->output].shape) / out;
    int64_t wd[2] = {out, in}, xd[2] = {rows, in}, yd[2] = {rows, out}, bd[1] = {out};
    bool has_bias = node->input_count > 2;
    dnnl_memory_desc_t x, y, w, b, any;
    dnnl_memory_t mx, my, mb = NULL;
    UMBRA_TRY(umbra_plain_desc(node, xd, 2, &x));
    UMBRA_TRY(umbra_plain_desc(node, yd, 2, &y));
    UMBRA_TRY(umbra_plain_desc(node, wd, 2, &w));
    UMBRA_TRY(umbra_plain_desc(node, bd, 1, &b));
    UMBRA_TRY(umbra_plain_tagged_desc(node, wd, 2, dnnl_format_tag_any, &any));
    UMBRA_TRY(umbra_step_memory(plain, node, step, &x, plain->data[node->inputs[0]], &mx));
    UMBRA_TRY(umbra_step_memory(plain, node, step, &y, plain->data[node->output], &my));
    if (has_bias)
        UMBRA_TRY(umbra_step_memory(plain, node, step, &b, plain->data[node->inputs[2]], &mb));
    dnnl_inner_product_desc_t op;
    UMBRA_TRY(
        umbra_plain_check(dnnl_inner_product_forward_desc_init(&op, dnnl_forward_inference, &x,
                                                               &any, has_bias ? &b : NULL, &y),
                          node, "a dense layer"));
    dnnl_exec_arg_t arguments[4] = {
        {DNNL_ARG_SRC, mx}, {0, NULL}, {DNNL_ARG_DST, my}, {DNNL_ARG_BIAS, mb}};
    return finish(plain, node, step, &op, &w, arguments, has_bias ? 4 : 3);
}

/* Dimensions with ones in front, so that both operands have the rank of the product. */
static void widen(const umbra_shape *from, int rank, int64_t *dims)
{
    for (int i = 0; i < rank; i++)
        dims[i] = i < rank - from->rank ? 1 : from->dim[i - (rank - from->rank)];
}

umbra_status umbra_plain_matmul(umbra_plain *plain, const umbra_node *node, umbra_step *step)
{
    const umbra_graph *graph = plain->graph;
    const umbra_shape *ys = &graph->values[node->output].shape;
    int64_t ad[UMBRA_MAX_RANK], bd[UMBRA_MAX_RANK];
    int rank = ys->rank;
    dnnl_memory_desc_t a, b, y;
    dnnl_memory_t ma, my;
    widen(&graph->values[node->inputs[0]].shape, rank, ad);
    widen(&graph->values[node->inputs[1]].shape, rank, bd);
    UMBRA_TRY(umbra_plain_desc(node, ad, rank, &a));
    UMBRA_TRY(umbra_plain_desc(node, bd, rank, &b));
    UMBRA_TRY(umbra_plain_desc(node, ys->dim, rank, &y));
    UMBRA_TRY(umbra_step_memory(plain, node, step, &a, plain->data[node->inputs[0]], &ma));
    UMBRA_TRY(umbra_step_memory(plain, node, step, &y, plain->data[node->output], &my));
    dnnl_matmul_desc_t op;
    UMBRA_TRY(
        umbra_plain_check(dnnl_matmul_desc_init(&op, &a, &b, NULL, &y), node, "a matrix product"));
    dnnl_exec_arg_t arguments[3] = {{DNNL_ARG_SRC, ma}, {0, NULL}, {DNNL_ARG_DST, my}};
    return finish(plain, node, step, &op, &b, arguments, 3);
}
