#!/usr/bin/env python3
"""Measure whole networks as users and servers run them: one table of every model folder given.

usage: bench/networks.py MODELS... -o FILE.jsonl [--table FILE.md] [--runs 5] [--inputs 20] [--check] [...]

MODELS are folders of training/export_zoo.py, or folders of such. For each network: plan, make keys, encrypt, run
--runs times in a process of its own (so that the peak memory is the server's), and compare --inputs encrypted outputs
with PyTorch's. One JSON object a line; what FILE.jsonl already holds is not measured again. Keys are removed after
each network.

Agreement does not depend on what else the machine does, and time does: --check compares only, --inputs 0 times only,
and a later call takes over what an earlier one found for the same plan, so that a line has both. It tells how many
`inputs` and `runs` it rests on. Runs of the comparison are timed too (`verify_run_seconds`), but for those whose nodes
are decrypted on the way; on a quiet machine they are as good as runs from files. Inputs are compared --portion at a
time, each portion under new keys, and a line is written after each: a call that was stopped is gone on with. The last
line of a network counts.

Exit code: 7 where outputs do not agree within the predicted bits, 4 where a network was refused, 5 where one was left
out for want of memory, disk or time, 1 where something else failed, 0 otherwise.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from network_table import markdown

INPUT, REFUSED, RESOURCE, ACCURACY = 3, 4, 5, 7
ROOM_BYTES = 1 << 30  # left for others, of disk and of memory
NODE_INPUTS = 5  # whose nodes are decrypted on the way, of each network
NODE_ELEMENTS = 256  # of a node whose errors are looked at: those of fewer scatter by more than a few percent
# What tells two plans of a network apart, and what two timings of a plan.
PLAN = ("degree_log2", "log2_qp", "levels", "rotations", "key_bytes", "bits_predicted")
MACHINE = ("isa", "threads")
TIMING = ("runs", "seconds_median", "seconds_least", "seconds_most", "seconds_whole_median", "load_seconds_median",
          "cpu_seconds_median", "cpu_seconds_whole_median", "keygen_seconds", "peak_bytes",
          "memory_share", "multiply_share")
AGREEMENT = ("inputs", "bits_least", "bits_mean", "largest_error", "agrees", "verify_peak_bytes", "noise_least",
             "noise_most", "verify_run_seconds")


class Skipped(Exception):
    """The machine cannot do this now; nothing is written, so that a later call tries again."""


class Failed(Exception):
    """A program failed in a way that is no refusal."""


class Done:
    """What one program did: exit code, its JSON, its message, wall and processor seconds, peak bytes."""

    def __init__(self, words, limit_s):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            start = time.monotonic()
            process = subprocess.Popen([str(w) for w in words], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            timer = threading.Timer(limit_s, process.kill)
            timer.start()
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                process.kill()
                os.wait4(process.pid, 0)
                raise
            finally:
                late = not timer.is_alive()
                timer.cancel()
            self.wall = time.monotonic() - start
            self.code = process.returncode = os.waitstatus_to_exitcode(status)
            self.cpu, self.peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
            out.seek(0), err.seek(0)
            text, self.message = out.read().decode(), err.read().decode().strip()
        if late:
            raise Skipped(f"umbra {words[1]} took more than {limit_s} s")
        self.report = json.loads(text) if text else None


def program(options, *words, expect=(0,)):
    more = ["--json"] + (["--threads", options.threads] if options.threads else [])
    done = Done([options.umbra, *words, *more], options.limit)
    if done.code == RESOURCE:
        raise Skipped(done.message)
    if done.code not in expect:
        raise Failed(f"umbra {words[0]}: exit code {done.code}: {done.message}")
    return done


def memory_available():
    """Bytes; None where the system does not say."""
    try:
        found = re.search(r"MemAvailable: *(\d+) kB", pathlib.Path("/proc/meminfo").read_text())
        return int(found.group(1)) * 1024 if found else None
    except OSError:
        return None


def require_room(plan, folder):
    """Keys on disk, once; in memory what the plan predicts, and in `verify` the client's part beside it."""
    disk, memory = shutil.disk_usage(folder).free, memory_available()
    if disk < plan["key_bytes"] + ROOM_BYTES:
        raise Skipped(f"keys need {plan['key_bytes']} bytes of disk, {disk} are free")
    if memory is not None and memory < plan["predicted_memory_bytes"] + ROOM_BYTES:
        raise Skipped(f"about {plan['predicted_memory_bytes']} bytes of memory are needed, {memory} are free")


def identity(folder):
    """name, f (None where the name has none) of lenet-f8 and the like."""
    found = re.fullmatch(r"(?P<name>.+?)-f(?P<f>\d+)(?P<rest>(-.*)?)", folder.name)
    return (found["name"] + found["rest"], int(found["f"])) if found else (folder.name, None)


def wanted(options):
    """What the planner is asked for."""
    precision = ["--precision-bits", options.precision_bits] if options.precision_bits else []
    return precision + (["--memory", options.memory] if options.memory else [])


