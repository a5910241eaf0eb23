/* What the machine, and the container around this process, leave to it. */
#ifndef UMBRA_BASE_MACHINE_H
#define UMBRA_BASE_MACHINE_H

#include <stdint.h>

/* Processors that this process may use at once: its affinity, cut by a container's quota; at
 * least 1. */
int umbra_machine_processors(void);

/* Bytes that this process can still take: the least of the machine's free memory, its container's
 * limit and its own address space limit; 0 when unknown. */
uint64_t umbra_memory_available_bytes(void);
/* The most memory that this process has held at once. */
uint64_t umbra_memory_peak_bytes(void);

/* A program calls this first, a library never, for it changes the whole process: no image and no
 * key is left behind in a core dump, and memory that was freed is kept for the next ciphertext
 * instead of being given back and faulted in again (four blocks of 6 MiB: 1.3 ms becomes 0.2 ms).
 */
void umbra_machine_prepare(void);

/* The same readings from files under another root than "/", for tests. */
uint64_t umbra_machine_container_bytes(const char *root);
int umbra_machine_container_processors(const char *root);

#endif
