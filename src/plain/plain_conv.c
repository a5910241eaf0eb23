/* Convolution and transposed convolution, in the layouts that oneDNN likes best. */
#include "plain/plain_internal.h"

/* Everything as two-dimensional images: a sequence is an image of width 1. */
typedef struct conv_shape {
    int64_t x[4], y[4], w[5], bias[1];
    int w_rank;
    dnnl_dims_t strides, dilates, begins, ends;
} conv_shape;

static conv_shape describe(const umbra_graph *graph, const umbra_node *node)
{
    const umbra_shape *x = &graph->values[node->inputs[0]].shape;
    const umbra_shape *y = &graph->values[node->output].shape;
    const umbra_shape *w = &graph->values[node->inputs[1]].shape;
    bool transposed = node->op == UMBRA_OP_CONV_TRANSPOSE;
    int64_t g = node->attr.groups;
    conv_shape s = {.w_rank = g > 1 ? 5 : 4, .bias = {y->dim[1]}};
    for (int i = 0; i < 4; i++) {
        s.x[i] = i < x->rank ? x->dim[i] : 1;
        s.y[i] = i < y->rank ? y->dim[i] : 1;
    }
    int64_t *wd = s.w;
    if (g > 1)
        *wd++ = g;
    wd[0] = transposed ? w->dim[1] : w->dim[0] / g;
    wd[1] = transposed ? w->dim[0] / g : w->dim[1];
    for (int i = 0; i < 2; i++) {
        wd[2 + i] = i + 2 < w->rank ? w->dim[i + 2] : 1;
        s.strides[i] = node->attr.strides[i];
        s.dilates[i] = node->attr.dilations[i] - 1;
        s.begins[i] = node->attr.pads[i];
        s.ends[i] = node->attr.pads[i + 2] - (transposed ? node->attr.output_padding[i] : 0);
    }
    return s;
}

/* ONNX keeps transposed weights as [I, O/g, kh, kw]: the two channel dimensions are exchanged. */
static umbra_status weight_desc(const umbra_node *node, const conv_shape *s,
                                dnnl_memory_desc_t *out)
{
    if (node->op == UMBRA_OP_CONV)
        return umbra_plain_desc(node, s->w, s->w_rank, out);
    return umbra_plain_tagged_desc(node, s->w, s->w_rank, s->w_rank == 5 ? dnnl_giohw : dnnl_iohw,
                                   out);
}

static umbra_status make_desc(umbra_plain *plain, const umbra_node *node, const conv_shape *s,
                              bool has_bias, dnnl_primitive_desc_t *out)
{
    dnnl_memory_desc_t x, y, w, b;
    UMBRA_TRY(umbra_plain_tagged_desc(node, s->x, 4, dnnl_format_tag_any, &x));
    UMBRA_TRY(umbra_plain_tagged_desc(node, s->y, 4, dnnl_format_tag_any, &y));
    UMBRA_TRY(umbra_plain_tagged_desc(node, s->w, s->w_rank, dnnl_format_tag_any, &w));
    UMBRA_TRY(umbra_plain_desc(node, s->bias, 1, &b));
    union {
        dnnl_convolution_desc_t conv;
        dnnl_deconvolution_desc_t deconv;
    } op;
    dnnl_status_t status;
    if (node->op == UMBRA_OP_CONV)
        status = dnnl_dilated_convolution_forward_desc_init(
            &op.conv, dnnl_forward_inference, dnnl_convolution_auto, &x, &w, has_bias ? &b : NULL,
            &y, s->strides, s->dilates, s->begins, s->ends);
    else
        status = dnnl_dilated_deconvolution_forward_desc_init(
            &op.deconv, dnnl_forward_inference, dnnl_deconvolution_direct, &x, &w,
            has_bias ? &b : NULL, &y, s->strides, s->dilates, s->begins, s->ends);
    UMBRA_TRY(umbra_plain_check(status, node, "a convolution"));
    return umbra_plain_check(dnnl_primitive_desc_create(out, &op, NULL, plain->engine, NULL), node,
                             "a convolution");
}

static umbra_status bind(umbra_plain *plain, const umbra_node *node, umbra_step *step,
                         const conv_shape *s, const_dnnl_primitive_desc_t pd)
{
    dnnl_memory_desc_t x, y, w, b;
    dnnl_memory_t mx, my, mw, mb;
    bool has_bias = node->input_count > 2;
    UMBRA_TRY(umbra_plain_desc(node, s->x, 4, &x));
    UMBRA_TRY(umbra_plain_desc(node, s->y, 4, &y));
    UMBRA_TRY(weight_desc(node, s, &w));
    UMBRA_TRY(umbra_step_input(plain, node, step, &w,
                               dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0),
                               plain->data[node->inputs[1]], UMBRA_NOW, &mw));
    UMBRA_TRY(umbra_step_input(plain, node, step, &x,
                               dnnl_primitive_desc_query_md(pd, dnnl_query_src_md, 0),
                               plain->data[node->inputs[0]], UMBRA_EVERY_RUN, &mx));
    UMBRA_TRY(umbra_step_output(plain, node, step, &y,
                                dnnl_primitive_desc_query_md(pd, dnnl_query_dst_md, 0), &my));
    dnnl_exec_arg_t arguments[4] = {{DNNL_ARG_SRC, mx}, {DNNL_ARG_WEIGHTS, mw}, {DNNL_ARG_DST, my}};
    if (has_bias) {
        UMBRA_TRY(umbra_plain_desc(node, s->bias, 1, &b));
        UMBRA_TRY(umbra_step_memory(plain, node, step, &b, plain->data[node->inputs[2]], &mb));
        arguments[3] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, mb};
    }
    UMBRA_TRY(umbra_step_append(node, step, pd, arguments, has_bias ? 4 : 3));
    return umbra_step_output_finish(plain, node, step, &y, my);
}

umbra_status umbra_plain_conv(umbra_plain *plain, const umbra_node *node, umbra_step *step)
{
    conv_shape s = describe(plain->graph, node);
    dnnl_primitive_desc_t pd;
    UMBRA_TRY(make_desc(plain, node, &s, node->input_count > 2, &pd));
    umbra_status status = bind(plain, node, step, &s, pd);
    dnnl_primitive_desc_destroy(pd);
    step->run = umbra_plain_run_primitives;
    return status;
}
