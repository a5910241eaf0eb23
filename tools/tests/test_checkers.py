#!/usr/bin/env python3
"""The checkers of tools/ on small trees and programs that are broken on purpose."""
import fnmatch
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parent.parent
RULES = """
base     :
math     : base
math/x86 : base math
ckks     : base math
client   : base ckks
public status.h : base
public client.h : client
only ckks/secret.h : ckks client
only immintrin.h   : math/x86
generated made.h : ckks
"""
GOOD = {
    "include/umbra/status.h": "/* Status. */\n",
    "src/base/memory.h": "/* Memory. */\n#include \"umbra/status.h\"\n#include <stdio.h>\n",
    "src/math/ntt.c": "/* NTT. */\n#include \"base/memory.h\"\n",
    "src/math/x86/ntt_x.c": "/* NTT. */\n#include <immintrin.h>\n#include \"math/x86/ntt_x.h\"\n",
    "src/ckks/secret.h": "/* Secret key. */\n#include \"made.h\"\n",
    "src/client/session.c": "/* Session. */\n#include \"ckks/secret.h\"\n",
    "tests/ckks/test_secret.c": "/* Test. */\n#include \"ckks/secret.h\"\n",
}


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def write(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Layers(Tree):
    def check(self, changes=None, rules=RULES):
        self.write("tools/layers.txt", rules)
        for path, text in {**GOOD, **(changes or {})}.items():
            self.write(path, text)
        run = subprocess.run([sys.executable, TOOLS / "check_layers.py", self.root],
                             capture_output=True, text=True)
        return run.returncode, run.stdout

    def refuses(self, path, text, message):
        code, out = self.check({path: text})
        self.assertEqual(code, 1, out)
        self.assertIn(message, out)
        self.assertIn(path, out)
        self.assertEqual(len(out.splitlines()), 1, out)

    def test_a_tree_that_keeps_the_rules_passes(self):
        code, out = self.check()
        self.assertEqual((code, out), (0, "layers: 7 files keep the rules\n"))

    def test_an_include_upwards_is_refused(self):
        self.refuses("src/base/up.c", '/* X. */\n#include "ckks/params.h"\n', "base may not include ckks")

    def test_spacing_does_not_hide_an_include(self):
        self.refuses("src/base/up.c", '/* X. */\n # include  "math/ntt.h"\n', "base may not include math")

    def test_a_submodule_is_a_layer_of_its_own(self):
        self.refuses("src/math/up.c", '/* X. */\n#include "math/x86/ntt_x.h"\n', "math may not include math/x86")

    def test_the_secret_header_is_reserved(self):
        self.refuses("src/math/s.c", '/* X. */\n#include "ckks/secret.h"\n', "only ckks, client may")

    def test_intrinsics_are_reserved(self):
        self.refuses("src/math/i.c", "/* X. */\n#include <immintrin.h>\n", "only math/x86 may")

    def test_a_public_header_belongs_to_its_module(self):
        self.refuses("src/math/p.c", "/* X. */\n#include <umbra/client.h>\n", "math may not include client")

    def test_a_header_without_its_module_is_refused(self):
        self.refuses("src/math/n.c", '/* X. */\n#include "ntt.h"\n', "write the module before")

    def test_a_made_header_belongs_to_its_module(self):
        self.refuses("src/base/g.c", '/* X. */\n#include "made.h"\n', "base may not include ckks")

    def test_an_unknown_folder_is_refused(self):
        self.refuses("src/extra/e.c", "/* X. */\n", "no module")

    def test_a_file_name_is_taken_once(self):
        self.refuses("src/math/memory.h", "/* X. */\n", "taken by src/base/memory.h")

    def test_the_first_line_is_a_comment(self):
        self.refuses("src/math/c.c", "#include <stdio.h>\n", "first line")
        self.refuses("src/math/c.c", "", "first line")

    def test_rules_that_turn_round_are_refused(self):
        code, out = self.check(rules=RULES.replace("math     : base\n", "math     : base ckks\n"))
        self.assertEqual(code, 1)
        self.assertIn("ckks does not stand above", out)

    def test_rules_that_cannot_be_read_are_refused(self):
        code, out = self.check(rules=RULES + "some words\n")
        self.assertEqual(code, 1)
        self.assertIn("expected", out)


class Sizes(Tree):
    def check(self, text):
        self.write("src/base/a.c", text)
        run = subprocess.run([sys.executable, TOOLS / "check_sizes.py", self.root],
                             capture_output=True, text=True)
        return run.returncode, run.stdout

    def test_small_passes(self):
        code, out = self.check("/* A. */\nint f(void)\n{\n" + "    g();\n" * 80 + "}\n")
        self.assertEqual((code, out), (0, "sizes: 1 files are small and finished\n"))

    def test_a_long_function_is_named(self):
        code, out = self.check("/* A. */\nint f(void)\n{\n" + "    g();\n" * 81 + "}\n")
        self.assertEqual((code, out), (1, "src/base/a.c:2: a function of 81 lines\n"))

    def test_a_long_file_is_named(self):
        code, out = self.check("/* A. */\n" * 801)
        self.assertEqual(code, 1)
        self.assertIn("801 lines", out)

    def test_what_is_unfinished_or_local_is_named(self):
        for text in ("/* " + "TO" + "DO later */", 'open("/' + 'home/me/x")'):
            code, out = self.check("/* A. */\n" + text + "\n")
            self.assertEqual(code, 1, text)
            self.assertIn("src/base/a.c:2", out)


class Secrets(Tree):
    FULL = "void umbra_secret_key_new(void){} void umbra_decrypt(void){} int main(void){return 0;}"

    def build(self, name, text):
        self.write(name + ".c", text)
        subprocess.run([os.environ.get("CC", "cc"), "-O0", "-o", self.root / name,
                        self.root / (name + ".c")], check=True)
        return self.root / name

    def check(self, server, patterns="umbra_secret_key_*\numbra_decrypt*\n", full=FULL):
        self.write("patterns.txt", patterns)
        run = subprocess.run([TOOLS / "check_secrets.sh", self.build("full", full), server,
                              self.root / "patterns.txt"], capture_output=True, text=True)
        return run.returncode, run.stdout + run.stderr

    def test_a_clean_server_passes(self):
        server = self.build("server", "void umbra_run(void){} int main(void){return 0;}")
        code, out = self.check(server)
        self.assertEqual(code, 0, out)

    def test_a_linked_secret_function_is_named(self):
        server = self.build("server", "void umbra_decrypt_values(void){} int main(void){return 0;}")
        code, out = self.check(server)
        self.assertEqual(code, 1)
        self.assertIn("links umbra_decrypt_values", out)

    def test_a_static_secret_function_is_seen_too(self):
        server = self.build("server", "__attribute__((used)) static void umbra_secret_key_x(void){}"
                                      "int main(void){return 0;}")
        self.assertEqual(self.check(server)[0], 1)

    def test_a_stripped_server_proves_nothing(self):
        server = self.build("server", "int main(void){return 0;}")
        subprocess.run(["strip", server], check=True)
        code, out = self.check(server)
        self.assertEqual(code, 1)
        self.assertIn("stripped", out)

    def test_a_missing_server_proves_nothing(self):
        self.assertEqual(self.check(self.root / "nowhere")[0], 1)

    def test_a_pattern_that_fits_nothing_is_out_of_date(self):
        server = self.build("server", "int main(void){return 0;}")
        code, out = self.check(server, patterns="umbra_decrypt*\numbra_old_name*\n")
        self.assertEqual(code, 1)
        self.assertIn("umbra_old_name", out)

    def test_an_empty_list_proves_nothing(self):
        server = self.build("server", "int main(void){return 0;}")
        self.assertEqual(self.check(server, patterns="# none\n")[0], 1)


class SecretList(unittest.TestCase):
    def test_every_function_of_the_secret_header_is_listed(self):
        header = TOOLS.parent / "src/ckks/secret.h"
        lines = (TOOLS / "secret_symbols.txt").read_text().splitlines()
        patterns = [line for line in lines if line and not line.startswith("#")]
        code = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        names = re.findall(r"\b(umbra_\w+)\(", code)
        self.assertGreater(len(names), 5)
        for name in names:
            self.assertTrue(any(fnmatch.fnmatch(name, p) for p in patterns), name)


class Format(Tree):
    def check(self, text):
        self.write("tools/check_format.sh", (TOOLS / "check_format.sh").read_text())
        self.write(".clang-format", (TOOLS.parent / ".clang-format").read_text())
        self.write("a.c", text)
        for command in (["git", "init", "-q"], ["git", "add", "."]):
            subprocess.run(command, cwd=self.root, check=True)
        run = subprocess.run(["bash", self.root / "tools/check_format.sh"], capture_output=True, text=True)
        return run.returncode, run.stdout + run.stderr

    def test_formatted_passes(self):
        self.assertEqual(self.check("int x;\n"), (0, "format: 1 files\n"))

    def test_unformatted_is_named(self):
        code, out = self.check("int f( void ) {return 1;}\n")
        self.assertEqual(code, 1)
        self.assertIn("a.c:1", out)


if __name__ == "__main__":
    unittest.main()
