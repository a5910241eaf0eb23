"""bench/networks.py on the tiny model: what it measures, what it refuses, what it does not measure again."""
import json
import pathlib
import shutil
import subprocess
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
from network_table import most_seconds
from umbra_program import ACCURACY, HERE, PROGRAM, ROOT, SECURITY, TINY, ProgramTest, main

MEASURED = {"network", "latent", "threads", "isa", "runs", "seconds_median", "seconds_predicted", "bits_least",
            "bits_mean", "bits_predicted", "degree_log2", "levels", "rotations", "key_bytes", "query_bytes",
            "result_bytes", "peak_bytes", "peak_predicted_bytes", "wanted_bits", "agrees", "cpu_seconds_median",
            "noise_least", "noise_most"}


class NetworkTable(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.models, cls.lines, cls.work = cls.folder / "models", cls.folder / "lines.jsonl", cls.folder / "work"
        cls.work.mkdir()
        for name in ("tiny-f8", "wrong-f8", "greedy"):
            target = cls.models / name
            shutil.copytree(TINY, target)
            for part in ("input", "output"):
                (target / f"expected/{part}s").mkdir()
                for k in range(2):
                    shutil.move(target / f"expected/{part}_{k}.npy", target / f"expected/{part}s/{k}.npy")
        shutil.copy(HERE / "refused.onnx", cls.models / "greedy/classifier.onnx")
        numpy.save(cls.models / "wrong-f8/expected/outputs/1.npy", numpy.full((1, 3), 7.0))

    def table(self, code, *words):
        words = [sys.executable, ROOT / "bench/networks.py", *words, "-o", self.lines, "--work", self.work,
                 "--umbra", PROGRAM, "--threads", 1]
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(list(self.work.iterdir()), [], "keys are removed")
        lines = [json.loads(text) for text in self.lines.read_text().splitlines()]
        return done.stdout, lines

    def setUp(self):
        self.lines.unlink(missing_ok=True)

    def test_measures_once(self):
        model = self.models / "tiny-f8"
        text, lines = self.table(0, model, "--runs", 2, "--inputs", 1)
        line = lines[-1]
        self.assertLessEqual(MEASURED, line.keys())
        self.assertEqual((line["network"], line["latent"], line["runs"]), ("tiny", 8, 2))
        self.assertEqual((line["threads"], line["inputs"], line["agrees"]), (1, 1, True))
        self.assertGreaterEqual(line["bits_least"], line["bits_predicted"])
        self.assertGreater(line["peak_bytes"], 1 << 20)
        self.assertTrue(0.75 < line["noise_least"] <= line["noise_most"] < 1.3, line)
        self.assertEqual([(known["runs"], known.get("inputs")) for known in lines], [(2, None), (2, 1)],
                         "a line as soon as it is timed, and one when it is compared too")
        self.assertRegex(text, r"(?m)^\| tiny \| 8 \|( [^|]+ \|){22}$")
        again, lines = self.table(0, model, "--runs", 2, "--inputs", 1)
        self.assertEqual((len(lines), again), (2, text))
        _, lines = self.table(0, model, "--runs", 2, "--inputs", 2)
        self.assertEqual([known.get("inputs") for known in lines], [None, 1, 2])

    def test_goes_on_comparing(self):
        """A portion at a time, each under keys of its own, from where an earlier call stopped."""
        model = self.models / "four-f8"
        shutil.copytree(self.models / "tiny-f8", model)
        for part in ("inputs", "outputs"):
            for k in (2, 3):
                shutil.copy(model / f"expected/{part}/{k - 2}.npy", model / f"expected/{part}/{k}.npy")
        _, lines = self.table(0, model, "--check", "--inputs", 1)
        _, lines = self.table(0, model, "--check", "--portion", 2)
        self.assertEqual([line["inputs"] for line in lines], [1, 3, 4])
        self.assertEqual([len(line["verify_run_seconds"]) for line in lines], [0, 2, 3], "but where nodes are compared")
        self.assertEqual(len({line["noise_most"] for line in lines}), 1)
        for last, line in zip(lines, lines[1:]):
            self.assertLessEqual(line["bits_least"], last["bits_least"])
            self.assertLessEqual(line["bits_least"], line["bits_mean"])
            self.assertGreaterEqual(line["largest_error"], last["largest_error"])
            fresh = (line["inputs"] * line["bits_mean"] - last["inputs"] * last["bits_mean"]) / (
                line["inputs"] - last["inputs"])
            self.assertGreaterEqual(fresh, line["bits_predicted"], "the mean of the portion itself")
        numpy.save(model / "expected/outputs/1.npy", numpy.full((1, 3), 7.0))
        self.lines.write_text(json.dumps(lines[0]) + "\n")
        _, lines = self.table(ACCURACY, model, "--check", "--portion", 1)
        self.assertEqual([line["agrees"] for line in lines], [True, False, False, False], "and does not forget")
        self.assertEqual(len({line["bits_least"] for line in lines[1:]}), 1)

    def test_times_and_compares_apart(self):
        """One call compares, another times: a line of both, until the plan is another."""
        model = self.models / "tiny-f8"
        _, lines = self.table(0, model, "--check", "--inputs", 2)
        self.assertEqual((lines[0]["inputs"], "runs" in lines[0]), (2, False))
        text, lines = self.table(0, model, "--runs", 1, "--inputs", 0)
        self.assertEqual((len(lines), lines[1]["runs"], lines[1]["inputs"]), (2, 1, 2), "compared already")
        self.assertEqual(lines[1]["bits_mean"], lines[0]["bits_mean"], "not compared again")
        self.assertRegex(text, r"(?m)^\| tiny \| 8 \|( [^|]+ \|){5} 1 \|( [^|]+ \|){4} 2 \|")
        _, lines = self.table(0, model, "--runs", 2, "--inputs", 1)
        self.assertEqual((lines[2]["runs"], lines[2]["inputs"]), (2, 2))
        self.assertNotEqual(lines[2]["keygen_seconds"], lines[1]["keygen_seconds"])
        other = lines[2] | {"rotations": lines[2]["rotations"] + 1}
        self.lines.write_text(json.dumps(other) + "\n")
        _, lines = self.table(0, model, "--runs", 3, "--inputs", 0)
        self.assertEqual((lines[1]["runs"], "inputs" in lines[1]), (3, False), "nothing is taken from another plan")

    def test_bound_of_the_machine(self):
        line = {"network": "resnet20", "latent": 8, "threads": 4, "isa": "avx512ifma", "wanted_bits": 8}
        self.assertAlmostEqual(most_seconds(line), 1.2)
        self.assertAlmostEqual(most_seconds(line | {"threads": 2, "isa": "avx2"}), 7.2)
        self.assertAlmostEqual(most_seconds(line | {"threads": 2, "isa": "avx512f"}), 7.2)
        self.assertAlmostEqual(most_seconds(line | {"wanted_bits": 16}), 4)
        self.assertIsNone(most_seconds(line | {"wanted_bits": 16, "latent": 4}))
        self.assertIsNone(most_seconds(line | {"wanted_bits": 12}))
        self.assertIsNone(most_seconds(line | {"network": "tiny"}))

    def test_disagreement(self):
        text, lines = self.table(ACCURACY, self.models / "wrong-f8", "--check")
        self.assertEqual((lines[0]["agrees"], lines[0]["inputs"]), (False, 2))
        self.assertNotIn("runs", lines[0])
        self.assertIn("too few", text)
        self.table(ACCURACY, self.models / "wrong-f8", "--check")

    def test_refusal(self):
        text, lines = self.table(SECURITY, self.models / "greedy", "--precision-bits", 9)
        self.assertEqual((lines[0]["network"], lines[0]["latent"], lines[0]["wanted_bits"]), ("greedy", None, 9))
        self.assertIn("cannot be encrypted", lines[0]["refused"])
        self.assertRegex(text, r"(?m)^\| greedy, 9 bits \| – \| refused: ")
        _, lines = self.table(SECURITY, self.models / "greedy", "--precision-bits", 9)
        self.assertEqual(len(lines), 1)

    def test_what_is_not_there_is_said_at_once(self):
        for says, *words in (["no such folder", self.models / "none"], ["no model.json", self.work],
                             ["make build", self.models / "tiny-f8", "--umbra", self.models / "none"],
                             ["--portion 0: 1 is the least", self.models / "tiny-f8", "--portion", 0]):
            done = subprocess.run([sys.executable, str(ROOT / "bench/networks.py"), "-o", str(self.lines),
                                   "--umbra", str(PROGRAM), *map(str, words)], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertRegex(done.stderr, f"^networks: .*{says}")

    def test_out_of_time(self):
        done = subprocess.run([sys.executable, str(ROOT / "bench/networks.py"), str(self.models / "tiny-f8"), "-o",
                               str(self.lines), "--umbra", str(HERE / "slow_program.sh"), "--limit", "0.2"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("took more than 0.2 s", done.stderr)
        self.assertFalse(self.lines.exists(), "what was not measured is tried again")


if __name__ == "__main__":
    main()
