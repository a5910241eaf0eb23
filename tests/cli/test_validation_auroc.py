"""The shipped model on its validation films: encryption costs no AUROC."""
import json
import sys

from umbra_program import ROOT, SHIPPED, ProgramTest, main

FILMS = ROOT.parent / "shared" / "data" / "cxr" / "nih_256"
SPLIT = ROOT / "training" / "splits" / "nih_256.csv"
LARGEST_DIFFERENCE = 0.003


class Validation(ProgramTest):
    def test_auroc(self):
        words = ["verify", SHIPPED, FILMS / "images", "--labels", FILMS / "labels.csv", "--split", SPLIT, "--json"]
        done = self.start(*words, timeout=None)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        report = json.loads(done.stdout)
        self.assertEqual(report["inputs"], 166)
        for mean in ("micro", "macro", "weighted"):
            encrypted, plaintext = (report["auroc"][side][mean] for side in ("encrypted", "plaintext"))
            self.assertGreater(plaintext, 0.7, "the labels belong to these films")
            self.assertLess(abs(encrypted - plaintext), LARGEST_DIFFERENCE, mean)


if __name__ == "__main__":
    if not (FILMS / "labels.csv").is_file():
        print(f"{FILMS} holds no films: skipped")
        sys.exit(77)
    main()
