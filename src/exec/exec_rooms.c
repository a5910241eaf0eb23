/* Rooms: the memory that registers take turns in. */
#include "base/memory.h"
#include "exec/exec_internal.h"

/* A level has the larger modulus than the one below it, and perhaps fewer limbs. */
static int widest_level(const umbra_params *params)
{
    int widest = 0;
    for (int level = 1; level < umbra_params_level_count(params); level++)
        if (umbra_params_level_limbs(params, level) > umbra_params_level_limbs(params, widest))
            widest = level;
    return widest;
}

umbra_status umbra_exec_make_rooms(umbra_exec *exec)
{
    const umbra_simulation *simulation = &exec->plan->simulation;
    const umbra_params *params = exec->plan->params;
    void *rooms = NULL;
    UMBRA_TRY(umbra_memory_alloc_array(&rooms, simulation->room_count + 1,
                                       sizeof(umbra_ciphertext *), "registers"));
    exec->rooms = rooms;
    UMBRA_TRY(umbra_plaintext_new(&exec->bias, params, widest_level(params)));
    for (; exec->room_count < simulation->room_count; exec->room_count++) {
        int level = 0; /* one that has as many limbs */
        while (umbra_params_level_limbs(params, level) != simulation->rooms[exec->room_count])
            level++;
        UMBRA_TRY(umbra_ciphertext_new(&exec->rooms[exec->room_count], params, level, 2));
    }
    return UMBRA_OK;
}

void umbra_exec_free_rooms(umbra_exec *exec)
{
    for (size_t i = 0; i < exec->room_count; i++)
        umbra_ciphertext_free(exec->rooms[i]);
    umbra_memory_free(exec->rooms);
    umbra_plaintext_free(exec->bias);
}

umbra_status umbra_exec_take_room(umbra_cipher_run *r, size_t limbs, umbra_ciphertext **out)
{
    for (size_t i = r->spare_count; i > 0; i--) {
        if (r->spare[i - 1]->room_limbs < limbs)
            continue;
        *out = r->spare[i - 1];
        r->spare[i - 1] = r->spare[--r->spare_count];
        return UMBRA_OK;
    }
    if (r->room_next == r->exec->room_count || r->exec->rooms[r->room_next]->room_limbs < limbs)
        return umbra_fail(UMBRA_E_INTERNAL, "a register of %zu limbs has no room in this plan",
                          limbs);
    *out = r->exec->rooms[r->room_next++];
    return UMBRA_OK;
}
