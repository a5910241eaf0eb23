"""bench/make_benchmarks.py: the tables it makes, what it refuses, and what it condenses."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "bench/make_benchmarks.py"
MACHINE = {"session": "s", "cpu": "Test CPU", "isa": "avx2", "cores": 2, "memory_gib": 4, "compiler": "cc 1",
           "commit": "abc", "date": "2026-01-02", "load": "0.1 to 0.2", "libraries": {"Peer": "1.2"}}
SHAPE = {"data_primes": 16, "special_primes": 1, "digits": 16, "log2_q": 800.0, "log2_p": 50.0}


def rotate(library, ms, threads=1, **more):
    return {"library": library, "name": "rotate", "ring_degree": 32768, "threads": threads, "ns": ms * 2e6,
            "cpu_ns": ms * 1e6, "rounds": 3, **SHAPE, **more}


class Tool(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "bench/results").mkdir(parents=True)
        (self.root / "BIBLIOGRAPHY.md").write_text("**[Known25]** A paper.\n")
        self.text("# Title\n\n@primitives\n\n@networks\n\n@published\n")

    def text(self, text):
        (self.root / "bench/BENCHMARKS.in.md").write_text(text)

    def session(self, *lines, name="s.jsonl"):
        (self.root / "bench/results" / name).write_text("".join(json.dumps(line) + "\n" for line in lines))

    def run_tool(self, *words):
        done = subprocess.run([sys.executable, TOOL, *words], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def made(self):
        code, said = self.run_tool("write", self.root)
        self.assertEqual(code, 0, said)
        return (self.root / "BENCHMARKS.md").read_text()

    def refused(self, *says):
        for action in ("write", "check"):
            code, said = self.run_tool(action, self.root)
            self.assertEqual(code, 1)
            for word in says:
                self.assertIn(word, said)

    def test_operations_beside_a_peer(self):
        self.session(MACHINE, rotate("Umbra", 20), rotate("Peer", 69.04), rotate("Other", 500))
        text = self.made()
        self.assertIn("Test CPU, avx2, 2 cores", text)
        self.assertIn("Peer 1.2.", text)
        self.assertIn("N = 2^15, 16 data primes in 16 digits, 1 thread", text)
        self.assertIn("| Umbra | 16 + 1 | 800 | 50.0 | 850 | 16 |", text)
        self.assertIn("| ms, CPU time | Umbra | Other | against ours | Peer | against ours |", text)
        self.assertIn("| rotate | 20.0 | 500 | 25× | 69.0 | 3.5× |", text)

    def test_several_threads_are_timed_by_the_clock(self):
        self.session(MACHINE, rotate("Umbra", 20, 2), rotate("Peer", 70, 2))
        self.assertIn("| rotate | 40.0 | 140 | 3.5× |", self.made())

    def test_what_has_no_counterpart_is_left_out(self):
        self.session(MACHINE, rotate("Umbra", 20), rotate("Peer", 70, digits=3), rotate("Peer", 70, name="add"))
        self.assertNotIn("rotate", self.made())

    def test_published_and_networks(self):
        paper = {"source": "Known25", "network": "Net", "data": "d", "seconds": "9", "hardware": "h", "setting": "s"}
        self.session(MACHINE, {"network": "lenet", "latent": 8, "refused": "too wide"},
                     {"network": "lenet", "latent": 8, "refused": "too deep"})
        self.session(paper, name="published.jsonl")
        text = self.made()
        self.assertIn("| [Known25] | Net | d | 9 | h | s |", text)
        self.assertIn("| lenet | 8 | refused: too deep |", text)
        self.assertNotIn("too wide", text, "the last line of a network counts")
        self.session({**paper, "source": "Unknown"}, name="published.jsonl")
        self.refused("[Unknown] does not stand in BIBLIOGRAPHY.md")

    def test_check_sees_every_difference(self):
        self.session(MACHINE, rotate("Umbra", 20), rotate("Peer", 70))
        code, said = self.run_tool("check", self.root)
        self.assertEqual((code, "run bench/make_benchmarks.py write" in said), (1, True))
        self.made()
        self.assertEqual(self.run_tool("check", self.root), (0, ""))
        self.session(MACHINE, rotate("Umbra", 20), rotate("Peer", 71))
        self.assertEqual(self.run_tool("check", self.root)[0], 1)
        self.made()
        with (self.root / "BENCHMARKS.md").open("a") as file:
            file.write("By hand.\n")
        self.assertEqual(self.run_tool("check", self.root)[0], 1)

    def test_faulty_results(self):
        self.session(rotate("Umbra", 20))
        self.refused("s.jsonl:1", "one machine line, at the top")
        self.session(MACHINE, rotate("Umbra", 20), MACHINE)
        self.refused("s.jsonl:3", "one machine line, at the top")
        line = rotate("Umbra", 20)
        del line["ns"], line["rounds"]
        self.session(MACHINE, line)
        self.refused("s.jsonl:2", "a primitive line without ns, rounds")
        self.session(MACHINE, rotate("Umbra", float("nan")))
        self.refused("s.jsonl:2", "not finite")
        self.session(MACHINE, [1])
        self.refused("s.jsonl:2", "not a JSON object")
        (self.root / "bench/results/s.jsonl").write_text("{")
        self.refused("s.jsonl:1", "not JSON")
        self.session(MACHINE)
        self.text("@nothing\n")
        self.refused("no table is called @nothing")

    def test_collect_takes_the_median_of_rounds(self):
        raw = self.root / "raw"
        roof = {"name": "multiplication", "isa": "avx2", "threads": 1, "ns": 1.0, "runs": 3}
        cold = {**roof, "name": "ntt_forward of 32 primes", "ring_degree": 65536, "note": "cold"}
        raw.write_text(f"noise\n{json.dumps(roof)}\n{json.dumps(cold)}\n" + "".join(json.dumps(rotate("Peer", ms, **more)) + "\n" for ms, more in
                                           [(30, {}), (10, {}), (20, {}), (5, {"digits": 3})]))
        code, said = self.run_tool("collect", raw)
        self.assertEqual(code, 0, said)
        first, second = [json.loads(line) for line in said.splitlines()]
        self.assertEqual((first["ns"], first["cpu_ns"], first["rounds"], first["digits"]), (40e6, 20e6, 3, 16))
        self.assertEqual((second["ns"], second["rounds"], second["digits"]), (10e6, 1, 3))

    def test_machine_names_no_host(self):
        code, said = self.run_tool("machine")
        self.assertEqual(code, 0, said)
        line = json.loads(said)
        self.assertEqual(line.keys(), MACHINE.keys())
        self.assertGreaterEqual(line["cores"], 1)


if __name__ == "__main__":
    unittest.main()
