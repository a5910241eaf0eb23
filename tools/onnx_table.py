#!/usr/bin/env python3
"""docs/onnx-outcomes.md from the data of ../shared: written anew, or checked with --check.

usage: tools/onnx_table.py [--check] [BUILD]

Runs BUILD/bin/test_operators and BUILD/bin/onnx_outcomes (BUILD is build/). The differences to ONNX Runtime come
from docs/onnxruntime.csv, which tools/compare_onnxruntime.js writes. Exit code 77 where the data is absent."""
import csv
import difflib
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "onnx-outcomes.md"
RUNTIME = ROOT / "docs" / "onnxruntime.csv"
TOLERANCE = 1e-5

HEAD = """# What becomes of foreign ONNX files

Written by `tools/onnx_table.py`, which a test compares with this file: what the importer, the plaintext executor and
the planner make of the ONNX project's operator tests and of {count} models that others have exported. What the words
mean is in [operators.md](operators.md).

Of the {count} models {read} are read, {plain} run in plaintext, {encrypted} can be planned for encryption as they are,
and {refused} are not read. Of those that run, {compared} were compared with ONNX Runtime (onnxruntime-node 1.30, on
numbers from -1 to 1; `tools/compare_onnxruntime.js`): the largest difference of an output is {worst:.1e} of the largest
number of the outputs, where {tolerance:.0e} is tolerated; {exact} agree exactly. {constant} others have outputs that
are constants or integers, and {foreign} ONNX Runtime does not run.

## Operator tests

Every test of an operator in this list passes, unless it is of a variant that is refused on purpose: three spatial
dimensions, training mode, interpolation, indices of maxima, integers, sequences, empty tensors.

| operator | tests passed | refused on purpose |
|---|---|---|
{operators}

## Models

Plaintext and encrypted: *yes*, or each reason with the number of nodes that have it. *Encrypted: yes* means that every
node can be evaluated under encryption; whether there are parameters for all of them together is for `umbra plan` to say.

| model | plaintext | encrypted | difference to ONNX Runtime |
|---|---|---|---|
{models}
"""


def run(build):
    """Lines about operators, and about models; None where the data is absent."""
    with tempfile.NamedTemporaryFile(mode="r", suffix=".md") as table:
        environment = dict(os.environ, UMBRA_TABLE=table.name, LC_ALL="C")
        done = subprocess.run([build / "bin" / "test_operators"], cwd=ROOT, env=environment, capture_output=True,
                              text=True)
        if done.returncode not in (0, 77):
            sys.exit(f"onnx_table: test_operators failed:\n{done.stdout}{done.stderr}")
        operators = table.read()
    done = subprocess.run([build / "bin" / "onnx_outcomes"], cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode == 77 or operators == "":
        print(f"skipped: {done.stderr.strip() or 'no operator tests'}")
        sys.exit(77)
    if done.returncode != 0:
        sys.exit(f"onnx_outcomes failed: {done.stderr}")
    return operators, done.stdout


def table(build):
    operators, models = run(build)
    with open(RUNTIME, encoding="utf-8", newline="") as file:
        runtime = {row[0]: row[1] for row in csv.reader(file)}
    lines, rows = [], []
    for line in models.splitlines():
        name, plain, encrypted = (cell.strip() for cell in line.strip("|").split("|"))
        rows.append((name, plain, encrypted))
        lines.append(f"| {name} | {plain} | {encrypted} | {runtime.get(name, '')} |")
    running = [row for row in rows if row[1] == "yes"]
    numbers = [float(runtime[row[0]]) for row in running if row[0] in runtime and runtime[row[0]][0].isdigit()]
    foreign = [row for row in running if runtime.get(row[0], "").startswith("refused")]
    if not numbers or max(numbers) > TOLERANCE:
        sys.exit(f"{RUNTIME}: a difference of {max(numbers, default=-1)}; tolerated are {TOLERANCE}")
    return HEAD.format(count=len(rows), read=sum(row[2] != "not read" for row in rows), plain=len(running),
                       encrypted=sum(row[2] == "yes" for row in rows),
                       refused=sum(row[2] == "not read" for row in rows), compared=len(numbers), worst=max(numbers),
                       tolerance=TOLERANCE, exact=sum(n == 0 for n in numbers), foreign=len(foreign),
                       constant=len(running) - len(numbers) - len(foreign), operators=operators.rstrip(),
                       models="\n".join(lines))


def main(words):
    check = "--check" in words
    words = [word for word in words if word != "--check"]
    text = table(pathlib.Path(words[0] if words else ROOT / "build").resolve())
    if not check:
        TABLE.write_text(text, encoding="utf-8")
        return
    old = TABLE.read_text(encoding="utf-8")
    if old != text:
        print("\n".join(list(difflib.unified_diff(old.splitlines(), text.splitlines(), "documented", "found",
                                                  lineterm="", n=0))[:40]))
        sys.exit(f"{TABLE} is not current: run tools/onnx_table.py")


if __name__ == "__main__":
    main(sys.argv[1:])
