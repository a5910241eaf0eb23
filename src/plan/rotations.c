/* Rotations as sums of two or three, so that few keys make many. */
#include "plan/rotations.h"

#include <math.h>
#include <stdlib.h>

#define DECOMPOSITION_WORTH 0.5 /* of a decomposition, in keys */
#define DIVISION_WORTH 0.1      /* of a division by the special primes */
#define KEYS_MOST 512           /* that are told apart; more are too many in any case */

typedef struct key_list {
    int64_t slots[KEYS_MOST];
    int count;
} key_list;

static void add_key(key_list *keys, int64_t slots)
{
    int i = 0;
    while (i < keys->count && keys->slots[i] != slots)
        i++;
    if (slots == 0 || i == KEYS_MOST)
        return;
    keys->slots[i] = slots;
    keys->count += i == keys->count;
}

int64_t umbra_rotation_centred(int64_t x, int64_t slots)
{
    return ((x + slots / 2) & (slots - 1)) - slots / 2;
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int by_digits(const void *a, const void *b)
{
    const umbra_rotation *x = a, *y = b;
    int order = x->group - y->group;
    order = order != 0 ? order : compare(x->high, y->high);
    order = order != 0 ? order : compare(x->middle, y->middle);
    return order != 0 ? order : compare(x->low, y->low);
}

static void cut(umbra_rotation *r, size_t count, int64_t low, int64_t middle)
{
    for (size_t i = 0; i < count; i++) {
        r[i].low = umbra_rotation_centred(r[i].slots, low);
        r[i].middle = umbra_rotation_centred(r[i].slots - r[i].low, middle);
        r[i].high = r[i].slots - r[i].low - r[i].middle;
    }
    qsort(r, count, sizeof *r, by_digits);
}

static bool same_high(const umbra_rotation *a, const umbra_rotation *b)
{
    return a->group == b->group && a->high == b->high;
}

static bool same_middle(const umbra_rotation *a, const umbra_rotation *b)
{
    return same_high(a, b) && a->middle == b->middle;
}

/* Keys, and what is decomposed once more than a map does without digits. */
static double cost_of_babies(const umbra_rotation *r, size_t count)
{
    key_list keys = {.count = 0};
    double decompositions = 0;
    bool first_turned = false; /* the input itself, to more than what a map turns */
    for (size_t i = 0; i < count; i++) {
        add_key(&keys, r[i].low);
        add_key(&keys, r[i].middle);
        add_key(&keys, r[i].high);
        /* The last of a run tells whether it held anything but 0, or the first. */
        bool ends_middle = i + 1 == count || !same_middle(&r[i], &r[i + 1]);
        bool ends_high = i + 1 == count || !same_high(&r[i], &r[i + 1]);
        bool starts_middle = i == 0 || !same_middle(&r[i], &r[i - 1]);
        bool starts_high = i == 0 || !same_high(&r[i], &r[i - 1]);
        decompositions += ends_middle && !(starts_middle && r[i].low == 0);
        decompositions += ends_high && r[i].high != 0 && !(starts_high && r[i].middle == 0);
        first_turned = first_turned || r[i].high != 0 || r[i].middle != 0;
        if (i + 1 < count && r[i + 1].group == r[i].group)
            continue;
        decompositions += first_turned;
        first_turned = false;
    }
    return keys.count + DECOMPOSITION_WORTH * decompositions;
}

/* From a digit to the one before it on the way to 0, in an ascending list. */
static int64_t step_to(int64_t digit, int64_t neighbour)
{
    bool beyond = digit > 0 ? neighbour < 0 : neighbour > 0;
    return beyond ? digit : digit - neighbour;
}

/* Keys, and the sums that are divided by the special primes one by one. */
static double cost_of_giants(const umbra_rotation *r, size_t count)
{
    key_list keys = {.count = 0};
    double divisions = 0;
    for (size_t i = 0; i < count; i++) {
        add_key(&keys, r[i].low);
        if (i > 0 && same_middle(&r[i], &r[i - 1]))
            continue;
        divisions += r[i].middle != 0 || r[i].high != 0;
        /* Neighbours among the digits of one group: the next on the way to 0. */
        int64_t before = 0, after = 0;
        for (size_t k = i; k-- > 0 && before == 0 && same_high(&r[k], &r[i]);)
            before = r[k].middle != r[i].middle ? r[k].middle : 0;
        for (size_t k = i + 1; k < count && after == 0 && same_high(&r[k], &r[i]); k++)
            after = r[k].middle != r[i].middle ? r[k].middle : 0;
        add_key(&keys, step_to(r[i].middle, r[i].middle > 0 ? before : after));
        before = after = 0;
        for (size_t k = i; k-- > 0 && before == 0 && r[k].group == r[i].group;)
            before = r[k].high != r[i].high ? r[k].high : 0;
        for (size_t k = i + 1; k < count && after == 0 && r[k].group == r[i].group; k++)
            after = r[k].high != r[i].high ? r[k].high : 0;
        add_key(&keys, step_to(r[i].high, r[i].high > 0 ? before : after));
    }
    return keys.count + DIVISION_WORTH * divisions;
}

/* Whether a radix gives any rotation another digit than the one twice as large; low 0: the lowest
 * digit, else that of what the lowest leaves. */
static bool differs(const umbra_rotation *r, size_t count, int64_t low, int64_t radix,
                    int64_t slots)
{
    for (size_t i = 0; i < count; i++) {
        int64_t rest = r[i].slots - (low > 0 ? umbra_rotation_centred(r[i].slots, low) : 0);
        if (umbra_rotation_centred(rest, radix) != umbra_rotation_centred(rest, 2 * radix))
            return true;
    }
    return radix == slots;
}

void umbra_rotations_cut(umbra_rotation *rotations, size_t count, int64_t slots,
                         umbra_rotation_use use)
{
    double best = INFINITY;
    int64_t best_low = slots, best_middle = slots;
    for (int64_t low = slots; low >= 1; low /= 2) {
        if (!differs(rotations, count, 0, low, slots))
            continue;
        for (int64_t middle = slots; middle >= low; middle /= 2) {
            if (!differs(rotations, count, low, middle, slots))
                continue;
            cut(rotations, count, low, middle);
            double cost = use == UMBRA_ROTATION_BABIES ? cost_of_babies(rotations, count)
                                                       : cost_of_giants(rotations, count);
            if (cost >= best)
                continue;
            best = cost;
            best_low = low;
            best_middle = middle;
        }
    }
    cut(rotations, count, best_low, best_middle);
}
