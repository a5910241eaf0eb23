/* CSV tables as spreadsheets and people write them, and the damage that is refused. */
#include "check.h"

#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static umbra_table table;

static umbra_status read_bytes(const char *text, size_t size)
{
    char path[] = "/tmp/umbra-test-table-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(write(fd, text, size) == (ssize_t)size);
    close(fd);
    umbra_table_free(&table);
    umbra_status status = umbra_table_read(path, &table);
    unlink(path);
    return status;
}

static umbra_status read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void check_cell(size_t row, int column, const char *wanted)
{
    assert_string_equal(umbra_table_cell(&table, row, column), wanted);
}

static void check_two_lines(void)
{
    assert_int_equal(table.rows, 2);
    assert_int_equal(table.columns, 2);
    assert_int_equal(umbra_table_column(&table, "file"), 0);
    assert_int_equal(umbra_table_column(&table, "part"), 1);
    assert_int_equal(umbra_table_column(&table, "Part"), -1);
    check_cell(0, 0, "a.png");
    check_cell(0, 1, "train");
    check_cell(1, 0, "b.png");
    check_cell(1, 1, "");
    assert_int_equal(umbra_table_find(&table, 0, "b.png"), 1);
    assert_int_equal(umbra_table_find(&table, 0, "c.png"), -1);
}

static void reads_every_line_ending(void **state)
{
    (void)state;
    const char *same[] = {
        "file,part\na.png,train\nb.png,\n",
        "file,part\na.png,train\nb.png,",
        "file,part\r\na.png,train\r\nb.png,\r\n",
        ("\xef\xbb\xbf"
         "file,part\r\n\r\na.png,train\r\nb.png,\r\n\r\n\n"),
        "\"file\",\"part\"\n\"a.png\",\"train\"\n\"b.png\",\"\"\n",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        check_ok(read_text(same[i]));
        check_two_lines();
    }
}

static void reads_quotes(void **state)
{
    (void)state;
    check_ok(read_text("a,b,c\n\"1,5\",\"say \"\"so\"\"\",\"two\nlines\"\n"));
    assert_int_equal(table.rows, 1);
    check_cell(0, 0, "1,5");
    check_cell(0, 1, "say \"so\"");
    check_cell(0, 2, "two\nlines");
    check_ok(read_text("\"a,b\",c\n1,2\n"));
    assert_int_equal(umbra_table_column(&table, "a,b"), 0);
}

static void reads_one_column_and_only_a_header(void **state)
{
    (void)state;
    check_ok(read_text("file"));
    assert_int_equal(table.rows, 0);
    check_ok(read_text("file\nx\ny\n"));
    assert_int_equal(table.rows, 2);
    check_cell(1, 0, "y");
}

static void refuses_what_is_no_table(void **state)
{
    (void)state;
    check_fails(UMBRA_E_INPUT, "line 2 has 1 cells, the header 2", read_text("a,b\n1\n"));
    check_fails(UMBRA_E_INPUT, "line 3 has more than the header's 2", read_text("a,b\n1,2\n1,2,3"));
    check_fails(UMBRA_E_INPUT, "not a text file", read_bytes("a,b\n1,\0\n", 8));
    check_fails(UMBRA_E_INPUT, "bytes", read_text(""));
    check_fails(UMBRA_E_INPUT, "empty lines", read_text("\r\n\n"));
    check_fails(UMBRA_E_INPUT, "cannot read", umbra_table_read("/nowhere/labels.csv", &table));
    /* An unclosed quote takes the rest, and is refused or read, but never past the end. */
    check_fails(UMBRA_E_INPUT, "line", read_text("a,b\n\"1,2\n3,4\n"));
    check_ok(read_text("a\n\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_line_ending),
        cmocka_unit_test(reads_quotes),
        cmocka_unit_test(reads_one_column_and_only_a_header),
        cmocka_unit_test(refuses_what_is_no_table),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    umbra_table_free(&table);
    return failed;
}
