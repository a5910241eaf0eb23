/* Functions of single elements: activations and softmax by oneDNN, polynomials by a loop. */
#include "plain/plain_internal.h"

static umbra_status append_unary(umbra_plain *plain, const umbra_node *node, umbra_step *step,
                                 const void *op, const dnnl_memory_desc_t *desc)
{
    dnnl_primitive_desc_t pd;
    dnnl_memory_t mx, my;
    UMBRA_TRY(umbra_step_memory(plain, node, step, desc, plain->data[node->inputs[0]], &mx));
    UMBRA_TRY(umbra_step_memory(plain, node, step, desc, plain->data[node->output], &my));
    UMBRA_TRY(umbra_plain_check(dnnl_primitive_desc_create(&pd, op, NULL, plain->engine, NULL),
                                node, "an activation"));
    dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_SRC, mx}, {DNNL_ARG_DST, my}};
    umbra_status status = umbra_step_append(node, step, pd, arguments, 2);
    dnnl_primitive_desc_destroy(pd);
    step->run = umbra_plain_run_primitives;
    return status;
}

umbra_status umbra_plain_eltwise(umbra_plain *plain, const umbra_node *node, umbra_step *step)
{
    int64_t count = umbra_shape_elements(&plain->graph->values[node->output].shape);
    dnnl_alg_kind_t kind = node->op == UMBRA_OP_RELU      ? dnnl_eltwise_relu
                           : node->op == UMBRA_OP_SIGMOID ? dnnl_eltwise_logistic
                           : node->op == UMBRA_OP_TANH    ? dnnl_eltwise_tanh
                                                          : dnnl_eltwise_swish;
    float alpha = node->op == UMBRA_OP_SILU ? 1.0f : 0.0f;
    dnnl_memory_desc_t desc;
    dnnl_eltwise_desc_t op;
    UMBRA_TRY(umbra_plain_desc(node, &count, 1, &desc));
    UMBRA_TRY(umbra_plain_check(
        dnnl_eltwise_forward_desc_init(&op, dnnl_forward_inference, kind, &desc, alpha, 0.0f), node,
        "an activation"));
    return append_unary(plain, node, step, &op, &desc);
}

umbra_status umbra_plain_softmax(umbra_plain *plain, const umbra_node *node, umbra_step *step)
{
    const umbra_shape *shape = &plain->graph->values[node->output].shape;
    dnnl_memory_desc_t desc;
    dnnl_softmax_desc_t op;
    UMBRA_TRY(umbra_plain_desc(node, shape->dim, shape->rank, &desc));
    UMBRA_TRY(umbra_plain_check(
        dnnl_softmax_forward_desc_init(&op, dnnl_forward_inference, &desc, (int)node->attr.axis),
        node, "softmax"));
    return append_unary(plain, node, step, &op, &desc);
}

umbra_status umbra_plain_run_polynomial(const umbra_plain *plain, const umbra_node *node,
                                        const umbra_step *step)
{
    (void)step;
    const float *restrict x = plain->data[node->inputs[0]];
    float *restrict y = plain->data[node->output];
    int64_t count = umbra_shape_elements(&plain->graph->values[node->output].shape);
    float c[UMBRA_MAX_DEGREE + 1];
    int degree = node->attr.degree;
    for (int k = 0; k <= degree; k++)
        c[k] = (float)node->attr.coefficient[k];
    if (degree == 2) {
        for (int64_t i = 0; i < count; i++)
            y[i] = (c[2] * x[i] + c[1]) * x[i] + c[0];
        return UMBRA_OK;
    }
    for (int64_t i = 0; i < count; i++) {
        float sum = c[degree];
        for (int k = degree - 1; k >= 0; k--)
            sum = sum * x[i] + c[k];
        y[i] = sum;
    }
    return UMBRA_OK;
}
