/* A pass keeps the function that a graph computes. */
#include "same_function.h"

#include "base/memory.h"
#include "check.h"
#include "graph/build.h"
#include "plain/executor.h"

#include <math.h>

#define MAX_INPUTS 8

static umbra_plain *run(const umbra_graph *graph, const float *const *inputs)
{
    umbra_plain *plain;
    check_ok(umbra_plain_new(&plain, graph, 1));
    check_ok(umbra_plain_run(plain, inputs));
    return plain;
}

static void compare(const umbra_graph *a, const umbra_plain *pa, const umbra_graph *b,
                    const umbra_plain *pb)
{
    assert_int_equal(a->output_count, b->output_count);
    for (int i = 0; i < a->output_count; i++) {
        const umbra_value *va = &a->values[a->outputs[i]], *vb = &b->values[b->outputs[i]];
        const float *xa = umbra_plain_value(pa, a->outputs[i]);
        const float *xb = umbra_plain_value(pb, b->outputs[i]);
        double scale = 1.0;
        assert_string_equal(va->name, vb->name);
        assert_int_equal(umbra_shape_elements(&va->shape), umbra_shape_elements(&vb->shape));
        for (int64_t k = 0; k < umbra_shape_elements(&va->shape); k++)
            scale = fmax(scale, fabs((double)xa[k]));
        for (int64_t k = 0; k < umbra_shape_elements(&va->shape); k++)
            assert_true(fabs((double)xa[k] - (double)xb[k]) <= 1e-5 * scale);
    }
}

umbra_graph *check_same_function(onnx_writer *w, graph_pass pass)
{
    umbra_graph *before, *after;
    const float *inputs[MAX_INPUTS] = {NULL};
    uint32_t random = 7;
    check_ok(onnx_writer_import(w, &before));
    check_ok(onnx_writer_import(w, &after));
    check_ok(pass(after));
    assert_int_equal(before->input_count, after->input_count);
    for (int i = 0; i < before->input_count; i++) {
        void *data;
        size_t count = (size_t)umbra_shape_elements(&before->values[before->inputs[i]].shape);
        check_ok(umbra_memory_alloc_array(&data, count, sizeof(float), "an input"));
        for (size_t k = 0; k < count; k++) {
            random = random * 1664525u + 1013904223u;
            ((float *)data)[k] = (float)(random >> 8) / 4194304.0f - 2.0f;
        }
        inputs[i] = data;
    }
    umbra_plain *pa = run(before, inputs), *pb = run(after, inputs);
    compare(before, pa, after, pb);
    umbra_plain_free(pa);
    umbra_plain_free(pb);
    for (int i = 0; i < before->input_count; i++)
        umbra_memory_free((void *)inputs[i]);
    umbra_graph_free(before);
    return after;
}

void check_counted(onnx_writer *w, const char *shape, const float *want)
{
    umbra_graph *graph;
    char text[UMBRA_SHAPE_TEXT];
    check_ok(onnx_writer_import(w, &graph));
    assert_int_equal(graph->input_count, 1);
    assert_int_equal(graph->output_count, 1);
    size_t count = (size_t)umbra_shape_elements(&graph->values[graph->inputs[0]].shape);
    void *data;
    check_ok(umbra_memory_alloc_array(&data, count, sizeof(float), "an input"));
    const float *inputs[1] = {data};
    for (size_t i = 0; i < count; i++)
        ((float *)data)[i] = (float)(i + 1);
    umbra_plain *plain = run(graph, inputs);
    const umbra_shape *out = &graph->values[graph->outputs[0]].shape;
    assert_string_equal(umbra_shape_text(out, text), shape);
    const float *got = umbra_plain_value(plain, graph->outputs[0]);
    for (int64_t i = 0; i < umbra_shape_elements(out); i++)
        if (!(fabs((double)got[i] - (double)want[i]) < 1e-5))
            fail_msg("element %lld is %g, expected %g", (long long)i, (double)got[i],
                     (double)want[i]);
    umbra_plain_free(plain);
    umbra_memory_free(data);
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

int count_nodes(const umbra_graph *graph, umbra_op op)
{
    int count = 0;
    for (int i = 0; i < graph->node_count; i++)
        count += graph->nodes[i].op == op;
    return count;
}

const umbra_node *only_node(const umbra_graph *graph, umbra_op op)
{
    assert_int_equal(count_nodes(graph, op), 1);
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op == op)
            return &graph->nodes[i];
    return NULL;
}
