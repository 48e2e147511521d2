#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verify an export of a Logic Node ledger, with nothing but this file and Python.

    verify_ledger.py EXPORT [ed25519:PUBLIC_KEY]

Checked: every line's hash chain, numbering and time; the Merkle root (RFC 6962) of every checkpoint; every
checkpoint's Ed25519 signature (RFC 8032); that the last checkpoint covers the last entry. Give the public key
you wrote down earlier: without it the export is only held against the key it names itself.
Exit 0: it holds. 1: it does not (one sentence says why). 2: usage.
Not proven: that the node wrote the truth, or that this is the newest export. Keep checkpoints elsewhere.
"""
import base64
import hashlib
import json
import re
import sys

# Ed25519, verification only, after RFC 8032, section 6.
P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def point_add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    x, y, z, t = f - e, h - g, h + g, f + e
    return (x * y % P, z * t % P, y * z % P, x * t % P)


def point_mul(scalar, a):
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = point_add(total, a)
        a = point_add(a, a)
        scalar >>= 1
    return total


def point_equal(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point_read(data):
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * ROOT % P
    if (x * x - xx) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = point_read((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def authentic(key, text, signature):
    a, r = point_read(key), point_read(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q or len(signature) != 64:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + text).digest(), "little") % Q
    return point_equal(point_mul(s, BASE), point_add(r, point_mul(h, a)))


class Wrong(Exception):
    pass


def require(condition, words):
    if not condition:
        raise Wrong(words)


def sha256(data):
    return hashlib.sha256(data).digest()


def decode(text, size, what):
    data = base64.b64decode(text, validate=True)
    require(base64.b64encode(data).decode() == text and len(data) == size, f"{what} is malformed")
    return data


def unique(pairs):
    require(len({key for key, _ in pairs}) == len(pairs), "a key stands twice in one object")
    return dict(pairs)


def canonical(line, what):
    """The object, if the line is its one canonical text (whole numbers only; keys by UTF-16)."""
    value = json.loads(line.decode(), object_pairs_hook=unique,
                       parse_float=lambda text: require(False, f"{what} holds a real number"))

    def ordered(part):
        if isinstance(part, dict):
            return {k: ordered(part[k]) for k in sorted(part, key=lambda k: k.encode("utf-16-be"))}
        return [ordered(item) for item in part] if isinstance(part, list) else part

    text = json.dumps(ordered(value), ensure_ascii=False, separators=(",", ":")).encode()
    require(text == line, f"{what} is not in canonical form")
    return value


class Tree:
    def __init__(self):
        self.parts = []  # RFC 6962: (leaves, hash) of the full subtrees, largest first

    def add(self, leaf):
        self.parts.append((1, leaf))
        while len(self.parts) > 1 and self.parts[-1][0] == self.parts[-2][0]:
            (size, right), (_, left) = self.parts.pop(), self.parts.pop()
            self.parts.append((2 * size, sha256(b"\1" + left + right)))

    def root(self):
        if not self.parts:
            return sha256(b"")
        root = self.parts[-1][1]
        for _, left in reversed(self.parts[:-1]):
            root = sha256(b"\1" + left + root)
        return root


def walk(lines, pins):
    """Every entry follows from the one before; at each pinned size the root is the signed one."""
    tree, chain, last_at = Tree(), bytes(32), ""
    for seq, line in enumerate(lines, 1):
        what = f"entry {seq}"
        entry = canonical(line, what)
        require(set(entry) == {"actor", "at", "body", "case", "kind", "prev", "seq", "v"}, f"{what} has other fields")
        require(entry["seq"] == seq, f"{what} says that it is entry {entry['seq']}")
        require(entry["prev"] == chain.hex(), f"{what} does not follow from the entry before it")
        require(entry["v"] == 1, f"{what} has an unknown version")
        require(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["at"]), f"{what} has no time")
        require(entry["at"] >= last_at, f"{what} is older than the entry before it")
        last_at, leaf = entry["at"], sha256(b"\0" + line)
        chain = sha256(chain + leaf)
        tree.add(leaf)
        require(seq not in pins or pins[seq] == tree.root(), f"checkpoint {seq} signs another root than its entries have")


def read_checkpoint(line, origin, key):
    note = canonical(line, "a checkpoint line")
    require(set(note) == {"checkpoint"}, "a checkpoint line has other fields")
    match = re.fullmatch("([^\n]+)\n([1-9][0-9]*)\n([^\n]+)\n\n\u2014 ([^ \n]+) ([^\n]+)\n", note["checkpoint"])
    require(match, "a checkpoint is malformed")
    name, size, root, signer, code = match.groups()
    what, blob = f"checkpoint {size}", decode(code, 68, "a checkpoint's signature")
    require(name == origin and signer == origin, f"{what} is of another ledger")
    require(blob[:4] == sha256(name.encode() + b"\n\1" + key)[:4], f"{what} is signed by another key")
    text = note["checkpoint"].split("\n\n")[0].encode() + b"\n"
    require(authentic(key, text, blob[4:]), f"the signature of {what} is false")
    return int(size), decode(root, 32, what)


def verify(data, known_key):
    require(data.endswith(b"\n"), "the export ends in the middle of a line")
    lines = data[:-1].split(b"\n")
    header = canonical(lines[0], "the first line")
    require(set(header) == {"kind", "origin", "public_key", "from", "to", "checkpoints"}
            and header["kind"] == "logic-node/ledger-export/v1" and header["from"] == 1, "this is no whole export")
    require(known_key in (None, header["public_key"]), f"it names the key {header['public_key']}, not yours")
    require(header["public_key"].startswith("ed25519:"), "its key is not an Ed25519 key")
    key, size, count = decode(header["public_key"][8:], 32, "its key"), header["to"], header["checkpoints"]
    require(len(lines) == 1 + size + count, f"it has {len(lines) - 1} lines, its first line promises {size + count}")
    pins, last = {}, 0
    for line in lines[1 + size:]:
        pinned, root = read_checkpoint(line, header["origin"], key)
        require(last < pinned <= size, f"checkpoint {pinned} is out of order")
        pins[pinned], last = root, pinned
    require(last == size, f"no checkpoint covers the entries behind {last}")
    walk(lines[1:1 + size], pins)
    return f"{size} entries and {count} checkpoints of {header['origin']} hold, signed by {header['public_key']}"


def main(arguments):
    if len(arguments) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with open(arguments[1], "rb") as file:
            print("ok: " + verify(file.read(), arguments[2] if len(arguments) == 3 else None))
        return 0
    except (Wrong, ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as wrong:
        print(f"NOT VERIFIED: {wrong if isinstance(wrong, Wrong) else f'the export cannot be read ({wrong})'}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
