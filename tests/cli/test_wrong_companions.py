"""Good files that do not belong together, or stand in each other's place."""
import shutil

from umbra_program import (INPUT, SERVER, TINY, TINY_XRAY, USAGE, Pipeline, ProgramTest, main,
                           shared_pipeline)

SOURCE = TINY / "expected/input_0.npy"


class WrongCompanions(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = shared_pipeline(cls)
        helper = cls()
        helper.ok("keygen", "--profile", cls.files.profile, "-o", cls.folder / "other")
        cls.other_secret, cls.other_keys = (cls.folder / "other" / name
                                            for name in ("secret.key", "evaluation.keys"))
        shutil.copytree(TINY, cls.folder / "model")
        text = (TINY / "model.json").read_text()
        (cls.folder / "model/model.json").write_text(text.replace('"Round"', '"Oval"'))
        helper.ok("plan", cls.folder / "model", "-o", cls.folder / "another")
        cls.another_plan = cls.folder / "another/server.plan"
        cls.another_profile = cls.folder / "another/client.profile"
        cls.out = cls.folder / "out"

    def refuse(self, says, *words, **more):
        return self.fails_and_changes_nothing(INPUT, says, *words, **more)

    def test_a_secret_key_is_refused_on_the_server(self):
        says = ["secret", r"secret\.key"]
        f = self.files
        self.refuse(says, *f.run(f.query, self.out, keys=f.secret), program=SERVER)
        self.refuse(says, *f.run(f.secret, self.out), program=SERVER)
        self.refuse(says, *f.run(f.query, self.out, plan=f.secret), program=SERVER)

    def test_every_kind_is_told_from_every_other(self):
        f = self.files
        kinds = {"plan": f.plan, "profile": f.profile, "evaluation keys": f.keys, "secret key": f.secret,
                 "ciphertext": f.query}
        uses = {
            "plan": lambda p: f.run(f.query, self.out, plan=p),
            "evaluation keys": lambda p: f.run(f.query, self.out, keys=p),
            "ciphertext": lambda p: f.run(p, self.out),
            "profile": lambda p: f.decrypt(f.result, profile=p),
            "secret key": lambda p: f.decrypt(f.result, key=p),
        }
        for wanted, use in uses.items():
            for kind, path in kinds.items():
                if kind != wanted:
                    with self.subTest(f"{kind} instead of {wanted}"):
                        self.refuse([path.name, kind, wanted], *use(path))

    def test_keys_of_another_client(self):
        f = self.files
        self.refuse("another key", *f.run(f.query, self.out, keys=self.other_keys), program=SERVER)
        self.refuse(r"\.ct: the ciphertext is under key .* decrypt with the key that encrypted", *f.decrypt(f.result, key=self.other_secret))

    def test_files_of_another_plan(self):
        """This one has the same parameters, so the keys fit; but an answer stands for something else."""
        f = self.files
        other = "belongs to another plan"
        self.refuse(other, *f.run(f.query, self.out, plan=self.another_plan), program=SERVER)
        self.refuse(other, *f.decrypt(f.result, profile=self.another_profile))
        self.ok(*f.encrypt(SOURCE, self.folder / "another.ct", profile=self.another_profile))
        self.refuse(other, *f.run(self.folder / "another.ct", self.out), program=SERVER)

    def test_a_query_where_a_result_is_due_and_the_reverse(self):
        f = self.files
        self.refuse("is a result where a query is expected; give what `umbra encrypt` wrote", *f.run(f.result, self.out), program=SERVER)
        self.refuse("is a query where a result is expected; give what `umbra run` wrote", *f.decrypt(f.query))

    def test_precision_out_of_reach(self):
        self.fails_and_changes_nothing(USAGE, "--precision-bits needs a number from 1 to 32", "plan", TINY,
                                       "-o", self.folder / "never", "--precision-bits", "40")


if __name__ == "__main__":
    main()