def plan_network(options, folder, work):
    """(line so far, plan's report or None where it is refused)."""
    name, latent = identity(folder)
    line = {"network": name, "latent": latent, "wanted_bits": options.precision_bits or 8}
    done = program(options, "plan", folder, "-o", work / "plan", *wanted(options), expect=(0, INPUT, REFUSED))
    line |= {"plan_seconds": done.wall, "plan_cpu_seconds": done.cpu, "plan_peak_bytes": done.peak}
    if done.code != 0:
        return line | {"refused": done.message.removeprefix("umbra: ")}, None
    report = done.report
    line |= {"threads": report["threads"], "isa": report["isa"], "seconds_predicted": report["predicted_seconds"],
             "bits_predicted": report["predicted_bits"], "peak_predicted_bytes": report["predicted_memory_bytes"],
             "degree_log2": report["ring_degree"].bit_length() - 1, "security_bits": report["security_bits"],
             "log2_qp": report["log2_qp"]}
    return line | {k: report[k] for k in ("levels", "rotations", "key_bytes", "query_bytes", "result_bytes", "butterflies",
                                          "products", "read_bytes")}, report


def shares_of_roofs(options, line):
    """What the multiplications alone, and reading keys and weights alone, would take of the median; measured now."""
    roofs = program(options, "bench", "roofs").report
    shares = {"memory_share": line["read_bytes"] / roofs["memory_bytes_per_ns"] * 1e-9 / line["seconds_median"]}
    if roofs["products_per_ns"] > 0:
        least = line["butterflies"] / roofs["butterflies_per_ns"] + line["products"] / roofs["products_per_ns"]
        shares["multiply_share"] = least * 1e-9 / line["seconds_median"]
    return shares


def time_network(options, folder, work):
    """Median of --runs server processes, each with another input."""
    profile, keys = work / "plan/client.profile", work / "keys"
    made = program(options, "keygen", "--profile", profile, "-o", keys)
    inputs = sorted((folder / "expected/inputs").glob("*.npy"))
    runs = []
    for k in range(options.runs):
        program(options, "encrypt", "--profile", profile, "--key", keys / "secret.key", inputs[k % len(inputs)],
                "-o", work / "query.ct")
        runs.append(program(options, "run", "--plan", work / "plan/server.plan", "--keys", keys / "evaluation.keys",
                            work / "query.ct", "-o", work / "result.ct"))
    seconds = [r.report["seconds"] for r in runs]
    median = statistics.median
    return {"runs": len(runs), "seconds_median": median(seconds), "seconds_least": min(seconds),
            "seconds_most": max(seconds), "seconds_whole_median": median(r.wall for r in runs),
            "load_seconds_median": median(r.report["load_seconds"] for r in runs),
            "cpu_seconds_median": median(r.report["cpu_seconds"] for r in runs),
            "cpu_seconds_whole_median": median(r.cpu for r in runs), "keygen_seconds": made.wall,
            "query_bytes": runs[0].report["query_bytes"], "result_bytes": runs[0].report["result_bytes"],
            "peak_bytes": max(r.peak for r in runs)}


def check_network(options, folder, so_far):
    """Encrypted outputs against PyTorch's, of the next --portion inputs after those of `so_far`, under new keys. The
    first portion is small and has the errors of every node held to the predicted ones too."""
    count = so_far.get("inputs", 0)
    what, portion = (["--answers"], options.portion) if count > 0 else ([], min(options.portion, NODE_INPUTS))
    inputs = sorted((folder / "expected/inputs").glob("*.npy"))[:options.inputs][count:][:portion]
    done = program(options, "verify", folder, *inputs, "--expected", folder / "expected/outputs", *what,
                   *wanted(options), expect=(0, ACCURACY))
    report, total = done.report, count + len(inputs)
    seconds = so_far.get("verify_run_seconds", []) + (report["run_seconds"] if "--answers" in what else [])
    noise = [node["noise_ratio"] for node in report["nodes"] if node.get("elements", 0) >= NODE_ELEMENTS]

    def mean(name, new):
        return (count * so_far.get(name, 0) + len(inputs) * new) / total

    return {"inputs": total, "bits_least": min(so_far.get("bits_least", report["bits"]), report["bits"]),
            "bits_mean": mean("bits_mean", report["mean_bits"]),
            "largest_error": max(so_far.get("largest_error", 0), report["max_abs_error"]),
            "agrees": so_far.get("agrees", True) and done.code == 0,
            "verify_peak_bytes": max(so_far.get("verify_peak_bytes", 0), done.peak),
            "noise_least": min(noise, default=so_far.get("noise_least")),
            "noise_most": max(noise, default=so_far.get("noise_most")), "verify_run_seconds": seconds}


def is_timed(options, line):
    return line.get("runs", 0) >= options.runs


def is_compared(options, folder, line):
    return line.get("inputs", 0) >= min(options.inputs, len(list((folder / "expected/inputs").glob("*.npy"))))


def taken_over(known, line, names, same):
    """The figures `names` of an earlier line whose plan (and machine) is this one's; else none."""
    if known is None or any(known.get(k) != line[k] for k in same):
        return {}
    return {k: known[k] for k in names if k in known}


