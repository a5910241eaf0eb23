/* A small CSV table: comma-separated, optional double quotes, first line names the columns. */
#ifndef UMBRA_CLI_TABLE_H
#define UMBRA_CLI_TABLE_H

#include "umbra/status.h"

#include <stddef.h>

typedef struct umbra_table {
    char *text;  /* one block; cells point into it */
    char **cell; /* (rows + 1) * columns; row 0 is the header */
    size_t rows, columns;
} umbra_table;

/* At most 64 MiB. Every row must have as many cells as the header: UMBRA_E_INPUT names the line. */
umbra_status umbra_table_read(const char *path, umbra_table *out) UMBRA_MUST_USE;
void umbra_table_free(umbra_table *table);
int umbra_table_column(const umbra_table *table, const char *name); /* -1: none */
const char *umbra_table_cell(const umbra_table *table, size_t row, int column);
/* The row whose cell in `column` is `text`, -1: none. */
long umbra_table_find(const umbra_table *table, int column, const char *text);

#endif
