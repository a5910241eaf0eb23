/* The byte form of parameters: docs/formats/params.md. */
#include "ckks/internal.h"

void umbra_params_write(const umbra_params *params, umbra_writer *writer)
{
    umbra_params_write_literal(&params->literal, writer);
}

void umbra_params_write_literal(const umbra_params_literal *literal, umbra_writer *writer)
{
    umbra_write_u8(writer, (uint8_t)literal->degree_log2);
    umbra_write_u8(writer, (uint8_t)literal->prime_count);
    umbra_write_u8(writer, (uint8_t)literal->special_count);
    umbra_write_u8(writer, (uint8_t)literal->level_count);
    for (int i = 0; i < literal->prime_count; i++)
        umbra_write_u64(writer, literal->primes[i]);
    for (int i = 0; i < literal->special_count; i++)
        umbra_write_u64(writer, literal->special[i]);
    for (int i = 0; i < literal->level_count; i++) {
        umbra_write_u64(writer, literal->levels[i].prime_set);
        umbra_write_f64(writer, literal->levels[i].scale_log2);
    }
}

umbra_status umbra_params_read(umbra_reader *reader, umbra_params **out)
{
    umbra_params_literal l = {0};
    l.degree_log2 = umbra_read_u8(reader);
    l.prime_count = umbra_read_u8(reader);
    l.special_count = umbra_read_u8(reader);
    l.level_count = umbra_read_u8(reader);
    if (l.prime_count > UMBRA_MAX_PRIMES || l.special_count > UMBRA_MAX_SPECIAL ||
        l.level_count > UMBRA_MAX_LEVELS)
        return umbra_fail(UMBRA_E_INPUT,
                          "%s: parameters with %d data primes, %d special primes and %d levels; at "
                          "most %d, %d and %d are possible",
                          reader->name, l.prime_count, l.special_count, l.level_count,
                          UMBRA_MAX_PRIMES, UMBRA_MAX_SPECIAL, UMBRA_MAX_LEVELS);
    for (int i = 0; i < l.prime_count; i++)
        l.primes[i] = umbra_read_u64(reader);
    for (int i = 0; i < l.special_count; i++)
        l.special[i] = umbra_read_u64(reader);
    for (int i = 0; i < l.level_count; i++) {
        l.levels[i].prime_set = umbra_read_u64(reader);
        l.levels[i].scale_log2 = umbra_read_f64(reader);
    }
    UMBRA_TRY(umbra_reader_check(reader, "parameters"));
    umbra_status status = umbra_params_new(out, &l);
    return status == UMBRA_OK ? status : umbra_fail_within(status, "%s", reader->name);
}
