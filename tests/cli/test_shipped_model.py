"""The shipped model: the demo, the same answer through files and separate programs, and Ctrl-C on the way."""
import shutil
import signal
import subprocess
import time

from umbra_program import (CANCELLED, OK, PROGRAM, SERVER, SHIPPED, Pipeline, ProgramTest, listing, main,
                           shared_pipeline)

LARGEST_DIFFERENCE = 0.01
MOST_KEY_BYTES, MOST_MEMORY_BYTES = 2 << 30, 8 << 30


class ShippedModel(ProgramTest):
    """keygen and run take seconds here: time enough to press Ctrl-C. One demo serves all tests: the film
    that it draws is that of `umbra phantom`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.demo = cls().report("demo")
        cls.film = cls.folder / "film.png"
        cls().ok("phantom", "-o", cls.film)
        cls.server = cls.folder / "server"
        cls.server.mkdir()
        cls.files = shared_pipeline(cls, SHIPPED, cls.film, run=False)
        for path in (cls.files.plan, cls.files.keys, cls.files.query):
            shutil.copy(path, cls.server)

    RUN = ["run", "--plan", "server.plan", "--keys", "evaluation.keys", "query.ct", "-o", "result.ct"]

    def test_demo_agrees_with_plaintext(self):
        report = self.demo
        pairs = list(zip(report["probabilities"], report["plaintext_probabilities"]))
        self.assertEqual((len(report["labels"]), len(pairs)), (14, 14))
        self.assertLess(max(abs(a - b) for a, b in pairs), LARGEST_DIFFERENCE)
        self.assertGreaterEqual(report["security_bits"], 128)
        self.assertGreaterEqual(report["bits"], 8)
        self.assertGreaterEqual(report["bits"], report["predicted_bits"])
        self.assertLess(report["key_bytes"], MOST_KEY_BYTES)
        self.assertLess(report["peak_memory_bytes"], MOST_MEMORY_BYTES)
        self.assertLessEqual({"model", "plan", "keygen", "prepare", "image", "encrypt", "run", "decrypt"},
                             report["stages"].keys())

    def test_same_answer_through_files(self):
        """The server's program stands in a folder without image and secret key."""
        self.ok(*self.RUN, program=SERVER, cwd=self.server)
        by_files = self.report(*self.files.decrypt(self.server / "result.ct"))
        self.assertEqual(by_files["labels"], self.demo["labels"])
        for a, b, c in zip(by_files["probabilities"], self.demo["probabilities"],
                           self.demo["plaintext_probabilities"]):
            self.assertLess(max(abs(a - b), abs(a - c)), LARGEST_DIFFERENCE)
        (self.server / "result.ct").unlink()

    def interrupt(self, seconds, times, words, **more):
        before = listing_names(self.folder)
        process = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, **more)
        time.sleep(seconds)
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out), (CANCELLED, ""), err)
        self.assertEqual(listing_names(self.folder), before)
        return err

    def test_interrupted_run(self):
        for times in (1, 2):
            self.interrupt(0.5, times, [SERVER, *self.RUN], cwd=self.server)

    def test_interrupted_keygen(self):
        folder = self.folder / "interrupted-keys"
        folder.mkdir()
        words = [PROGRAM, "keygen", "--profile", self.files.profile, "-o", folder]
        self.assertRegex(self.interrupt(0.6, 1, words), r"stopped after \d+ of \d+ evaluation keys")
        self.interrupt(0.6, 2, words)


def listing_names(folder):
    return sorted(str(p) for p in folder.rglob("*"))


if __name__ == "__main__":
    main()