def measure(options, folder, known):
    """Lines for a folder, each with all that the one before it has; known: the last of the same network, or None."""
    with tempfile.TemporaryDirectory(prefix="umbra-networks-", dir=options.work) as name:
        work = pathlib.Path(name)
        line, plan = plan_network(options, folder, work)
        if plan is None:
            yield line
            return
        require_room(plan, work)
        line |= taken_over(known, line, TIMING, PLAN + MACHINE) | taken_over(known, line, AGREEMENT, PLAN)
        if not options.check and not is_timed(options, line):
            line |= time_network(options, folder, work)
            line |= shares_of_roofs(options, line)
            shutil.rmtree(work / "keys")
            yield line
        while not is_compared(options, folder, line):
            line |= check_network(options, folder, line)
            yield line


def key(line):
    return (line["network"], line["latent"], line["wanted_bits"])


def read_lines(path):
    return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []


def is_enough(options, folder, line):
    """Whether a line of an earlier call answers this one."""
    if "refused" in line:
        return not options.again
    return (options.check or is_timed(options, line)) and is_compared(options, folder, line)


def has_cases(folder):
    return (folder / "model.json").is_file() and any((folder / "expected/inputs").glob("*.npy"))


def model_folders(paths):
    for path in paths:
        if has_cases(path):
            yield path
        else:
            yield from sorted(p for p in path.iterdir() if has_cases(p))


def check_options(options):
    """What would else fail after minutes, or as if there were nothing to do."""
    if not os.access(options.umbra, os.X_OK):
        raise Failed(f"{options.umbra} is no program: `make build` makes it, or name one with --umbra")
    for name in ("runs", "portion"):
        if getattr(options, name) < 1:
            raise Failed(f"--{name} {getattr(options, name)}: 1 is the least")
    for path in options.models:
        if not path.is_dir():
            raise Failed(f"{path}: no such folder; give folders that training/export_zoo.py writes")
    for path in options.models:
        if not any(model_folders([path])):
            raise Failed(f"{path}: no model.json with expected/inputs/*.npy, here or one folder below; "
                         "training/export_zoo.py writes them")
    for path in filter(None, (options.output, options.table)):
        if not path.absolute().parent.is_dir():
            raise Failed(f"{path}: its folder does not exist; make it first")


def announce(folder, line):
    print(f"{folder.name}: " + (f"refused: {line['refused']}" if "refused" in line else
          ", ".join(f"{k} {line[k]:.3g}" for k in ("seconds_median", "seconds_predicted", "bits_least",
                                                    "bits_predicted", "inputs") if k in line)), file=sys.stderr, flush=True)


def run(options):
    """Appends lines for each network that lacks one; returns (lines of the networks asked for, how many skipped)."""
    skipped, wanted = 0, []
    for folder in model_folders(options.models):
        wanted.append((*identity(folder), options.precision_bits or 8))
        known = next((line for line in reversed(read_lines(options.output)) if key(line) == wanted[-1]), None)
        if known and is_enough(options, folder, known):
            continue
        try:
            for line in measure(options, folder, known):
                with options.output.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                announce(folder, line)
        except Skipped as reason:
            print(f"{folder.name}: left out: {reason}", file=sys.stderr, flush=True)
            skipped += 1
    latest = {key(line): line for line in read_lines(options.output)}
    return [latest[k] for k in wanted if k in latest], skipped


def arguments():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=pathlib.Path, nargs="+", metavar="MODELS")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True, help="JSON lines, appended to")
    parser.add_argument("--table", type=pathlib.Path, help="write the Markdown table here (default: to stdout)")
    parser.add_argument("--runs", type=int, default=5, help="server processes to take the median of")
    parser.add_argument("--inputs", type=int, default=20, help="inputs to compare with PyTorch; 0 for none")
    parser.add_argument("--portion", type=int, default=20, help="inputs to compare at once, under keys of their own")
    parser.add_argument("--check", action="store_true", help="only the comparison, no timing")
    parser.add_argument("--again", action="store_true", help="try again what was refused")
    parser.add_argument("--precision-bits", type=float, help="bits to ask the planner for (8)")
    parser.add_argument("--memory", help="bytes that a run may take, as for umbra plan")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--limit", type=float, default=3600, help="seconds that one program may take")
    parser.add_argument("--work", type=pathlib.Path, help="where keys of some gigabytes fit (default: temporary)")
    parser.add_argument("--umbra", default=os.environ.get("UMBRA_PROGRAM", root / "build" / "umbra"))
    return parser.parse_args()


def main():
    options = arguments()
    try:
        check_options(options)
        lines, skipped = run(options)
    except Failed as reason:
        sys.exit(f"networks: {reason}")
    text = markdown(lines)
    if options.table:
        options.table.write_text(text)
    else:
        print(text, end="")
    if any(line.get("agrees") is False for line in lines):
        return ACCURACY
    return REFUSED if any("refused" in line for line in lines) else RESOURCE if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
