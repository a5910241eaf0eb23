/* A small CSV table: comma-separated, optional double quotes, first line names the columns. */
#include "cli/table.h"

#include "base/checked.h"
#include "base/memory.h"
#include "wire/file.h"

#include <stdbool.h>
#include <string.h>

#define MAX_TABLE_BYTES ((size_t)64 << 20)

/* Cut one cell at *cursor in place; *end_of_line tells whether it was the last of its line. */
static char *next_cell(char **cursor, int *end_of_line)
{
    char *from = *cursor, *start = from, *to = from;
    if (*from == '"') {
        from++;
        start = to = from;
        while (*from != '\0' && !(from[0] == '"' && from[1] != '"')) {
            from += from[0] == '"'; /* a doubled quote stands for one */
            *to++ = *from++;
        }
        from += *from == '"';
        while (*from != '\0' && *from != ',' && *from != '\n')
            from++;
    } else {
        while (*from != '\0' && *from != ',' && *from != '\n')
            from++;
        to = from;
    }
    *end_of_line = *from != ',';
    *cursor = *from == '\0' ? from : from + 1;
    if (to > start && to[-1] == '\r')
        to--;
    *to = '\0';
    return start;
}

static umbra_status read_text(const char *path, char **out)
{
    umbra_file_copy content = {0};
    UMBRA_TRY(umbra_file_load(path, &content));
    umbra_status status = UMBRA_OK;
    void *memory = NULL;
    if (content.size == 0 || content.size > MAX_TABLE_BYTES)
        status = umbra_fail(UMBRA_E_INPUT, "%s: a table has 1 to %zu bytes, this one %zu", path,
                            MAX_TABLE_BYTES, content.size);
    else if (memchr(content.bytes, '\0', content.size) != NULL)
        status = umbra_fail(UMBRA_E_INPUT, "%s: not a text file", path);
    else
        status = umbra_memory_alloc(&memory, content.size + 1, "table");
    if (status == UMBRA_OK) {
        memcpy(memory, content.bytes, content.size);
        *out = memory;
    }
    umbra_file_unload(&content);
    return status;
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n' || text[1] == '\0';
    return lines;
}

/* Of the first line, by the rules of next_cell. */
static size_t count_columns(const char *text)
{
    size_t columns = 1;
    bool starts = true, quoted = false;
    for (; *text != '\0' && (quoted || *text != '\n'); text++) {
        if (*text == '"' && (starts || quoted))
            quoted = !quoted; /* a doubled quote leaves and enters again */
        starts = !quoted && *text == ',';
        columns += starts;
    }
    return columns;
}

/* Spreadsheets leave empty lines at the end, and a byte order mark at the beginning. */
static char *skip_empty_lines(char *cursor)
{
    while (cursor[0] == '\n' || (cursor[0] == '\r' && cursor[1] == '\n'))
        cursor += cursor[0] == '\n' ? 1 : 2;
    return cursor;
}

static char *skip_byte_order_mark(char *text)
{
    return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

static umbra_status cut(umbra_table *table, const char *path)
{
    char *cursor = skip_byte_order_mark(table->text);
    size_t line = 0;
    while (*(cursor = skip_empty_lines(cursor)) != '\0') {
        int end = 0;
        for (size_t c = 0; c < table->columns; c++) {
            if (end)
                return umbra_fail(UMBRA_E_INPUT, "%s: line %zu has %zu cells, the header %zu", path,
                                  line + 1, c, table->columns);
            table->cell[line * table->columns + c] = next_cell(&cursor, &end);
        }
        if (!end)
            return umbra_fail(UMBRA_E_INPUT, "%s: line %zu has more than the header's %zu cells",
                              path, line + 1, table->columns);
        line++;
    }
    if (line == 0)
        return umbra_fail(UMBRA_E_INPUT, "%s: holds only empty lines", path);
    table->rows = line - 1;
    return UMBRA_OK;
}

umbra_status umbra_table_read(const char *path, umbra_table *out)
{
    umbra_table table = {0};
    UMBRA_TRY(read_text(path, &table.text));
    table.columns = count_columns(skip_empty_lines(skip_byte_order_mark(table.text)));
    size_t cells = 0;
    void *memory = NULL;
    umbra_status status = UMBRA_OK;
    if (!umbra_size_mul(count_lines(table.text), table.columns, &cells))
        status = umbra_fail(UMBRA_E_INPUT, "%s: too many cells", path);
    if (status == UMBRA_OK)
        status = umbra_memory_alloc_array(&memory, cells, sizeof *table.cell, "table");
    table.cell = memory;
    if (status == UMBRA_OK)
        status = cut(&table, path);
    if (status != UMBRA_OK)
        umbra_table_free(&table);
    else
        *out = table;
    return status;
}

void umbra_table_free(umbra_table *table)
{
    umbra_memory_free(table->text);
    umbra_memory_free(table->cell);
    *table = (umbra_table){0};
}

int umbra_table_column(const umbra_table *table, const char *name)
{
    for (size_t c = 0; c < table->columns; c++)
        if (strcmp(table->cell[c], name) == 0)
            return (int)c;
    return -1;
}

const char *umbra_table_cell(const umbra_table *table, size_t row, int column)
{
    return table->cell[(row + 1) * table->columns + (size_t)column];
}

long umbra_table_find(const umbra_table *table, int column, const char *text)
{
    for (size_t r = 0; r < table->rows; r++)
        if (strcmp(umbra_table_cell(table, r, column), text) == 0)
            return (long)r;
    return -1;
}
