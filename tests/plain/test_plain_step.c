/* Tests of src/plain/plain_step.c and executor.c: an image leaves no trace in memory that is freed.
 */
#include "check.h"

#include "base/memory.h"
#include "onnx_writer.h"
#include "plain/executor.h"

#include <malloc.h>
#include <oneapi/dnnl/dnnl.h>

#define PIXEL 0.71340942f /* of the whole image, and of nothing else */
#define CHANNELS 16
#define SIDE 24
#define COUNT ((size_t)CHANNELS * SIDE * SIDE)

static size_t freed, traces, reordered; /* blocks seen, pixels in them, reordered copies */

static size_t count_pixels(const void *bytes, size_t size)
{
    size_t count = 0;
    const float pixel = PIXEL;
    for (const unsigned char *at = bytes; size >= sizeof pixel;
         at += sizeof pixel, size -= sizeof pixel)
        count += memcmp(at, &pixel, sizeof pixel) == 0;
    return count;
}

/* The linker sends every call to these (CMakeLists.txt). */
void __real_umbra_memory_free(void *p);
void __wrap_umbra_memory_free(void *p);
dnnl_status_t __real_dnnl_memory_destroy(dnnl_memory_t memory);
dnnl_status_t __wrap_dnnl_memory_destroy(dnnl_memory_t memory);

void __wrap_umbra_memory_free(void *p)
{
    if (p != NULL) {
        freed++;
        traces += count_pixels(p, malloc_usable_size(p));
    }
    __real_umbra_memory_free(p);
}

dnnl_status_t __wrap_dnnl_memory_destroy(dnnl_memory_t memory)
{
    const dnnl_memory_desc_t *desc;
    void *bytes = NULL;
    assert_int_equal(dnnl_memory_get_memory_desc(memory, &desc), dnnl_success);
    assert_int_equal(dnnl_memory_get_data_handle(memory, &bytes), dnnl_success);
    reordered++;
    traces += count_pixels(bytes, dnnl_memory_desc_get_size(desc));
    return __real_dnnl_memory_destroy(memory);
}

static umbra_graph *make_graph(onnx_writer *w)
{
    umbra_graph *graph;
    onnx_writer_input(w, "x", "1,16,24,24");
    onnx_writer_constant(w, "w", "32,16,3,3", NULL);
    onnx_writer_node(w, "Transpose", "x", "turned");
    Onnx__NodeProto *node = onnx_writer_node(w, "Conv", "x w", "y");
    onnx_writer_ints(w, node, "pads", "1,1,1,1");
    onnx_writer_output(w, "y");
    onnx_writer_output(w, "turned");
    check_ok(onnx_writer_import(w, &graph));
    return graph;
}

static void an_image_is_wiped(void **state)
{
    (void)state;
    static float x[COUNT];
    const float *inputs[1] = {x};
    umbra_plain *plain;
    onnx_writer *w = onnx_writer_new(13);
    umbra_graph *graph = make_graph(w);
    for (size_t i = 0; i < COUNT; i++)
        x[i] = PIXEL;
    check_ok(umbra_plain_new(&plain, graph, 1));
    check_ok(umbra_plain_run(plain, inputs));
    const float *turned = umbra_plain_value(plain, umbra_graph_find_value(graph, "turned"));
    const float *input = umbra_plain_value(plain, graph->inputs[0]);
    assert_int_equal(count_pixels(turned, COUNT * sizeof *turned), COUNT);
    assert_int_equal(count_pixels(input, COUNT * sizeof *input), COUNT);
    freed = traces = reordered = 0;
    umbra_plain_free(plain);
    assert_true(freed > 3 && reordered > 3); /* the counting itself */
    assert_int_equal(traces, 0);
    umbra_graph_free(graph);
    onnx_writer_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_image_is_wiped)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
