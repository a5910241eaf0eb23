"""Real chest films of ../shared/data, PNG and DICOM: the answer through files is that of classify."""
import sys

from umbra_program import ROOT, SERVER, SHIPPED, Pipeline, ProgramTest, main

DATA = ROOT.parent / "shared" / "data"
FILM = next(iter(sorted(DATA.glob("cxr/nih_256/*.png")) + sorted(DATA.glob("cxr/nih_256/*/*.png"))), None)
DICOM = DATA / "dicom/dwv__gdcm-CR-MONO1-10-chest.dcm"


class RealImages(ProgramTest):
    def same_answer(self, image, name):
        at_once = self.report("classify", image, "--model", SHIPPED)
        files = Pipeline(self, SHIPPED, image, name=name, program=SERVER)
        by_files = self.report(*files.decrypt(files.result))
        self.assertEqual(len(by_files["probabilities"]), 14)
        for a, b, plain in zip(by_files["probabilities"], at_once["probabilities"],
                               at_once["plaintext_probabilities"]):
            self.assertLess(max(abs(a - b), abs(a - plain)), 0.01)
        self.assertGreaterEqual(at_once["bits"], 8)

    def test_film(self):
        self.same_answer(FILM, "film")

    def test_dicom(self):
        self.same_answer(DICOM, "dicom")


if __name__ == "__main__":
    if FILM is None or not DICOM.is_file():
        print(f"{DATA} holds no chest film and DICOM file: skipped")
        sys.exit(77)
    main()
