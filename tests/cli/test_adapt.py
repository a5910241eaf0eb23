"""umbra adapt: a LeNet that somebody else exported runs encrypted and agrees with ONNX Runtime."""
import json
import math
import sys

import numpy

from umbra_program import INPUT, ROOT, SERVER, USAGE, Pipeline, ProgramTest, main

MODEL = ROOT.parent / "shared/data/onnx/models/simple-lenet5-torch-mnist__mnist.onnx"
KIND = "0.1,0.5,0.2"
# What onnxruntime-node 1.30 computes with the adapted file for the input below.
RUNTIME = [-0.0720462, -0.02311687, 0.01085946, -0.1108292, -0.05397206, 0.1229942, 0.1402206, 0.2157399,
           -0.15694, 0.06443781]


def wave():
    i, j = numpy.mgrid[0:28, 0:28]
    values = 0.5 + 0.5 * numpy.sin(0.3 * i) * numpy.cos(0.2 * j)
    return values.astype(numpy.float32).reshape(1, 1, 28, 28)


class Adapt(ProgramTest):
    def test_runs_encrypted_and_agrees_with_another_runtime(self):
        model, source = self.folder / "lenet", self.folder / "wave.npy"
        numpy.save(source, wave())
        report = self.report("adapt", MODEL, source, "-o", model, "--activation", KIND)
        self.assertEqual((len(report["activations"]), report["pools"], report["ends"]), (4, 2, 1))
        self.assertEqual(report["still_refused"], 0)
        files = Pipeline(self, model, source, program=SERVER)
        predicted = self.report("plan", model, "-o", self.folder / "again")["predicted_bits"]
        moments = json.loads((model / "model.json").read_text())["moments"]
        usual = [m["usual_most"] for m in moments.values() if "usual_most" in m]
        self.assertEqual(len(usual), 1)
        error = 2.0 ** -predicted * usual[0]
        grid = 2.0 ** math.ceil(math.log2(error))
        decrypted = self.report(*files.decrypt(files.result))
        self.assertAlmostEqual(decrypted["predicted_error"] / error, 1, places=5)
        self.assertEqual(decrypted["grid"], grid)
        answer = decrypted["logits"]
        worst = max(abs(a - b) for a, b in zip(answer, RUNTIME))
        # The key holder's program rounds to the power of two at or above the error (SECURITY.md).
        for a in answer:  # of nine digits
            self.assertLess(abs(a / grid - round(a / grid)), 1e-4, (a, grid))
        self.assertLessEqual(worst, error + grid / 2)
        expected = self.folder / "expected"
        expected.mkdir()
        numpy.save(expected / "wave.npy", numpy.array(RUNTIME, dtype=numpy.float32))
        self.ok("verify", model, source, "--expected", expected)

    def test_a_fit_stays_near_to_the_original(self):
        """Three inputs; quadratics over the range that is met give much of what ReLU gives."""
        inputs = self.folder / "inputs"
        inputs.mkdir()
        for i in range(3):
            numpy.save(inputs / f"{i}.npy", numpy.roll(wave(), 5 * i, axis=3))
        report = self.report("adapt", MODEL, inputs, "-o", self.folder / "fit.onnx")
        for site in report["activations"]:
            self.assertEqual(site["was"], "Relu")
            self.assertGreater(site["a"], 0)
            self.assertTrue(0.2 < site["b"] < 0.8, site)

    def test_what_cannot_be_planned_is_written_as_a_file_only(self):
        odd = MODEL.parent / "ezkl__1l_relu_network.onnx"
        report = self.report("adapt", odd, "-o", self.folder / "relu.onnx", "--activation", "square")
        self.assertEqual(len(report["activations"]), 1)
        unknown = MODEL.parent / "burn-onnx__abs_abs.onnx"
        self.fails_and_changes_nothing(INPUT, "still cannot be encrypted", "adapt", unknown, "-o",
                                       self.folder / "never")

    def test_refusals(self):
        out = self.folder / "never.onnx"
        self.fails_and_changes_nothing(USAGE, "fit, square, or A,B,C", "adapt", MODEL, "-o", out,
                                       "--activation", "1,2")
        self.fails_and_changes_nothing(USAGE, "written over", "adapt", MODEL, "-o", MODEL)
        one = self.folder / "one"
        self.ok("adapt", MODEL, "-o", one, "--activation", KIND)
        for source, says in ((one / "classifier.onnx", "the output .* is the input"),
                             (MODEL, "model.json is already there .* --force")):
            self.fails_and_changes_nothing(USAGE, says, "adapt", source, "-o", one)
        self.fails_and_changes_nothing(USAGE, "the output .* is the input", "adapt", one / "classifier.onnx", "-o", one,
                                       "--force")
        (one / "model.json").unlink()
        self.fails_and_changes_nothing(USAGE, "classifier.onnx is already there", "adapt", MODEL, "-o", one)
        self.ok("adapt", MODEL, "-o", one, "--activation", KIND, "--force")
        self.assertTrue((one / "model.json").is_file())
        wrong = self.folder / "wrong.npy"
        numpy.save(wrong, wave()[:, :, :20])
        self.fails_and_changes_nothing(INPUT, "the model takes 784", "adapt", MODEL, wrong, "-o", out)


if __name__ == "__main__":
    if not MODEL.is_file():
        print(f"skipped: {MODEL} is absent")
        sys.exit(77)
    main()
