"""Too little memory and a full disk: exit code 5, said before the work where it can be, nothing left behind."""
import os
import subprocess
import unittest

from umbra_program import (INPUT, PROGRAM, RESOURCE, SERVER, TINY, ProgramTest, limited, listing, main,
                           shared_pipeline)

SOURCE = TINY / "expected/input_0.npy"


class ScarceResources(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = shared_pipeline(cls)

    def scarce(self, says, *words, **more):
        return self.fails_and_changes_nothing(RESOURCE, says, *words, **more)

    def test_a_budget_of_memory(self):
        self.scarce(["memory", r"\d"], "plan", TINY, "-o", self.folder / "never", "--memory", "1M")
        self.scarce(["memory", r"\d"], "classify", SOURCE, "--model", TINY, "--memory", "1M")

    @unittest.skipIf(os.environ.get("UMBRA_SANITIZED"), "a sanitizer reserves terabytes of address space")
    def test_a_limit_of_address_space(self):
        f, out = self.files, self.folder / "out"
        for megabytes in (40, 80, 160):
            for words in (f.run(f.query, out), f.decrypt(f.result)):
                before = listing(self.folder)
                done = self.start(*words, "--threads", "1", preexec_fn=limited(address_bytes=megabytes << 20))
                if done.returncode == 127 or "shared libraries" in done.stderr:
                    continue  # too little for the program itself
                self.assertIn(done.returncode, (0, RESOURCE), f"{megabytes} MB: {done.stderr}")
                if done.returncode == 0:
                    out.unlink(missing_ok=True)
                else:
                    self.assertRegex(done.stderr, "memory|threads?")
                self.assertEqual(listing(self.folder), before)

    def test_a_full_disk(self):
        f, out = self.files, self.folder / "out"
        says = "too large|no space|cannot write"
        full = limited(file_bytes=4096)
        self.scarce(says, *f.encrypt(SOURCE, out), preexec_fn=full)
        self.scarce(says, *f.run(f.query, out), program=SERVER, preexec_fn=full)
        self.scarce(says, "phantom", "-o", out, preexec_fn=full)
        tiny = limited(file_bytes=64)
        self.scarce(says, *f.decrypt(f.result), "-o", out, preexec_fn=tiny)

    def test_a_full_disk_leaves_the_files_of_before(self):
        f, full = self.files, limited(file_bytes=4096)
        says = "too large|no space|cannot write"
        self.scarce(says, *f.encrypt(SOURCE, f.query), preexec_fn=full)
        self.scarce(says, "keygen", "--profile", f.profile, "-o", f.secret.parent, "--force", preexec_fn=full)
        self.scarce(says, "plan", TINY, "-o", f.plan.parent, preexec_fn=limited(file_bytes=64))

    def test_a_full_disk_leaves_no_key_without_its_partner(self):
        new = self.folder / "new-keys"
        for size in (64, 4096):
            self.fails(RESOURCE, "cannot write", "keygen", "--profile", self.files.profile, "-o", new,
                       preexec_fn=limited(file_bytes=size))
            self.assertEqual(list(new.iterdir()) if new.exists() else [], [])

    def test_stdout_that_takes_nothing(self):
        for words in (["--help"], ["plan", "--help"], ["doctor", "--json"],
                      [*map(str, self.files.decrypt(self.files.result))],
                      [*map(str, self.files.decrypt(self.files.result)), "--json"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([PROGRAM, *words], stdout=full,
                                      stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, RESOURCE, words)
            self.assertRegex(done.stderr, "stdout")

    def test_folders_that_cannot_be_written(self):
        f = self.files
        self.fails(INPUT, "none/out.ct: cannot create: its folder does not exist", *f.encrypt(SOURCE, self.folder / "none/out.ct"))
        (self.folder / "file").write_text("a file")
        for command in (["plan", TINY], ["keygen", "--profile", f.profile]):
            self.fails_and_changes_nothing(RESOURCE, "cannot make the folder .*file", *command, "-o",
                                           self.folder / "file/inside")
        self.fails_and_changes_nothing(INPUT, "folder|directory", *f.encrypt(SOURCE, self.folder))


if __name__ == "__main__":
    main()
