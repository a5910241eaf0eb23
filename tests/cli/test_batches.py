"""Several images in one run, through files and in one process; and answers that meet their images."""
import json
import shutil

from umbra_program import INPUT, SERVER, TINY, USAGE, ProgramTest, main

INPUTS = [TINY / f"expected/input_{i}.npy" for i in range(2)]


class Batches(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        helper = cls()
        f = cls.folder
        helper.ok("plan", TINY, "-o", f / "plan", "--batch", "3")
        cls.profile, cls.plan = f / "plan/client.profile", f / "plan/server.plan"
        helper.ok("keygen", "--profile", cls.profile, "-o", f / "keys")
        cls.secret, cls.keys = f / "keys/secret.key", f / "keys/evaluation.keys"
        cls.images = [f / f"patient-{i}.npy" for i in range(5)]
        for i, path in enumerate(cls.images):
            shutil.copy(INPUTS[i % 2], path)

    def encrypt(self, images, query):
        return "encrypt", "--profile", self.profile, "--key", self.secret, *images, "-o", query

    def decrypt(self, result, receipt=None):
        more = () if receipt is None else ("--receipt", receipt)
        return "decrypt", "--profile", self.profile, "--key", self.secret, result, *more

    def query_and_result(self, name, images):
        query, result = self.folder / f"{name}.ct", self.folder / f"{name}.result"
        self.ok(*self.encrypt(images, query))
        self.ok("run", "--plan", self.plan, "--keys", self.keys, query, "-o", result, program=SERVER)
        return query, result, self.folder / f"{name}.ct.receipt"

    def alone(self, path):
        return self.report("classify", path, "--model", TINY)

    def test_every_image_is_answered_as_alone(self):
        """Three images of four places; each answer stands beside the name of its image."""
        images = [self.images[1], self.images[0], self.images[3]]
        _, result, receipt = self.query_and_result("three", images)
        report = json.loads(self.ok(*self.decrypt(result, receipt), "--json"))
        self.assertEqual([a["input"] for a in report["answers"]], [str(p) for p in images])
        self.assertEqual(report["answers"][0]["input_blake2b"], report["answers"][2]["input_blake2b"])
        for path, answer in zip(images, report["answers"]):
            wanted = self.alone(path)["logits"]
            limit = 4 * max(map(abs, wanted)) * 2 ** -report["predicted_bits"]
            for a, b in zip(answer["logits"], wanted):
                self.assertAlmostEqual(a, b, delta=limit)
        text = self.ok(*self.decrypt(result, receipt))
        places = [text.index(path.name) for path in images]
        self.assertEqual(places, sorted(places))

    def test_all_answers_in_one_array(self):
        _, result, receipt = self.query_and_result("array", self.images[:2])
        out = self.folder / "answers.npy"
        self.ok(*self.decrypt(result, receipt), "-o", out)
        self.assertIn(b"(2, 3,)", out.read_bytes()[:128])

    def test_a_query_does_not_tell_how_many_images_it_holds(self):
        sizes = set()
        for count in (1, 2, 4):
            query = self.folder / f"count-{count}.ct"
            self.ok(*self.encrypt(self.images[:count], query))
            sizes.add(query.stat().st_size)
            receipt = self.folder / f"count-{count}.ct.receipt"
            self.assertEqual(receipt.stat().st_mode & 0o777, 0o600)
        self.assertEqual(len(sizes), 1)

    def test_a_result_does_not_meet_the_receipt_of_another_query(self):
        _, first, first_receipt = self.query_and_result("first", self.images[:2])
        _, second, second_receipt = self.query_and_result("second", self.images[2:4])
        says = "answers another query"
        self.fails_and_changes_nothing(INPUT, says, *self.decrypt(first, second_receipt))
        self.fails_and_changes_nothing(INPUT, says, *self.decrypt(second, first_receipt))
        self.ok(*self.decrypt(first, first_receipt))
        self.fails_and_changes_nothing(USAGE, "--receipt is needed", *self.decrypt(first))
        self.fails_and_changes_nothing(INPUT, "receipt", *self.decrypt(first, self.profile))

    def test_more_images_than_places(self):
        self.fails_and_changes_nothing(USAGE, "5 inputs, and the plan takes 4",
                                       *self.encrypt(self.images, self.folder / "five.ct"))

    def test_batches_that_make_no_sense(self):
        out = self.folder / "none"
        for batch in ("0", "-1", "1000000000", "x", "99999999999999999999", "1.5"):
            self.fails_and_changes_nothing(USAGE, "--batch", "plan", TINY, "-o", out, f"--batch={batch}")
        self.fails_and_changes_nothing(USAGE, "latency or throughput", "plan", TINY, "-o", out, "--mode", "fast")
        self.fails_and_changes_nothing(INPUT, "run it several times", "plan", TINY, "-o", out, "--batch", "65536")

    def test_in_one_process(self):
        report = self.report("verify", TINY, *self.images, "--batch", "4")
        self.assertEqual(report["inputs"], 5)
        self.assertGreaterEqual(report["bits"], report["predicted_bits"])
        report = self.report("classify", *self.images[:3], "--model", TINY, "--batch", "2")
        self.assertEqual([a["input"] for a in report["answers"]], [str(p) for p in self.images[:3]])
        self.assertEqual(report["answers"][0]["labels"], report["answers"][2]["labels"])
        text = self.ok("classify", *self.images[:2], "--model", TINY, "--batch", "2")
        self.assertIn("patient-1.npy", text)

    def test_throughput_takes_more_images(self):
        one = self.report("plan", TINY, "-o", self.folder / "one")
        many = self.report("plan", TINY, "-o", self.folder / "many", "--mode", "throughput")
        self.assertEqual(one["images"], 1)
        self.assertGreater(many["images"], 1)
        self.assertLess(many["predicted_seconds"] / many["images"], one["predicted_seconds"])


if __name__ == "__main__":
    main()
