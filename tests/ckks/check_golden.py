#!/usr/bin/env python3
"""Read the golden files after docs/formats and check their mathematics; shares no code with Umbra."""

import cmath
import hashlib
import struct
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "golden"
MASK = 0xFFFFFFFF


def blake(data, key=b""):
    return hashlib.blake2b(data, digest_size=32, key=key).digest()


def derive(seed, label, number):
    return blake(label.encode() + b"\0" + struct.pack("<Q", number), seed)


def rotate(x, n):
    return (x << n | x >> (32 - n)) & MASK


def chacha_block(key, nonce, counter):
    start = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key))
    start += [counter & MASK, counter >> 32, *struct.unpack("<2I", nonce)]
    x = start[:]
    quarters = [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)]
    for _ in range(10):
        for a, b, c, d in quarters:
            x[a] = (x[a] + x[b]) & MASK
            x[d] = rotate(x[d] ^ x[a], 16)
            x[c] = (x[c] + x[d]) & MASK
            x[b] = rotate(x[b] ^ x[c], 12)
            x[a] = (x[a] + x[b]) & MASK
            x[d] = rotate(x[d] ^ x[a], 8)
            x[c] = (x[c] + x[d]) & MASK
            x[b] = rotate(x[b] ^ x[c], 7)
    return struct.pack("<16I", *((u + v) & MASK for u, v in zip(x, start)))


