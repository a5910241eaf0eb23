#!/usr/bin/env python3
"""Make BENCHMARKS.md from the measurements in bench/results, and those from raw output.

usage: make_benchmarks.py write  [ROOT]        write BENCHMARKS.md
       make_benchmarks.py check  [ROOT]        exit 1 where BENCHMARKS.md is not what write would write
       make_benchmarks.py collect RAW...       print one line a figure: the median over the rounds in RAW
       make_benchmarks.py machine              print the first line of a results file: this machine

bench/results/NAME.jsonl holds one session: a machine line first, then figures. Text and the places of
the tables stand in bench/BENCHMARKS.in.md. bench/results/README.md explains the keys.
"""
import datetime
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys

from network_table import markdown

OPERATIONS = {
    "rotate": "rotate", "rotate_seeded_key": "rotate, key held by its seed", "rotate_hoisted_8": "8 rotations of one ciphertext, hoisted",
    "multiply_relinearise": "multiply and relinearise", "rescale": "rescale",
    "multiply_plain": "multiply by a plaintext", "add": "add", "encode": "encode N/2 numbers",
    "encrypt": "encrypt with the secret key", "ntt_forward": "NTT of one polynomial",
    "ntt_inverse": "inverse NTT of one polynomial",
}
KEYS = {
    "machine": {"session", "cpu", "isa", "cores", "memory_gib", "compiler", "commit", "date", "load",
                "libraries"},
    "primitive": {"library", "name", "ring_degree", "threads", "ns", "rounds"},
    "network": {"network", "latent"},
    "published": {"source", "network", "data", "seconds", "hardware", "setting"},
}
SHAPE = ("data_primes", "special_primes", "digits", "log2_q", "log2_p")
OURS = "Umbra"
MANY_PRIMES = "ntt_forward of 32 primes"


class Fault(Exception):
    pass


def kind_of(line):
    if "session" in line:
        return "machine"
    if "source" in line:
        return "published"
    return "network" if "network" in line else "primitive"


def read_session(path):
    """The lines of one file, each with its kind; a machine line leads all but the published figures."""
    lines = []
    for number, text in enumerate(path.read_text().splitlines(), 1):
        try:
            line = json.loads(text)
        except ValueError as error:
            raise Fault(f"{path.name}:{number}: not JSON: {error}") from error
        if not isinstance(line, dict):
            raise Fault(f"{path.name}:{number}: not a JSON object")
        line["kind"] = kind_of(line)
        missing = KEYS[line["kind"]] - line.keys()
        if missing:
            raise Fault(f"{path.name}:{number}: a {line['kind']} line without {', '.join(sorted(missing))}")
        if any(isinstance(v, float) and not math.isfinite(v) for v in line.values()):
            raise Fault(f"{path.name}:{number}: a number that is not finite")
        if line["kind"] != "published" and (number == 1) != (line["kind"] == "machine"):
            raise Fault(f"{path.name}:{number}: one machine line, at the top, and figures below it")
        lines.append(line)
    return lines


