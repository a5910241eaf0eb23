"""Run these tests: python3 -m training.tests. Exit code 77 (skipped, to ctest) where a package is absent."""
import importlib.util
import sys
import unittest
from pathlib import Path

NEEDED = ("torch", "numpy", "PIL", "onnx")


def main():
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        print(f"skipped: no {', '.join(absent)}; scripts/install-training.sh installs what training needs")
        return 77
    tests = unittest.defaultTestLoader.discover(Path(__file__).parent, top_level_dir=Path(__file__).parents[2])
    return 0 if unittest.TextTestRunner().run(tests).wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