def keystream(key, nonce, size):
    return b"".join(chacha_block(key, nonce, i) for i in range((size + 63) // 64))[:size]


def uniform(seed, stream, prime, degree):
    bits, kept, start = prime.bit_length(), [], 0
    while len(kept) < degree:
        blocks = range(start // 64, start // 64 + 64)
        buffer = b"".join(chacha_block(seed, struct.pack("<Q", stream), i) for i in blocks)
        start += 4096
        for at in range(0, 4096 - 7, (bits + 7) // 8):
            word = int.from_bytes(buffer[at:at + 8], "little") & ((1 << bits) - 1)
            if word < prime:
                kept.append(word)
    return kept[:degree]


class Field:
    """Transforms modulo one prime, by the definition of the NTT order and one recursion."""

    def __init__(self, prime, degree):
        self.prime, self.degree = prime, degree
        generator = next(g for g in range(2, 1000)
                         if pow(g, (prime - 1) // 2, prime) == prime - 1)
        root = pow(generator, (prime - 1) // (2 * degree), prime)
        powers = [pow(root, e, prime) for e in range(1, 2 * degree, 2)]
        self.psi = min(powers)

    def forward(self, a):
        """Values at psi^(2*rev(j)+1): split by X^h - w into X^(h/2) -+ sqrt(w)."""
        return self._split([x % self.prime for x in a], self.degree)

    def _split(self, a, exponent):
        # a modulo X^len - psi^exponent
        n = len(a)
        if n == 1:
            return a
        w = pow(self.psi, exponent // 2, self.prime)
        half, p = n // 2, self.prime
        low = [(a[i] + w * a[half + i]) % p for i in range(half)]
        high = [(a[i] - w * a[half + i]) % p for i in range(half)]
        return self._split(low, exponent // 2) + self._split(high, exponent // 2 + self.degree)

    def inverse(self, values):
        return self._join(list(values), self.degree)

    def _join(self, v, exponent):
        n = len(v)
        if n == 1:
            return v
        half, p = n // 2, self.prime
        low = self._join(v[:half], exponent // 2)
        high = self._join(v[half:], exponent // 2 + self.degree)
        w = pow(self.psi, exponent // 2, p)
        two, w_two = pow(2, -1, p), pow(2 * w, -1, p)
        return [(x + y) * two % p for x, y in zip(low, high)] + \
               [(x - y) * w_two % p for x, y in zip(low, high)]

    def centred(self, values):
        return [x - self.prime if x > self.prime // 2 else x for x in self.inverse(values)]


def unpack(data, prime, degree):
    bits = prime.bit_length()
    number = int.from_bytes(data, "little")
    values = [number >> (bits * i) & ((1 << bits) - 1) for i in range(degree)]
    assert number >> (bits * degree) == 0 and all(v < prime for v in values)
    return values


def automorphism(a, galois):
    """a(X^galois) in coefficients."""
    n, r = len(a), [0] * len(a)
    for i, x in enumerate(a):
        k = i * galois % (2 * n)
        r[k % n] = x if k < n else -x
    return r


def envelope(name, kind, params):
    data = (FOLDER / name).read_bytes()
    magic, k, version, hash_, key_id, length, body_hash = struct.unpack("<8sII32sQQ32s", data[:96])
    assert magic == b"UMBRA\r\n\x1a" and (k, version) == (kind, 1) and hash_ == blake(params)
    assert length == len(data) - 128 and data[96:120] == bytes(24)
    assert data[120:128] == blake(data[:120])[:8]
    if kind != 3:
        assert body_hash == blake(data[128:])
    return data, key_id, body_hash


def small(values, bound=60):
    assert max(map(abs, values)) < bound and any(values), "no small error"


def check_public(params, field, s, key_id, degree):
    data, key, _ = envelope("public.key", 2, params)
    assert key == key_id
    p = field.prime
    a = uniform(data[128:160], 0, p, degree)
    b = unpack(data[160:], p, degree)
    small(field.centred([(x + y * z) % p for x, y, z in zip(b, a, field.forward(s))]))


def check_evaluation(params, fields, s, key_id, degree):
    data, key, table_hash = envelope("evaluation.keys", 3, params)
    count, = struct.unpack("<Q", data[128:136])
    seed = data[136:168]
    assert key == key_id and table_hash == blake(data[128:168 + 56 * count])
    expected, special = 168 + 56 * count, fields[1].prime
    seen = []
    for i in range(count):
        galois, level, offset, length, hash_ = struct.unpack("<IIQQ32s",
                                                             data[168 + 56 * i:224 + 56 * i])
        blob = data[offset:offset + length]
        assert level == 0 and offset == expected and hash_ == blake(blob)
        expected += length
        seen.append(galois)
        under = s if galois == 0 else automorphism(s, pow(galois, -1, 2 * degree))
        at, errors = 0, []
        for prime, field in enumerate(fields):
            p = field.prime
            size = degree * p.bit_length() // 8
            b = unpack(blob[at:at + size], p, degree)
            at += size
            a = uniform(derive(seed, "umbra switch key", galois), prime, p, degree)
            values, turned = field.forward(s), field.forward(under)
            hidden = [x * x for x in values] if galois == 0 else values
            factor = special if prime == 0 else 0
            errors.append(field.centred([(x + y * t - factor * u) % p
                                         for x, y, t, u in zip(b, a, turned, hidden)]))
        assert at == length
        small(errors[0])
        assert errors[0] == errors[1], "not one error polynomial"
    assert seen == [0, 5] and expected == len(data)


def check_ciphertexts(field, s, key_id, degree):
    p, values = field.prime, field.forward(s)
    size = degree * p.bit_length() // 8
    full, seeded = (FOLDER / "full.ct").read_bytes(), (FOLDER / "seeded.ct").read_bytes()
    for data, form in ((full, 0), (seeded, 1)):
        level, parts, f, zero, key, scale, message, noise = struct.unpack("<BBBBQddd", data[:36])
        assert (level, parts, f, zero, key, scale, message) == (0, 2, form, 0, key_id, 20.0, 0.0)
        assert 5 < noise < 12
    assert full[36:36 + size] == seeded[36:36 + size] and len(seeded) == 36 + size + 32
    c0, c1 = unpack(full[36:36 + size], p, degree), unpack(full[36 + size:], p, degree)
    assert c1 == uniform(seeded[36 + size:], 0, p, degree)
    m = field.centred([(x + y * z) % p for x, y, z in zip(c0, c1, values)])
    zeta = [cmath.exp(1j * cmath.pi * e / degree) for e in range(2 * degree)]
    for slot in range(0, 16):
        power = pow(5, slot, 2 * degree)
        z = sum(x * zeta[power * k % (2 * degree)] for k, x in enumerate(m)) / 2**20
        want = (slot % 8 - 4) / 8
        assert abs(z.real - want) < 2**-8, (slot, z)


def main():
    params = (FOLDER / "params.bin").read_bytes()
    degree_log2, primes, special, levels, q, p, prime_set, scale = struct.unpack("<BBBBQQQd", params)
    assert (degree_log2, primes, special, levels, prime_set, scale) == (12, 1, 1, 1, 1, 20.0)
    degree = 1 << degree_log2
    fields = [Field(q, degree), Field(p, degree)]
    data, key_id, _ = envelope("secret.key", 1, params)
    seed = data[128:]
    assert len(seed) == 32
    assert key_id == int.from_bytes(derive(seed, "umbra key id", 0)[:8], "little")
    stream = keystream(derive(seed, "umbra secret key", 0), b"1yranret", 8 * degree)
    s = [(3 * int.from_bytes(stream[8 * i:8 * i + 8], "little") >> 64) - 1 for i in range(degree)]
    check_public(params, fields[0], s, key_id, degree)
    check_evaluation(params, fields, s, key_id, degree)
    check_ciphertexts(fields[0], s, key_id, degree)
    print("golden: parameters, 3 key files and 2 ciphertexts agree with docs/formats")
    return 0


if __name__ == "__main__":
    sys.exit(main())
