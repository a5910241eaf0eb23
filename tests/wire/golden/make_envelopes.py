#!/usr/bin/env python3
"""Write the golden envelopes beside this file, by docs/formats/envelope.md and not by Umbra's code.

usage: make_envelopes.py [FOLDER]      FOLDER: write the fuzz target's corpus there as well
"""
import hashlib
import pathlib
import struct
import sys

PARAMETERS = bytes(range(32))
BODY = b"Umbra golden body: " + bytes(range(100))


def blake2b(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def envelope(body=BODY, magic=b"UMBRA\r\n\x1a", kind=5, version=1, reserved=bytes(24), extra=0):
    header = magic + struct.pack("<II", kind, version) + PARAMETERS
    header += struct.pack("<QQ", 0x0123456789ABCDEF, len(body) + extra) + blake2b(body) + reserved
    return header + blake2b(header)[:8] + body


def flipped(data, at, bit=0):
    data = bytearray(data)
    data[at] ^= 1 << bit
    return bytes(data)


GOOD = envelope()
GOLDEN = {
    "plan_v1.umbra": GOOD,
    "empty_body.umbra": envelope(b""),
    "bad_magic.umbra": envelope(magic=b"UMBRA\n\x1a\0"),
    "bad_header_hash.umbra": flipped(GOOD, 120),
    "bad_parameter_hash.umbra": flipped(GOOD, 20, 3),
    "bad_reserved.umbra": envelope(reserved=bytes(23) + b"\1"),
    "bad_body.umbra": flipped(GOOD, 128 + 50, 7),
    "unknown_kind.umbra": envelope(kind=8),
    "zero_kind.umbra": envelope(kind=0),
    "secret_key.umbra": envelope(kind=1),
    "newer_version.umbra": envelope(version=2),
    "truncated_body.umbra": GOOD[:-1],
    "truncated_header.umbra": GOOD[:127],
    "trailing_byte.umbra": GOOD + b"\0",
    "huge_length.umbra": envelope(extra=2**63),
}


def record(bits, values, text=b"conv1"):
    """A body as fuzz/fuzz_envelope.c reads it."""
    packed = sum(v << (i * bits) for i, v in enumerate(values))
    size = (len(values) * bits + 7) // 8
    body = struct.pack("<BBI", bits - 1, len(values), len(text)) + text
    return body + packed.to_bytes(size, "little") + struct.pack("<d", 1.5)


CORPUS = {
    "bits50": envelope(record(50, [2**50 - 1, 0, 1, 12345678901234])),
    "bits1": envelope(record(1, [1, 0, 1, 1, 0, 0, 0, 1, 1])),
    "bits64": envelope(record(64, [2**64 - 1, 1])),
    "long_string": envelope(record(7, [127], b"x" * 1000)),
    "zero_in_string": envelope(record(7, [127], b"a\0b")),
    "padding": envelope(record(3, [8 + 7])),
    "empty": b"",
    "huge_length": GOLDEN["huge_length.umbra"],
}

if __name__ == "__main__":
    here = pathlib.Path(__file__).parent
    for name, data in GOLDEN.items():
        (here / name).write_bytes(data)
    for folder in sys.argv[1:]:
        for name, data in CORPUS.items():
            (pathlib.Path(folder) / name).write_bytes(data)