def figure(value):
    """Three significant digits, without an exponent."""
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}" if value >= 100 or value == 0 else f"{value:#.3g}".rstrip(".")


def times(theirs, ours):
    ratio = theirs / ours
    return f"{ratio:.0f}×" if ratio >= 9.5 else f"{ratio:.1f}×"


def table(head, rows, left=1):
    rule = ["---" if i < left else "---:" for i in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def time_of(line):
    """One thread by CPU time, which other load hardly changes; several by the clock."""
    return line["cpu_ns"] if line["threads"] == 1 and line.get("cpu_ns", 0) > 0 else line["ns"]


def security_row(library, line):
    each = f"{line['data_primes']} + {line['special_primes']}"
    return [library, each, figure(line["log2_q"]), figure(line["log2_p"]),
            figure(line["log2_q"] + line["log2_p"]), str(line["digits"])]


def primitive_group(lines):
    """One ring on one number of threads: what was run, and a row for each operation."""
    first = lines[0]
    libraries = sorted({line["library"] for line in lines}, key=lambda name: (name != OURS, name))
    at = {(line["library"], line["name"]): line for line in lines}
    degree = int(math.log2(first["ring_degree"]))
    threads = f"{first['threads']} thread" + ("s" if first["threads"] > 1 else "")
    clock = "CPU time" if first["threads"] == 1 else "by the clock"
    parts = [f"#### N = 2^{degree}, {first.get('data_primes', 0)} data primes in {first.get('digits', 0)} digits, "
             f"{threads}" if "data_primes" in first else f"#### N = 2^{degree}, one prime of 50 bits, {threads}"]
    if "data_primes" in first:
        rows = [security_row(name, next(l for l in lines if l["library"] == name)) for name in libraries]
        parts.append(table(["", "primes, data + special", "log2 Q", "log2 P", "log2 QP", "digits"], rows))
    rows = []
    for name, text in OPERATIONS.items():
        mine = at.get((OURS, name))
        theirs = [at.get((library, name)) for library in libraries[1:]]
        if mine is None or not any(theirs):
            continue
        cells = [text, figure(time_of(mine) * 1e-6)]
        for line in theirs:
            cells += ["–", "–"] if line is None else [figure(time_of(line) * 1e-6), times(time_of(line), time_of(mine))]
        rows.append(cells)
    head = [f"ms, {clock}", OURS]
    for library in libraries[1:]:
        head += [library, "against ours"]
    parts.append(table(head, rows))
    return "\n\n".join(parts)


def primitives(sessions):
    out = []
    for session in sessions:
        groups = {}
        for line in session:
            if line["kind"] == "primitive":
                key = (line["ring_degree"], line.get("data_primes", 99), line.get("digits", 0), line["threads"])
                groups.setdefault(key, []).append(line)
        both = {key: g for key, g in groups.items()
                if OURS in {line["library"] for line in g} and len({line["library"] for line in g}) > 1}
        if both:
            out.append("### " + machine_text(session[0]))
            out += [primitive_group(both[key]) for key in sorted(both)]
    return "\n\n".join(out)


def machine_text(m):
    libraries = ", ".join(f"{name} {version}" for name, version in m["libraries"].items())
    return (f"{m['cpu']}, {m['isa']}, {m['cores']} cores, {m['memory_gib']} GiB\n\n"
            f"{m['date']}, commit {m['commit']}, {m['compiler']}; load of the machine while measuring: {m['load']}."
            + (f" {libraries}." if libraries else ""))


def networks(sessions):
    out = []
    for session in sessions:
        latest = {(line["network"], line["latent"], line.get("wanted_bits")): line
                  for line in session if line["kind"] == "network"}
        if latest:
            out += ["### " + machine_text(session[0]), markdown(latest.values()).rstrip()]
    return "\n\n".join(out) or "No session of networks has been recorded."


def published(sessions):
    lines = [line for session in sessions for line in session if line["kind"] == "published"]
    rows = [[f"[{line['source']}]", line["network"], line["data"], line["seconds"], line["hardware"],
             line["setting"]] for line in lines]
    return table(["source", "network", "input", "seconds an image", "hardware", "setting"], rows, left=6)


def make(root):
    sessions = [read_session(path) for path in sorted((root / "bench/results").glob("*.jsonl"))]
    sessions = [s for s in sessions if s]
    text = (root / "bench/BENCHMARKS.in.md").read_text()
    made = {"primitives": primitives, "networks": networks, "published": published}
    for name in re.findall(r"^@(\w+)$", text, re.MULTILINE):
        if name not in made:
            raise Fault(f"BENCHMARKS.in.md: no table is called @{name}: {', '.join(made)}")
        text = re.sub(rf"^@{name}$", lambda _, n=name: made[n](sessions), text, flags=re.MULTILINE)
    keys = set(re.findall(r"\*\*\[(\w+)\]\*\*", (root / "BIBLIOGRAPHY.md").read_text()))
    for source in re.findall(r"\| \[(\w+)\] \|", text):
        if source not in keys:
            raise Fault(f"published: the source [{source}] does not stand in BIBLIOGRAPHY.md")
    return "<!-- Made by bench/make_benchmarks.py from bench/. Edit bench/BENCHMARKS.in.md. -->\n" + text


def collect(paths):
    """Median over rounds of every figure that several raw lines give."""
    groups = {}
    for path in paths:
        for text in pathlib.Path(path).read_text().splitlines():
            if not text.startswith("{"):
                continue
            line = json.loads(text)
            if "ring_degree" not in line or line["name"] == MANY_PRIMES:
                continue  # no table shows a roof, nor one name for three ways
            key = (line.get("library", OURS), line["name"], line["ring_degree"],
                   line.get("data_primes", 0), line.get("digits", 0), line["threads"], line.get("isa", ""))
            groups.setdefault(key, []).append(line)
    for key, lines in groups.items():
        one = {"library": key[0], "name": key[1], "ring_degree": key[2], "threads": key[5],
               "ns": round(statistics.median(line["ns"] for line in lines))}
        if all(line.get("cpu_ns", 0) > 0 for line in lines):
            one["cpu_ns"] = round(statistics.median(line["cpu_ns"] for line in lines))
        one["rounds"] = len(lines)
        one.update({k: round(lines[0][k], 1) for k in SHAPE if k in lines[0]})
        if key[6]:
            one["isa"] = key[6]
        print(json.dumps(one))


def first_line(command):
    """What a program prints, or "" where it cannot be run (no git in an unpacked archive)."""
    try:
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        lines = []
    return lines[0] if lines else ""


# The sets of kernels, strongest first, and the processor flags that each needs: src/math/kernels.c.
AVX512 = {"avx512f", "avx512dq", "avx512vl"}
KERNELS = (("avx512ifma", AVX512 | {"avx512ifma"}), ("avx512f", AVX512), ("avx2", {"avx2", "fma"}))


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    flags = set(re.search(r"^flags\s*:(.*)$", info, re.MULTILINE)[1].split())
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1])
    family, model = (re.search(rf"^{key}\s*:\s*(.*)$", info, re.MULTILINE)[1] for key in ("cpu family", "model"))
    name = re.search(r"^model name\s*:\s*(.*)$", info, re.MULTILINE)[1].strip()
    print(json.dumps({
        "session": "", "cpu": f"{name} (family {family}, model {model})",
        "isa": next((isa for isa, needed in KERNELS if needed <= flags), "portable"),
        "cores": len(os.sched_getaffinity(0)), "memory_gib": round(memory / 2**20),
        "compiler": first_line(["cc", "--version"]), "commit": first_line(["git", "rev-parse", "--short=9", "HEAD"]),
        "date": datetime.date.today().isoformat(), "load": "", "libraries": {}}))


def main():
    action = sys.argv[1] if len(sys.argv) > 1 else ""
    if action == "collect":
        return collect(sys.argv[2:])
    if action == "machine":
        return machine()
    if action not in ("write", "check"):
        return __doc__
    root = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).parent.parent)
    try:
        text = make(root)
    except Fault as fault:
        return f"bench/results: {fault}"
    path = root / "BENCHMARKS.md"
    if action == "write":
        path.write_text(text)
    elif not path.is_file() or path.read_text() != text:
        return "BENCHMARKS.md is not made from bench/: run bench/make_benchmarks.py write"
    return None


if __name__ == "__main__":
    sys.exit(main())
