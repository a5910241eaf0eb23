"""Every command on its good path, with a tiny model: what it prints, what it writes, its JSON keys."""
import json
import pathlib
import shutil
import stat
import unittest

import numpy

from umbra_program import (ACCURACY, PROGRAM, SERVER, TINY, TINY_XRAY, Pipeline, ProgramTest, main,
                           shared_pipeline)

COMMANDS = ["doctor", "demo", "plan", "keygen", "encrypt", "run", "decrypt", "classify", "verify", "bench",
            "phantom"]
PLAN_KEYS = {"ring_degree", "log2_q", "log2_qp", "security_bits", "levels", "rotations", "key_bytes",
             "query_bytes", "result_bytes", "predicted_seconds", "predicted_bits", "ranges_known",
             "predicted_memory_bytes"}
MACHINE_KEYS = {"isa", "threads", "peak_memory_bytes"}
ANSWER_KEYS = {"labels", "logits", "probabilities"}
LIMIT_LOG2_QP = {4096: 106, 8192: 214, 16384: 430, 32768: 868, 65536: 1747, 131072: 3523}
INPUT_0, INPUT_1 = TINY / "expected/input_0.npy", TINY / "expected/input_1.npy"


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x.astype(float)))


def expected(number):
    return numpy.load(TINY / f"expected/output_{number}.npy").ravel()


class Words(ProgramTest):
    def test_overview_lists_every_command(self):
        text = self.ok("--help")
        for command in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {command} +\w")
        self.assertEqual(text, self.ok("help"))
        self.assertRegex(self.ok("--version"), r"^umbra \d+\.\d+\.\d+\n$")

    def test_every_help_has_usage_options_and_an_example(self):
        for command in COMMANDS:
            text = self.ok(command, "--help")
            self.assertIn(f"usage: umbra {command}", text)
            self.assertRegex(text, rf"example:\n  umbra {command}")
            self.assertIn("--json", text)
            self.assertIn("--threads N", text)
            self.assertLessEqual(max(map(len, text.splitlines())), 110, f"{command}: a line is too wide")

    def test_the_server_program_only_runs(self):
        text = self.ok("--help", program=SERVER)
        self.assertIn("run ", text)
        for command in ["decrypt", "keygen", "encrypt", "demo"]:
            self.assertNotRegex(text, rf"(?m)^  {command} ")

    def test_doctor(self):
        text = self.ok("doctor")
        for word in ["processor", "kernels", "memory", "disk", "versions", "arithmetic", "encryption"]:
            self.assertRegex(text, rf"(?m)^(ok|warning) +{word} ")
        report = self.report("doctor")
        self.assertLessEqual(MACHINE_KEYS | {"checks"}, report.keys())
        self.assertNotIn("failed", {check["state"] for check in report["checks"]})

    def test_phantom(self):
        a, b, c = (self.folder / name for name in ("a.png", "b.png", "c.png"))
        self.ok("phantom", "-o", a)
        self.assertEqual(self.report("phantom", "-o", b, "-n", "1")["number"], 1)
        self.ok("phantom", "-o", c, "-n", "2")
        self.assertEqual(a.read_bytes(), b.read_bytes())
        self.assertNotEqual(a.read_bytes(), c.read_bytes())


