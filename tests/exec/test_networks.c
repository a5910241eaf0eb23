/* Every network of the paper, with few channels: on slots at four sizes of latents, with tensors of
 * one and of several ciphertexts, and some of them encrypted. */
#include "check_slots.h"
#include "exec_session.h"
#include "small_zoo.h"

typedef enum network { LENET, VGG5, HEFNET, RESNET8, RESNET14, NETWORKS } network;

static umbra_graph *make(network which, int64_t channels, int64_t side, int64_t labels, int *output)
{
    int x;
    umbra_graph *g = small_begin(channels, side, &x);
    *output = which == LENET    ? zoo_lenet(g, x, labels)
              : which == VGG5   ? zoo_vgg5(g, x, labels)
              : which == HEFNET ? zoo_hefnet(g, x, labels)
                                : zoo_resnet(g, x, which == RESNET8 ? 1 : 2, labels);
    return g;
}

static void test_classifiers(void **state)
{
    (void)state;
    static const int64_t latents[3][2] = {{8, 16}, {4, 32}, {3, 64}};
    int most = 0, output;
    for (int n = 0; n < NETWORKS; n++)
        for (int i = 0; i < (n == RESNET14 ? 2 : 3); i++) {
            umbra_graph *g = make((network)n, latents[i][0], latents[i][1], 14 + i % 2, &output);
            slots_result r = check_slots(g, output);
            most = r.most_ciphertexts > most ? r.most_ciphertexts : most;
        }
    assert_true(most > 1);
}

static void test_unet(void **state)
{
    (void)state;
    for (int64_t side = 16; side <= 64; side *= 4) {
        int x;
        umbra_graph *g = small_begin(1, side, &x);
        assert_int_equal(check_slots(g, zoo_unet(g, x)).depth, 11);
    }
}

/* Planes larger than a ciphertext are cut into phases; below them a gap of 1 and 2 again. */
static void test_large_planes(void **state)
{
    (void)state;
    int x;
    umbra_graph *g = small_begin(1, 256, &x);
    int first = small_polynomial(g, "act1", small_conv(g, "down", x, 2, 3, 1));
    x = small_conv(g, "stride", small_average_pool(g, "pool", first), 2, 3, 2);
    x = zoo_raise_and_join(g, "raise1", small_average_pool(g, "pool2", first),
                           small_polynomial(g, "act2", x));
    x = zoo_raise_and_join(g, "raise2", first, small_polynomial(g, "act3", x));
    slots_result r = check_slots(g, small_conv(g, "head", x, 1, 1, 1));
    assert_int_equal(r.most_ciphertexts, 8);
}

static void test_encrypted(void **state)
{
    (void)state;
    for (int n = 0; n < NETWORKS; n++) {
        int output;
        umbra_graph *g = make((network)n, n == LENET ? 4 : 2, n == LENET ? 32 : 16, 14, &output);
        check_ok(umbra_graph_add_output(g, output));
        if (n != RESNET14)
            check_network(g);
        else
            umbra_graph_free(g);
    }
}

/* Squares whose value is read twice, by a pool and by a skip. Ten in a row: an element that is
 * large has large errors too, which the model of errors takes apart. */
static void test_unet_encrypted(void **state)
{
    (void)state;
    int x;
    umbra_graph *g = small_begin(1, 16, &x);
    check_ok(umbra_graph_add_output(g, zoo_unet(g, x)));
    check_network_within(g, -1.5, 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classifiers),    cmocka_unit_test(test_unet),
        cmocka_unit_test(test_large_planes),   cmocka_unit_test(test_encrypted),
        cmocka_unit_test(test_unet_encrypted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
