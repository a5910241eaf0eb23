"""Run the built programs as a user does: check exit code, words of the message, files left behind."""
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "cli"
TINY, TINY_XRAY, SHIPPED = HERE / "tiny", HERE / "tiny-xray", ROOT / "models" / "chest-resnet20-f8"
PROGRAM = os.environ.get("UMBRA_PROGRAM", str(ROOT / "build" / "umbra"))
SERVER = os.environ.get("UMBRA_SERVER_PROGRAM", str(ROOT / "build" / "bin" / "umbra-server-only"))

OK, USAGE, INPUT, SECURITY, RESOURCE, ACCURACY, CANCELLED = 0, 2, 3, 4, 5, 7, 130


def limited(file_bytes=None, address_bytes=None):
    """A preexec function that lowers limits of the child alone."""
    def lower():
        if file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
        if address_bytes is not None:
            resource.setrlimit(resource.RLIMIT_AS, (address_bytes, address_bytes))
    return lower


def listing(folder):
    """Every file below a folder, to prove that a failure wrote, replaced and left behind nothing."""
    found = {}
    for path in pathlib.Path(folder).rglob("*"):
        info = path.stat()
        found[str(path)] = (info.st_ino, info.st_size, info.st_mtime_ns) if path.is_file() else None
    return found


class ProgramTest(unittest.TestCase):
    """A class of tests shares one temporary folder, self.folder."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="umbra-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def start(self, *words, program=PROGRAM, **more):
        return subprocess.run([program, *map(str, words)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, **{"timeout": 600, **more})

    def ok(self, *words, warns=None, **more):
        """Succeeds, says nothing on stderr but one warning where `warns` occurs; returns stdout."""
        done = self.start(*words, **more)
        self.assertEqual(done.returncode, OK, f"{words}\n{done.stdout}{done.stderr}")
        if warns:
            self.assertRegex(done.stderr, rf"\Awarning: .*{warns}.*\n\Z")
        else:
            self.assertEqual(done.stderr, "", f"{words}\n{done.stdout}")
        self.assertTrue(done.stdout.endswith("\n"), done.stdout)
        return done.stdout

    def report(self, *words, **more):
        """The same with --json; returns the object."""
        return json.loads(self.ok(*words, "--json", **more))

    def fails(self, code, says, *words, **more):
        """Fails with this exit code and one message on stderr in which each pattern of `says` occurs."""
        done = self.start(*words, **more)
        text = done.stderr
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout}{text}")
        self.assertTrue(text.startswith("umbra: ") and text.endswith("\n"), text)
        for pattern in [says] if isinstance(says, str) else says:
            self.assertRegex(text, re.compile(pattern, re.IGNORECASE))
        self.assertEqual(done.stdout, "", "a failure prints no result")
        return text

    def fails_and_changes_nothing(self, code, says, *words, **more):
        before = listing(self.folder)
        text = self.fails(code, says, *words, **more)
        self.assertEqual(listing(self.folder), before, "a failure leaves every file as it was")
        return text


class Pipeline:
    """One model taken through plan, keygen, encrypt, run; the names of its files."""

    def __init__(self, test, model, source, name="pipeline", run=True, program=SERVER, warns=None):
        self.folder = test.folder / name
        self.plan, self.profile = self.folder / "plan/server.plan", self.folder / "plan/client.profile"
        self.secret, self.keys = self.folder / "keys/secret.key", self.folder / "keys/evaluation.keys"
        self.query, self.result = self.folder / "query.ct", self.folder / "result.ct"
        test.ok("plan", model, "-o", self.folder / "plan", warns=warns)
        test.ok("keygen", "--profile", self.profile, "-o", self.folder / "keys")
        test.ok(*self.encrypt(source, self.query))
        if run:
            test.ok(*self.run(self.query, self.result), program=program)

    def encrypt(self, source, out, profile=None, key=None):
        return ("encrypt", "--profile", profile or self.profile, "--key", key or self.secret, source,
                "-o", out)

    def run(self, query, out, plan=None, keys=None):
        return ("run", "--plan", plan or self.plan, "--keys", keys or self.keys, query, "-o", out)

    def decrypt(self, result, profile=None, key=None):
        return ("decrypt", "--profile", profile or self.profile, "--key", key or self.secret, result)


def shared_pipeline(cls, model=TINY, source=TINY / "expected/input_0.npy", **more):
    """A Pipeline made once for a class, from its setUpClass."""
    helper = cls()
    helper.folder = cls.folder
    return Pipeline(helper, model, source, **more)


def main():
    for program in (PROGRAM, SERVER):
        if not os.access(program, os.X_OK):
            sys.exit(f"{program} is not there; set UMBRA_PROGRAM and UMBRA_SERVER_PROGRAM")
    unittest.main()
