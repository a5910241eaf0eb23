"""The Markdown table of what bench/networks.py measured."""
import statistics

# By the bits that are asked for: seconds that a network must not exceed on four AVX-512 IFMA cores, by f (None: it has
# one size).
MOST_SECONDS = {8: {"lenet": {8: 1}, "vgg5": {8: 1}, "hefnet": {8: 1}, "resnet20": {16: 1, 8: 1.2, 4: 8, 2: 30},
                    "resnet32": {8: 4}, "resnet44": {8: 8}, "resnet56": {8: 14}, "unet": {None: 6}},
                16: {"resnet20": {8: 4}}}
# The bounds are for cores with AVX-512 IFMA. Without its products of 52 bits residues are doubles, in registers of
# either width, and the bound is the same three times.
CORES, SLOWER = 4, {"avx512ifma": 1, "avx512f": 3, "avx2": 3}

COLUMNS = ("network", "f", "seconds", "must", "predicted", "whole process", "processor", "runs", "in verify",
           "bits, least", "mean", "predicted", "inputs", "noise", "N", "levels", "rotations", "keys", "query",
           "result", "peak memory", "predicted", "of multiply roof", "of memory roof")


def size(count):
    for unit, bytes_ in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= bytes_:
            return f"{count / bytes_:.3g} {unit}"
    return f"{count} B"


def number(line, name, form):
    return form(line[name]) if name in line else "–"


def most_seconds(line):
    """The bound for this line's threads and instruction set; None where there is none."""
    most = MOST_SECONDS.get(line["wanted_bits"], {}).get(line["network"], {}).get(line["latent"])
    if most is None or line["isa"] not in SLOWER:
        return None
    return most * SLOWER[line["isa"]] * CORES / line["threads"]


def in_verify(line):
    """Median seconds of the comparison's runs, and how many."""
    runs = line.get("verify_run_seconds")
    return f"{statistics.median(runs):.3g} ({len(runs)})" if runs else "–"


def noise(line):
    """Of the nodes' errors over the predicted ones, least and most."""
    if line.get("noise_most") is None:
        return "–"
    return f"{line['noise_least']:.2f} to {line['noise_most']:.2f}"


def row(line):
    seconds, bits, share = (lambda x: f"{x:.3g}"), (lambda x: f"{x:.1f}"), (lambda x: f"{100 * x:.0f} %")
    least = number(line, "bits_least", bits) + (" **too few**" if line.get("agrees") is False else "")
    most = most_seconds(line)
    return [number(line, "seconds_median", seconds), "–" if most is None else seconds(most),
            number(line, "seconds_predicted", seconds), number(line, "seconds_whole_median", seconds),
            number(line, "cpu_seconds_median", seconds), number(line, "runs", str), in_verify(line), least,
            number(line, "bits_mean", bits), number(line, "bits_predicted", bits), number(line, "inputs", str),
            noise(line), f"2^{line['degree_log2']}", str(line["levels"]), str(line["rotations"]), size(line["key_bytes"]),
            size(line["query_bytes"]), size(line["result_bytes"]), number(line, "peak_bytes", size),
            number(line, "peak_predicted_bytes", size), number(line, "multiply_share", share),
            number(line, "memory_share", share)]


def cells(line):
    wanted = line.get("wanted_bits", 8)
    name = [line["network"] + ("" if wanted == 8 else f", {wanted:g} bits"),
            "–" if line["latent"] is None else str(line["latent"])]
    if "refused" in line:
        return name + ["refused: " + " ".join(line["refused"].split()).replace("|", "\\|")] + [""] * (len(COLUMNS) - 3)
    return name + row(line)


def markdown(lines):
    """One row a network, in the given order, and a sentence that says on what it was measured."""
    where = sorted({f"{line['threads']} threads, {line['isa']}" for line in lines if "refused" not in line})
    table = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    table += ["| " + " | ".join(cells(line)) + " |" for line in lines]
    goal = ("Must: the project's bound for four AVX-512 IFMA cores, scaled to these threads, three times that "
            "without IFMA. "
            "Seconds are medians of so many runs; in verify: of runs of the comparison, whose keys are in memory. Bits "
            "are of so many outputs compared with PyTorch's. Noise is the root mean square of the errors at a node over "
            "the predicted one: at the node of 256 numbers or more that has the least, and at the one that has the "
            "most.\n")
    asked = "at least 8 bits asked for where no other number is named"
    return "\n".join(table) + "\n\n" + goal + "".join(f"Measured with {text}, {asked}.\n" for text in where)
