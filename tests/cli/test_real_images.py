"""Real chest films of ../shared/data, PNG and DICOM: the answer through files is that of classify."""
import sys

from umbra_program import ROOT, SERVER, SHIPPED, ProgramTest, main, shared_pipeline

DATA = ROOT.parent / "shared" / "data"
FILM = next(iter(sorted(DATA.glob("cxr/nih_256/*.png")) + sorted(DATA.glob("cxr/nih_256/*/*.png"))), None)
DICOM = DATA / "dicom/dwv__gdcm-CR-MONO1-10-chest.dcm"


class RealImages(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = shared_pipeline(cls, SHIPPED, FILM, run=False)

    def same_answer(self, image):
        query, result = self.folder / "query.ct", self.folder / "result.ct"
        self.ok(*self.files.encrypt(image, query))
        self.ok(*self.files.run(query, result), program=SERVER)
        by_files = self.report(*self.files.decrypt(result))
        at_once = self.report("classify", image, "--model", SHIPPED)
        self.assertEqual(len(by_files["probabilities"]), 14)
        for a, b, plain in zip(by_files["probabilities"], at_once["probabilities"],
                               at_once["plaintext_probabilities"]):
            self.assertLess(max(abs(a - b), abs(a - plain)), 0.01)
        self.assertGreaterEqual(at_once["bits"], 8)

    def test_film(self):
        self.same_answer(FILM)

    def test_dicom(self):
        self.same_answer(DICOM)


if __name__ == "__main__":
    if FILM is None or not DICOM.is_file():
        print(f"{DATA} holds no chest film and DICOM file: skipped")
        sys.exit(77)
    main()