class Files(ProgramTest):
    """plan, keygen, encrypt, run, decrypt, through files."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = shared_pipeline(cls)

    def test_plan_says_what_it_decided(self):
        out = self.folder / "a/new/folder"
        text = self.ok("plan", TINY, "-o", out, "--explain")
        self.assertRegex(text, r"security +128 bits")
        self.assertIn("Gemm", text)
        self.assertEqual({p.name for p in out.iterdir()}, {"server.plan", "client.profile"})
        report = self.report("plan", TINY, "-o", out)
        self.assertLessEqual(PLAN_KEYS | MACHINE_KEYS | {"seconds", "nodes"}, report.keys())
        self.assertGreaterEqual(report["security_bits"], 128)
        self.assertLessEqual(report["log2_qp"], LIMIT_LOG2_QP[report["ring_degree"]])
        self.assertGreaterEqual(report["predicted_bits"], 8)
        self.assertGreater(report["threads"], 0)
        for work in ("butterflies", "products", "read_bytes"):
            self.assertGreater(report[work], 1e6, work)
        self.assertGreater(len(report["nodes"]), 1)
        for node in report["nodes"]:
            self.assertLessEqual({"name", "kind", "why", "level"}, node.keys())

    def test_plan_takes_a_bare_onnx_file(self):
        out = self.folder / "bare"
        warns = "gives no ranges"
        report = self.report("plan", TINY / "classifier.onnx", "-o", out, warns=warns)
        self.assertIs(report["ranges_known"], False)
        files = Pipeline(self, TINY / "classifier.onnx", INPUT_0, name="bare-pipeline", warns=warns)
        report = self.report(*files.decrypt(files.result))
        self.assertEqual(report["labels"], [])
        self.assertNotIn("probabilities", report)
        numpy.testing.assert_allclose(report["logits"], expected(0), atol=0.01)

    def test_plan_reaches_the_precision_asked_for(self):
        few, many = (self.report("plan", TINY, "-o", self.folder / "bits", "--precision-bits", bits)
                     for bits in ("2", "9"))
        self.assertGreaterEqual(few["predicted_bits"], 2)
        self.assertGreaterEqual(many["predicted_bits"], 9)

    def test_plan_leaves_the_weights_out_of_the_profile(self):
        weights = (TINY / "classifier.onnx").read_bytes()
        profile = self.files.profile.read_bytes()
        for at in range(0, len(weights) - 16, 16):
            chunk = weights[at:at + 16]
            if len(set(chunk)) > 12:
                self.assertNotIn(chunk, profile)

    def test_keys_and_their_modes(self):
        out = self.folder / "more-keys"
        report = self.report("keygen", "--profile", self.files.profile, "-o", out)
        self.assertEqual(report["key_bytes"], (out / "evaluation.keys").stat().st_size)
        self.assertLessEqual(MACHINE_KEYS | {"key_bytes", "rotations", "seconds"}, report.keys())
        self.assertEqual(stat.S_IMODE((out / "secret.key").stat().st_mode), 0o600)
        self.assertEqual({p.name for p in out.iterdir()}, {"secret.key", "evaluation.keys"})
        before = (out / "secret.key").read_bytes()
        self.ok("keygen", "--profile", self.files.profile, "-o", out, "--force")
        self.assertNotEqual((out / "secret.key").read_bytes(), before)
        self.assertEqual(stat.S_IMODE((out / "secret.key").stat().st_mode), 0o600)

    def test_encrypt_and_run_report_bytes(self):
        query, result = self.folder / "q.ct", self.folder / "r.ct"
        report = self.report(*self.files.encrypt(INPUT_0, query))
        self.assertEqual(report["query_bytes"], query.stat().st_size)
        self.assertNotEqual(query.read_bytes(), self.files.query.read_bytes())
        report = self.report(*self.files.run(query, result))
        self.assertLessEqual(PLAN_KEYS | MACHINE_KEYS | {"seconds", "nodes"}, report.keys())
        self.assertEqual(report["query_bytes"], query.stat().st_size)
        self.assertEqual(report["result_bytes"], result.stat().st_size)
        planned = self.report("plan", TINY, "-o", self.folder / "planned")
        self.assertEqual(planned["query_bytes"], query.stat().st_size)
        self.assertEqual(planned["result_bytes"], result.stat().st_size)
        self.assertGreater(len(report["nodes"]), 1)

    def test_a_key_that_others_can_read_is_a_warning(self):
        shared = self.folder / "shared.key"
        shutil.copy(self.files.secret, shared)
        shared.chmod(0o640)
        done = self.start(*self.files.decrypt(self.files.result, key=shared))
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"shared\.key can be read by other accounts .* chmod 600")

    def test_decrypt_gives_the_answer(self):
        out = self.folder / "logits.npy"
        text = self.ok(*self.files.decrypt(self.files.result), "-o", out)
        for label in ("Round", "Square", "Star"):
            self.assertRegex(text, rf"(?m)^{label} +0\.\d+$")
        report = self.report(*self.files.decrypt(self.files.result))
        self.assertLessEqual(ANSWER_KEYS | MACHINE_KEYS, report.keys())
        self.assertEqual(report["labels"], ["Round", "Square", "Star"])
        numpy.testing.assert_allclose(report["logits"], expected(0), atol=0.01)
        numpy.testing.assert_allclose(report["probabilities"], sigmoid(expected(0)), atol=0.01)
        written = numpy.load(out)
        self.assertEqual((written.dtype, written.shape), (numpy.float32, (1, 3)))
        numpy.testing.assert_allclose(written.ravel(), report["logits"], rtol=1e-6)

    def test_answers_stand_on_the_grid_of_the_precision(self):
        report = self.report(*self.files.decrypt(self.files.result))
        logits = numpy.array(report["logits"])
        steps = logits * 2.0 ** 12  # the grid is coarser than this, and the noise finer
        numpy.testing.assert_allclose(steps, numpy.round(steps), atol=1e-4)

    def test_server_needs_neither_image_nor_secret(self):
        server = self.folder / "server"
        server.mkdir()
        for path in (self.files.plan, self.files.keys, self.files.query):
            shutil.copy(path, server)
        self.ok("run", "--plan", "server.plan", "--keys", "evaluation.keys", "query.ct", "-o", "result.ct",
                program=SERVER, cwd=server)
        self.assertEqual({p.name for p in server.iterdir()},
                         {"server.plan", "evaluation.keys", "query.ct", "result.ct"})
        report = self.report(*self.files.decrypt(server / "result.ct"))
        numpy.testing.assert_allclose(report["logits"], expected(0), atol=0.01)

    def test_quiet_threads_and_relative_paths(self):
        self.ok("plan", TINY, "-o", "here", "--quiet", "--threads", "1", cwd=self.folder)
        self.ok("keygen", "-p", "client.profile", "-o", ".", cwd=self.folder / "here")
        self.ok("encrypt", "-p", "client.profile", "-k", "secret.key", INPUT_1, "-o", "q", cwd=self.folder / "here")
        self.ok("run", "--plan", "server.plan", "--keys", "evaluation.keys", "q", "-o", "r", "--threads=1",
                cwd=self.folder / "here")
        report = self.report("decrypt", "-p", "client.profile", "-k", "secret.key", "r",
                             cwd=self.folder / "here")
        numpy.testing.assert_allclose(report["logits"], expected(1), atol=0.01)


class Together(ProgramTest):
    """classify and verify, client and server in one process."""

    def test_classify_a_tensor(self):
        text = self.ok("classify", INPUT_0, "--model", TINY)
        self.assertRegex(text, r"(?m)^Square +0\.\d+ +0\.\d+ +0\.0")
        self.assertIn("not a medical device", text)
        report = self.report("classify", INPUT_0, "--model", TINY)
        self.assertLessEqual(PLAN_KEYS | MACHINE_KEYS | ANSWER_KEYS | {
            "seconds", "bits", "max_abs_error", "plaintext_probabilities"}, report.keys())
        self.assertGreaterEqual(report["bits"], report["predicted_bits"])
        numpy.testing.assert_allclose(report["plaintext_probabilities"], sigmoid(expected(0)), atol=1e-5)
        numpy.testing.assert_allclose(report["probabilities"], sigmoid(expected(0)), atol=0.01)

    def test_classify_an_image_and_the_same_through_files(self):
        film = self.folder / "film.png"
        self.ok("phantom", "-o", film)
        at_once = self.report("classify", film, "--model", TINY_XRAY)
        files = Pipeline(self, TINY_XRAY, film)
        self.assertTrue((files.folder / "plan/encoder.onnx").is_file())
        by_files = self.report(*files.decrypt(files.result))
        numpy.testing.assert_allclose(by_files["probabilities"], at_once["probabilities"], atol=0.01)
        # The encoder may stand elsewhere, where it is named.
        moved = self.folder / "moved.onnx"
        shutil.move(files.folder / "plan/encoder.onnx", moved)
        self.fails(3, ["encoder.onnx", "--encoder"], *files.encrypt(film, self.folder / "q.ct"))
        self.ok(*files.encrypt(film, self.folder / "q.ct"), "--encoder", moved)

    def test_bench_of_a_network(self):
        report = self.report("bench", "net", TINY, "-n", "2")
        self.assertLessEqual(PLAN_KEYS | MACHINE_KEYS | {"seconds", "bits", "runs"}, report.keys())
        self.assertEqual(report["runs"], 2)
        self.assertRegex(self.ok("bench", "net", TINY, "-n", "1"), r"tiny: median .* predicted")

    def test_bench_of_a_ring(self):
        lines = [json.loads(line) for line in
                 self.ok("bench", "ckks", "--shape", "12:2:1:27", "--threads", "1", "--json").splitlines()]
        self.assertIn("rotate", [line["name"] for line in lines])
        for line in lines:
            self.assertEqual((line["ring_degree"], line["data_primes"], line["special_primes"], line["digits"]),
                             (4096, 2, 1, 2))
            self.assertAlmostEqual(line["log2_q"], 54, delta=0.1)
            self.assertAlmostEqual(line["log2_p"], 50, delta=0.1)
            self.assertGreater(line["ns"], 0)
            self.assertGreater(line["cpu_ns"], 0)
        self.fails(4, ["128 bits"], "bench", "ckks", "--shape", "12:3:1")

    def test_bench_roofs(self):
        self.assertRegex(self.ok("bench", "roofs", "--threads", "1"), r"1 threads, \w+: at most .* in a nanosecond")
        report = self.report("bench", "roofs")
        self.assertTrue(0.1 < report["memory_bytes_per_ns"] < 1e4, report)
        if report["isa"] != "portable":
            self.assertTrue(0.01 < report["butterflies_per_ns"] < report["threads"] * 100, report)

    def test_verify(self):
        text = self.ok("verify", TINY, INPUT_0, INPUT_1)
        self.assertRegex(text, r"2 inputs")
        self.assertIn("Gemm", text)
        report = self.report("verify", TINY, TINY / "expected/input_0.npy", INPUT_1)
        self.assertLessEqual(PLAN_KEYS | MACHINE_KEYS | {
            "seconds", "bits", "mean_bits", "max_abs_error", "nodes", "inputs"}, report.keys())
        self.assertEqual(report["inputs"], 2)
        self.assertGreaterEqual(report["bits"], report["predicted_bits"])
        self.assertTrue(any("bits" in node for node in report["nodes"]))
        compared = [node for node in report["nodes"] if "bits" in node]
        self.assertEqual({node["name"] for node in compared}, {"input", "/1/Add_1", "/3/Gemm"})
        for node in compared:
            self.assertGreater(node["bits"], node["predicted_bits"] - 1.5, node["name"])
            few = node["elements"] < 100
            self.assertTrue(0.1 < node["noise_ratio"] < 2 if few else 0.75 < node["noise_ratio"] < 1.3, node)
            if node["name"] != "/3/Gemm":  # three numbers, whose worst error may by chance be small
                self.assertLess(node["bits"], node["predicted_bits"] + 1.5, node["name"])

    def test_verify_answers_alone(self):
        report = self.report("verify", TINY, INPUT_0, INPUT_1, "--answers")
        self.assertGreaterEqual(report["bits"], report["predicted_bits"])
        self.assertEqual(report["inputs"], 2)
        self.assertIn("/3/Gemm", [node["name"] for node in report["nodes"]])
        self.assertFalse([node for node in report["nodes"] if "bits" in node], "nothing is decrypted on the way")

    def test_verify_beyond_single_precision(self):
        report = self.report("verify", TINY, INPUT_0, INPUT_1, "--precision-bits", "30")
        self.assertEqual(report["reference"], "double")
        self.assertGreaterEqual(report["predicted_bits"], 30)
        self.assertGreaterEqual(report["bits"], report["predicted_bits"])
        many = [node for node in report["nodes"] if node["name"] == "/1/Add_1"]
        self.assertEqual(len(many), 2)
        for node in many:
            self.assertAlmostEqual(node["bits"], node["predicted_bits"], delta=1.5, msg=node["name"])
        self.assertEqual(self.report("verify", TINY, INPUT_0)["reference"], "single")
        self.assertIn("in single precision, which ends", self.ok("verify", TINY, INPUT_0))

    def test_verify_asks_for_more_bits_than_there_are(self):
        done = self.start("verify", TINY, INPUT_0, "--min-bits", "50")
        self.assertEqual(done.returncode, ACCURACY)
        self.assertRegex(done.stderr, r"bits, fewer than the 50.00 asked for")

    def test_verify_against_another_runtime(self):
        outputs = self.folder / "outputs"
        outputs.mkdir()
        for i in range(2):
            numpy.save(outputs / f"input_{i}.npy", numpy.load(TINY / f"expected/output_{i}.npy").astype("f8"))
        words = ("verify", TINY, TINY / "expected/input_0.npy", INPUT_1, "--expected", outputs)
        report = self.report(*words)
        self.assertGreaterEqual(report["bits"], report["predicted_bits"])
        self.assertEqual(report["reference"], "expected")
        numpy.save(outputs / "input_1.npy", expected(0))
        done = self.start(*words)
        self.assertEqual(done.returncode, ACCURACY)
        self.assertRegex(done.stderr, "fewer than the .* predicted")
        numpy.save(outputs / "input_1.npy", numpy.zeros((1, 2)))
        self.fails(3, ["input_1.npy", "holds 2 numbers"], *words)
        numpy.save(outputs / "input_1.npy", numpy.full((1, 3), numpy.nan))
        self.fails(3, ["input_1.npy", "not finite"], *words)
        (outputs / "input_1.npy").unlink()
        self.fails(3, "input_1.npy", *words)

    def test_verify_with_labels(self):
        images = self.folder / "inputs"
        images.mkdir()
        for i in range(4):
            shutil.copy(TINY / f"expected/input_{i % 2}.npy", images / f"{i}.npy")
        labels = self.folder / "labels.csv"
        labels.write_text("file,Star,Round,Square\n0.npy,1,1,0\n1.npy,0,0,0\n2.npy,1,1,0\n3.npy,0,1,0\n")
        auroc = self.report("verify", TINY, images, "--labels", labels)["auroc"]
        self.assertEqual(auroc["classes_with_both_outcomes"], 2)
        by_label = {c["label"]: c for c in auroc["classes"]}
        self.assertIsNone(by_label["Square"]["encrypted"])
        star = by_label["Star"]
        self.assertEqual(star["positives"], 2)
        self.assertIn(star["plaintext"], (0, 1))
        self.assertEqual(star["encrypted"], star["plaintext"])
        self.assertIn("AUROC", self.ok("verify", TINY, images, "--labels", labels))
        split = self.folder / "split.csv"
        split.write_text("file,part\n0.npy,train\n1.npy,validation\n")
        self.assertEqual(self.report("verify", TINY, images, "--split", split)["inputs"], 1)
        self.assertEqual(self.report("verify", TINY, images, "-n", "3")["inputs"], 3)


if __name__ == "__main__":
    main()
