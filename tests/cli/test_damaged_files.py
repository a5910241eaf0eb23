"""Files that are empty, cut, flipped, prolonged or of another version: exit code 3, named, nothing written."""
import hashlib
import json
import shutil
import struct

import numpy

from umbra_program import (ACCURACY, HERE, INPUT, OK, ROOT, SECURITY, SERVER, TINY, TINY_XRAY, ProgramTest, main,
                           shared_pipeline)

HEADER = 128


def sealed(data, **fields):
    """An envelope with header fields changed and its own checksum right again (docs/formats/envelope.md)."""
    places = {"kind": (8, "<I"), "version": (12, "<I"), "parameters": (16, "32s"), "key_id": (48, "<Q"),
              "length": (56, "<Q")}
    header = bytearray(data[:HEADER])
    for name, value in fields.items():
        at, form = places[name]
        struct.pack_into(form, header, at, value)
    header[120:128] = hashlib.blake2b(bytes(header[:120]), digest_size=32).digest()[:8]
    return bytes(header) + data[HEADER:]


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:]


def damages(data):
    """Name and bytes of each damage that every kind of envelope must be refused with."""
    yield "empty", b""
    for size in (1, 8, 60, HEADER - 1, HEADER, HEADER + 1, len(data) // 2, len(data) - 1):
        yield f"cut to {size}", data[:size]
    for at in (0, 8, 12, 20, 50, 57, 70, 97, 121, HEADER, HEADER + 9, len(data) // 3, len(data) - 1):
        yield f"flipped at {at}", flipped(data, at)
    yield "one byte more", data + b"\0"
    yield "a copy behind", data + data
    yield "of the next version", sealed(data, version=struct.unpack_from("<I", data, 12)[0] + 1)
    yield "of version 0", sealed(data, version=0)
    yield "of an unknown kind", sealed(data, kind=77)
    yield "of a length beyond all", sealed(data, length=2**63)
    yield "text", b"this is no file of Umbra\n" * 20


class Envelopes(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.files = shared_pipeline(cls)
        cls.bad, cls.out = cls.folder / "bad", cls.folder / "out"
        cls.out.write_bytes(b"of before")

    def refuse_all(self, good, *words, **more):
        data = good.read_bytes()
        self.assertEqual(sealed(data), data, "the envelope is as this test believes")
        for name, damaged in damages(data):
            with self.subTest(name):
                self.bad.write_bytes(damaged)
                text = self.fails_and_changes_nothing(INPUT, r"/bad\b", *words, **more)
                self.assertLess(len(text), 600)
                if "version" in name:
                    self.assertRegex(text, "version")
                if name == "empty":
                    self.assertRegex(text, "empty|0 bytes")
                if name == "text":
                    self.assertRegex(text, "(not|no) an? (file of )?Umbra")
        self.bad.unlink()

    def test_plan(self):
        self.refuse_all(self.files.plan, *self.files.run(self.files.query, self.out, plan=self.bad),
                        program=SERVER)

    def test_profile_of_keygen(self):
        self.refuse_all(self.files.profile, "keygen", "--profile", self.bad, "-o", self.folder)

    def test_profile_of_decrypt(self):
        self.refuse_all(self.files.profile, *self.files.decrypt(self.files.result, profile=self.bad))

    def test_evaluation_keys(self):
        self.refuse_all(self.files.keys, *self.files.run(self.files.query, self.out, keys=self.bad),
                        program=SERVER)

    def test_secret_key_of_encrypt(self):
        self.refuse_all(self.files.secret,
                        *self.files.encrypt(TINY / "expected/input_0.npy", self.out, key=self.bad))

    def test_secret_key_of_decrypt(self):
        self.refuse_all(self.files.secret, *self.files.decrypt(self.files.result, key=self.bad))

    def test_query(self):
        self.refuse_all(self.files.query, *self.files.run(self.bad, self.out), program=SERVER)

    def test_result(self):
        self.refuse_all(self.files.result, *self.files.decrypt(self.bad))

    def test_names_of_no_file(self):
        none = self.folder / "none"
        for words in (self.files.run(none, self.out), self.files.run(self.files.query, self.out, plan=none),
                      self.files.run(self.files.query, self.out, keys=none),
                      self.files.decrypt(none), self.files.decrypt(self.files.result, key=none),
                      self.files.decrypt(self.files.result, profile=none),
                      ("keygen", "--profile", none, "-o", self.folder / "k"),
                      self.files.encrypt(none, self.out)):
            with self.subTest(words):
                self.fails_and_changes_nothing(INPUT, "none: .*no such file", *words)
        for words in (self.files.run(self.folder, self.out), self.files.decrypt(self.folder)):
            with self.subTest(words):
                self.fails_and_changes_nothing(INPUT, "folder", *words)


class Models(ProgramTest):
    def refuse(self, data, says):
        bad = self.folder / "bad.onnx"
        bad.write_bytes(data)
        self.fails_and_changes_nothing(INPUT, says, "plan", bad, "-o", self.folder / "out")

    def test_onnx(self):
        data = (TINY / "classifier.onnx").read_bytes()
        self.refuse(b"", r"bad\.onnx")
        for size in (1, 20, len(data) // 2, len(data) - 1):
            self.refuse(data[:size], r"bad\.onnx")
        self.refuse(data + b"\xff" * 9, r"bad\.onnx")
        self.refuse(b"\x89PNG\r\n" * 30, r"bad\.onnx")

    def test_bits_of_onnx_never_crash(self):
        """A flipped weight is a model of its own; anything else is named."""
        data = (TINY / "classifier.onnx").read_bytes()
        bad = self.folder / "flipped.onnx"
        for at in range(0, len(data), len(data) // 40):
            bad.write_bytes(flipped(data, at))
            done = self.start("plan", bad, "-o", self.folder / "flipped")
            self.assertIn(done.returncode, (0, 3, 4), f"flipped at {at}: {done.stderr}")

    def test_operators_that_cannot_be_encrypted(self):
        text = self.fails_and_changes_nothing(INPUT, "refused.onnx", "plan", HERE / "refused.onnx", "-o",
                                              self.folder / "out")
        for name in ("/1/Relu", "/2/MaxPool", "/5/Sigmoid"):
            self.assertIn(name, text)
        self.assertRegex(text, r"quadratic a\*x\*\*2\+b\*x\+c")
        self.assertRegex(text, "average")
        self.assertRegex(text, "client applies it after decryption")

    def test_model_folder(self):
        folder = self.folder / "model"
        folder.mkdir()
        out = self.folder / "out"
        self.fails_and_changes_nothing(INPUT, "no model.json in this folder", "plan", folder, "-o", out)
        good = (TINY / "model.json").read_text()
        (folder / "model.json").write_text(good)
        self.fails_and_changes_nothing(INPUT, "classifier.onnx: cannot read", "plan", folder, "-o", out)
        (folder / "model.json").write_text(good[:-9])
        self.fails_and_changes_nothing(INPUT, r"model.json: line \d+, column \d+", "plan", folder, "-o", out)
        self.fails_and_changes_nothing(INPUT, "no such model", "plan", self.folder / "none", "-o", out)

    def test_ranges_that_make_no_sense(self):
        """Refused with the name of the value, before keys exist, where they cannot be those of the network."""
        folder, out = self.folder / "ranges", self.folder / "ranges-plan"
        good = json.loads((TINY / "model.json").read_text())
        shutil.copytree(TINY, folder)
        conv, answer = "/0/Conv_output_0", "output"
        for name, least, greatest, code in [
                (conv, 0, 1e-30, INPUT), (conv, -1e300, 1e300, INPUT), (conv, -5e-324, 5e-324, INPUT),
                (conv, -1e-3, 1e-3, INPUT), (conv, -1e3, 1e3, INPUT), (answer, -1e300, 1e300, INPUT),
                (answer, -1e-3, 1e-3, INPUT), (answer, 5, 6, OK)]:
            ranges = good["ranges"] | {name: [least, greatest]}
            (folder / "model.json").write_text(json.dumps(good | {"ranges": ranges}))
            with self.subTest(f"{name} from {least} to {greatest}"):
                done = self.start("verify", folder, TINY / "expected/input_0.npy")
                self.assertEqual(done.returncode, code, done.stderr)
                if code != OK:
                    self.assertRegex(done.stderr, f'^umbra: .*"{name}": its range in model.json.*measure the ranges')
                    self.fails(code, name, "plan", folder, "-o", out)
                    self.assertFalse(out.exists())


class Pictures(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.film = cls.folder / "film.png"
        ProgramTest.ok(cls(), "phantom", "-o", cls.film)
        cls.files = shared_pipeline(cls, TINY_XRAY, cls.film, run=False)
        cls.out = cls.folder / "out.ct"

    def refuse(self, name, data, says):
        bad = self.folder / name
        bad.write_bytes(data)
        self.fails_and_changes_nothing(INPUT, [name.replace(".", r"\."), says],
                                       *self.files.encrypt(bad, self.out))
        bad.unlink()

    def test_images(self):
        data = self.film.read_bytes()
        self.refuse("empty.png", b"", "empty|0 bytes")
        for size in (1, 8, 30, len(data) // 2, len(data) - 20):
            self.refuse("cut.png", data[:size], ".")
        for at in (1, 18, len(data) // 2):
            self.refuse("flipped.png", flipped(data, at), ".")
        huge = bytearray(data)
        huge[16:24] = struct.pack(">II", 2**30, 2**30)
        self.refuse("huge.png", bytes(huge), ".")
        self.refuse("text.png", b"not a picture\n" * 99, "PNG, JPEG, TIFF")
        self.refuse("cut.jpg", b"\xff\xd8\xff\xe0" + bytes(40), ".")
        self.refuse("cut.tif", b"II*\0" + bytes(40), ".")
        self.refuse("cut.dcm", bytes(128) + b"DICM" + bytes(40), ".")

    def test_tensors(self):
        def npy(array, name="x.npy"):
            path = self.folder / name
            numpy.save(path, array)
            data = path.read_bytes()
            path.unlink()
            return data

        good = numpy.zeros((1, 2, 8, 8), numpy.float32)
        data = npy(good)
        self.refuse("empty.npy", b"", ".")
        self.refuse("cut.npy", data[:-1], ".")
        self.refuse("cut.npy", data[:30], ".")
        self.refuse("long.npy", data + b"\0", ".")
        for value, word in ((numpy.nan, "NaN"), (numpy.inf, "infinity"), (-numpy.inf, "infinity")):
            bad = good.copy()
            bad[0, 1, 2, 3] = value
            self.fails_with_tensor(npy(bad), [word, "index 83"])
        self.fails_with_tensor(npy(good + 100), ["calibrated"])
        self.fails_with_tensor(npy(numpy.zeros((1, 2, 8, 7), numpy.float32)), ["112 numbers", "takes 128"])
        self.fails_with_tensor(npy(numpy.zeros((1, 2, 8, 8), numpy.int16)), ["bad.npy", "float32"])
        self.fails_with_tensor(npy(numpy.asfortranarray(numpy.random.rand(2, 8, 8).astype("f4"))), ["bad.npy", "order"])

    def fails_with_tensor(self, data, says):
        bad = self.folder / "bad.npy"
        bad.write_bytes(data)
        self.fails_and_changes_nothing(INPUT, says, *self.files.encrypt(bad, self.out))

    def test_an_image_where_a_tensor_is_due(self):
        self.fails(INPUT, ["film.png", "float32 .npy"], "classify", self.film, "--model", TINY)

    def test_another_encoder(self):
        self.fails_and_changes_nothing(
            INPUT, "not the encoder that the plan was made for", *self.files.encrypt(self.film, self.out),
            "--encoder", ROOT / "models/chest-resnet20-f8/encoder.onnx")


if __name__ == "__main__":
    main()
