"""Commands typed wrongly: exit code 2, one line that names the mistake, nothing written."""
from umbra_program import INPUT, SERVER, TINY, USAGE, ProgramTest, main, shared_pipeline

REQUIRED = {
    "plan": ["--output"],
    "keygen": ["--profile", "--output"],
    "encrypt": ["--profile", "--key", "--output"],
    "run": ["--plan", "--keys", "--output"],
    "decrypt": ["--profile", "--key"],
    "classify": ["--model"],
    "phantom": ["--output"],
}
ARGUMENTS = {"plan": 1, "encrypt": 1, "run": 1, "decrypt": 1, "classify": 1, "keygen": 0, "phantom": 0,
             "doctor": 0, "demo": 0}
NAMED = {"plan": "a MODEL", "encrypt": "an image or a", "run": "the query", "decrypt": "the result",
         "classify": "an image or a"}


class WrongUsage(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = shared_pipeline(cls, run=False)

    def wrong(self, says, *words, **more):
        self.fails_and_changes_nothing(USAGE, says, *words, **more)

    def test_no_command(self):
        done = self.start()
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("usage: umbra COMMAND", done.stderr)

    def test_unknown_command(self):
        self.wrong([r'no command "classyfy"', "umbra --help"], "classyfy")
        self.wrong(r'no command "decrypt"', "decrypt", program=SERVER)
        self.wrong(r'no command "--json"', "--json")

    def test_unknown_option(self):
        for command in [*ARGUMENTS, "verify", "bench"]:
            self.wrong([f"umbra {command} does not know the option --bogus", f"umbra {command} --help"],
                       command, "--bogus")
        self.wrong("--secret-key", "run", "--secret-key", self.files.secret)
        self.wrong(r"the option --precision \(--precision-bits\?\);", "plan", TINY, "--precision", "9")
        self.wrong(r"the option --=1;", "plan", TINY, "--=1")

    def test_missing_options(self):
        for command, options in REQUIRED.items():
            for missing in options:
                words = ["x"] * ARGUMENTS[command]
                for option in options:
                    if option != missing:
                        words += [option, self.folder / "nothing"]
                self.wrong([f"{missing} [A-Z]+ is missing", f"usage: umbra {command}"], command, *words)

    def test_missing_and_extra_arguments(self):
        for command, count in ARGUMENTS.items():
            if count > 0:
                self.wrong([f"an argument is missing: {NAMED[command]}", f"usage: umbra {command}"], command)
            if command not in ("encrypt", "classify"):  # as many images as the plan takes
                self.wrong([r'"extra" is one argument too many', f"usage: umbra {command}"], command,
                           *["x"] * count, "extra")
        self.wrong("an argument is missing: an INPUT", "verify", TINY)
        self.wrong("an argument is missing: a MODEL", "verify")
        self.wrong(r"an argument is missing: a MODEL\.onnx", "adapt")
        self.wrong("an argument is missing: math, ckks", "bench")

    def test_values(self):
        out = self.folder / "never"
        self.wrong("--precision-bits needs a number from 1 to 32", "plan", TINY, "-o", out,
                   "--precision-bits", "many")
        self.wrong("--precision-bits needs a number from 1 to 32", "plan", TINY, "-o", out,
                   "--precision-bits", "99")
        self.wrong("--memory needs bytes, as 6G or 800M", "plan", TINY, "-o", out, "--memory", "lots")
        self.wrong("--memory 8 is 8 bytes, .* write 8G", "plan", TINY, "-o", out, "--memory", "8")
        self.wrong("--threads needs a number from 1 to 1024", "plan", TINY, "-o", out, "--threads", "0")
        self.wrong("--output needs a value", "plan", TINY, "-o")
        self.wrong("--output needs a value before --json", "plan", TINY, "-o", "--json")
        self.wrong("given twice", "plan", TINY, "-o", out, "-o", out)
        self.wrong("takes no value", "plan", TINY, "-o", out, "--explain=1")
        self.wrong('knows math, ckks, roofs and net, not "speed"', "bench", "speed")
        self.wrong('knows math, ckks, roofs and net, not "speed"', "bench", "speed", "model")
        self.wrong("bench roofs takes no --runs: only net does", "bench", "roofs", "-n", "2")
        self.wrong("a whole number from 1 to .*, not \"2.5\"", "bench", "net", "-n", "2.5")
        for shape in ["15:16", "15:16:1x", "15:16:1:", "15:16:1:50:2", "big", ""]:
            self.wrong("--shape needs", "bench", "ckks", "--shape", shape)
        for shape in ["11:4:1", "18:4:1", "15:0:1", "15:65:1", "15:16:0", "15:16:17", "15:16:1:51", "15:16:1:nan"]:
            self.wrong("R is 12 to 17, D 1 to 64, S 1 to 16, B 20 to 50", "bench", "ckks", "--shape", shape)
        self.wrong("takes no --shape: only ckks does", "bench", "math", "--shape", "15:16:1")
        self.wrong("--number needs a whole number", "phantom", "-o", out, "-n", "1.5")

    def test_keygen_does_not_overwrite(self):
        self.wrong([r"keys/secret\.key is already there", "--force"], "keygen", "--profile",
                   self.files.profile, "-o", self.files.secret.parent)
        moved = self.files.secret.rename(self.folder / "moved.key")
        self.wrong([r"keys/evaluation\.keys is already there", "--force"], "keygen", "--profile",
                   self.files.profile, "-o", self.files.secret.parent)
        moved.rename(self.files.secret)

    def test_no_output_over_an_input(self):
        f, link = self.files, self.folder / "link"
        link.symlink_to(f.secret)
        says = "is the input .* and would be written over"
        self.wrong(says, *f.run(f.query, f.query))
        self.wrong(says, *f.run(f.query, f.keys))
        self.wrong(says, *f.encrypt(TINY / "expected/input_0.npy", TINY / "expected/input_0.npy"))
        self.wrong(says, *f.encrypt(TINY / "expected/input_0.npy", link))
        self.wrong(says, *f.decrypt(f.query), "-o", f.secret)

    def test_an_unknown_processor_choice(self):
        done = self.start("doctor", env={"UMBRA_CPU": "pentium"})
        self.assertEqual(done.returncode, USAGE, done.stderr)
        self.assertIn("UMBRA_CPU", done.stderr)

    def test_labels_for_a_model_without_labels(self):
        labels = self.folder / "labels.csv"
        labels.write_text("file\ninput_0.npy\n")
        self.wrong("model.json", "verify", TINY / "classifier.onnx", TINY / "expected/input_0.npy",
                   "--labels", labels)

    def test_inputs_that_are_not_there_are_told_before_any_work(self):
        for command in (["classify", "nosuch.png", "--model", "no-model"], ["verify", "no-model", "nosuch.png"],
                        ["demo", "--image", "nosuch.png"]):
            self.fails(INPUT, r"^umbra: nosuch\.png: cannot open", *command)
        self.fails(INPUT, "is a folder; give the images in it", "classify", self.folder, "--model", "no-model")

    def test_where_no_model_is_shipped(self):
        self.fails(INPUT, ["UMBRA_MODELS", "model.json"], "demo", env={"UMBRA_MODELS": str(self.folder)})


if __name__ == "__main__":
    main()
