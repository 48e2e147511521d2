#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verify an export of a Logic Node ledger, with nothing but this file and Python.

    verify_ledger.py [--site FOLDER …] EXPORT [ed25519:PUBLIC_KEY]

Checked: every line's hash chain, numbering and time; the Merkle root (RFC 6962) of every checkpoint; every
checkpoint's Ed25519 signature (RFC 8032); that the last checkpoint covers the last entry. Give the public key
you wrote down earlier: without it the export is only held against the key it names itself.
With --site (the node's site facts; several: older ones, for keys that are gone) also who consented to what: every
consent and refusal is signed by a key file or passkey of the person it names, over the plan that its case recorded;
a passkey on a page of ours, by somebody present and verified (Web Authentication, level 2, section 7.2).
Exit 0: it holds. 1: it does not (one sentence says why). 2: usage.
Not proven: that the node wrote the truth, or that this is the newest export. Keep checkpoints elsewhere.
"""
import base64
import hashlib
import json
import os
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


# ECDSA on P-256 with SHA-256, verification only, after FIPS 186-4, section 6.4.
P256 = 2**256 - 2**224 + 2**192 + 2**96 - 1
N256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
B256 = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b
G256 = (0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296,
        0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5)


def curve_add(a, b):
    """Points as (x, y); None is the one at infinity."""
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P256 == 0:
        return None
    slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P256) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P256)
    x = (slope * slope - a[0] - b[0]) % P256
    return (x, (slope * (a[0] - x) - a[1]) % P256)


def curve_mul(scalar, a):
    total = None
    while scalar:
        total = curve_add(total, a) if scalar & 1 else total
        a, scalar = curve_add(a, a), scalar >> 1
    return total


def der_of(numbers):
    """The one DER text of a sequence of two positive numbers."""
    parts = b""
    for number in numbers:
        data = number.to_bytes(number.bit_length() // 8 + 1, "big")
        parts += bytes([2, len(data)]) + data
    return bytes([0x30, len(parts)]) + parts


def der_read(data):
    if len(data) < 8 or data[0] != 0x30 or data[2] != 2 or data[3] > 33 or len(data) < 6 + data[3]:
        return None
    numbers = (int.from_bytes(data[4:4 + data[3]], "big"), int.from_bytes(data[6 + data[3]:], "big"))
    return numbers if all(1 <= n < N256 for n in numbers) and der_of(numbers) == data else None


def authentic_es256(key, text, signature):
    x, y = int.from_bytes(key[1:33], "big"), int.from_bytes(key[33:], "big")
    numbers = der_read(signature)
    if key[0] != 4 or x >= P256 or y >= P256 or (y * y - x * x * x + 3 * x - B256) % P256 or not numbers:
        return False
    r, s = numbers
    e, w = int.from_bytes(sha256(text), "big"), pow(s, -1, N256)
    point = curve_add(curve_mul(e * w % N256, G256), curve_mul(r * w % N256, (x, y)))
    return point is not None and point[0] % N256 == r


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


# Who consented. Site facts are read as the text they are: name, commas, strings and words.

TEXT = r'"(?:[^"\\]|\\.)*"'
COMMENT = re.compile(r"(%s|'[^']*')|%%[^\n]*|/\*.*?\*/" % TEXT, re.S)
FACT = re.compile(r"(?<!\w)(operator_key|operator_passkey|page_origin)\(((?:[^\"()]|%s)*)\)\s*\." % TEXT)
COLUMN = re.compile(r"\s*(?:\"((?:[^\"\\\\]|\\\\.)*)\"|'([^']*)'|([a-z][A-Za-z0-9_]*))\s*(?:,|$)")
KINDS = {"ed25519": 32, "es256": 65}


class Site:
    def __init__(self, folders):
        self.keys, self.origins = {}, set()  # key_id: (person, kind, bytes, RP ID of a passkey or None)
        for folder in folders:
            for name in sorted(os.listdir(folder)):
                if name.endswith(".pl"):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        self.read(re.sub(r"\\c\s*", "", file.read()))

    def read(self, text):
        for fact in FACT.finditer(COMMENT.sub(lambda match: match[1] or " ", text)):
            columns = [a or b or c for a, b, c in COLUMN.findall(fact[2])]
            if fact[1] == "page_origin":
                self.origins.add(columns[0])
            elif fact[1] == "operator_key":
                self.add(columns[0], columns[1], None)
            else:
                self.add(columns[0], columns[2], columns[3])

    def add(self, person, text, rp_id):
        kind, _, code = text.partition(":")
        require(kind in KINDS, f"the site facts hold a key of an unknown kind ({kind})")
        key = decode(code, KINDS[kind], "a key of the site facts")
        self.keys[hashlib.sha256(key).hexdigest()[:16]] = (person, kind, key, rp_id)


def url64(text, what):
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    require(base64.urlsafe_b64encode(data).decode().rstrip("=") == text, f"{what} is not base64url")
    return data


def passkey_said(site, key, body, text, what):
    """The assertion of a passkey over the SHA-256 of `text`."""
    _, kind, public, rp_id = key
    data, said = url64(body["passkey"]["authenticator_data"], what), url64(body["passkey"]["client_data_json"], what)
    client = json.loads(said.decode(), object_pairs_hook=unique)
    require(client["type"] == "webauthn.get", f"{what}: the passkey was used for something else")
    require(url64(client["challenge"], what) == sha256(text), f"{what}: the passkey signed something else")
    require(client["origin"] in site.origins, f"{what}: {client['origin']!r} is no page_origin of the site facts")
    require(client.get("crossOrigin", False) is False and "topOrigin" not in client, f"{what}: in a frame of another page")
    host = re.fullmatch(r"https?://([a-z0-9.-]+)(?::[0-9]+)?", client["origin"])
    require(host and (host[1] == rp_id or host[1].endswith("." + rp_id)), f"{what}: the passkey is not of that page")
    require(len(data) >= 37 and data[:32] == sha256(rp_id.encode()), f"{what}: the passkey signed for another site")
    require(data[32] & 5 == 5, f"{what}: nobody was present and verified")
    check = authentic if kind == "ed25519" else authentic_es256
    require(check(public, data + sha256(said), url64(body["signature"], what)), f"{what}: the passkey's signature is false")


class Consents:
    """Each consent and refusal, held against the plan of its case and the keys of the site."""

    def __init__(self, site):
        self.site, self.plans, self.given, self.refused, self.unsigned = site, {}, 0, 0, 0

    def see(self, entry, what):
        kind, body = entry["kind"], entry["body"]
        if kind == "case_planned":
            plan = body["plan"].encode()
            require(hashlib.sha256(plan).hexdigest() == body["plan_sha256"], f"{what}: the plan has another hash")
            self.plans[entry["case"]] = plan
        elif kind == "consent_given":
            self.signed(entry, what, self.plans.get(entry["case"]))
            self.given += 1
        elif kind == "consent_refused" and "signature" not in body:
            self.unsigned += 1  # as written before signatures of refusals were kept
        elif kind == "consent_refused":
            reason = body.get("reason")
            head = f"logic-node/refusal/{'v2' if reason else 'v1'}\n{body['plan_sha256']}\n"
            self.signed(entry, what, (head + (f"{reason}\n" if reason else "")).encode())
            self.refused += 1

    def signed(self, entry, what, text):
        body, plan = entry["body"], self.plans.get(entry["case"])
        require(plan is not None, f"{what}: its case has no plan")
        require(hashlib.sha256(plan).hexdigest() == body["plan_sha256"], f"{what} is of another plan than its case")
        key = self.site.keys.get(body["key_id"])
        require(key, f"{what}: key {body['key_id']} is not in the site facts; add older ones by another --site")
        require(key[0] == body["person"], f"{what}: key {body['key_id']} is {key[0]}'s, not {body['person']}'s")
        require(("passkey" in body) == (key[3] is not None), f"{what}: key {body['key_id']} signs in another way")
        if key[3] is not None:
            passkey_said(self.site, key, body, text, what)
        else:
            require(authentic(key[2], text, decode(body["signature"], 64, f"the signature of {what}")),
                    f"{what}: the signature is false")

    def words(self):
        def count(number, word):
            return f"{number} {word}{'' if number == 1 else 's'}"
        old = f" ({count(self.unsigned, 'older refusal')} without a kept signature)" if self.unsigned else ""
        return f"; {count(self.given, 'consent')} and {count(self.refused, 'refusal')} are signed by whom they name{old}"


def walk(lines, pins, consents):
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
        if consents:
            consents.see(entry, what)
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


def verify(data, known_key, site=None):
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
    consents = Consents(site) if site else None
    walk(lines[1:1 + size], pins, consents)
    return (f"{size} entries and {count} checkpoints of {header['origin']} hold, signed by {header['public_key']}" +
            (consents.words() if consents else ""))


def main(arguments):
    folders, rest = [], list(arguments[1:])
    while len(rest) > 1 and rest[0] == "--site":
        folders.append(rest[1])
        rest = rest[2:]
    if len(rest) not in (1, 2) or rest[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with open(rest[0], "rb") as file:
            print("ok: " + verify(file.read(), rest[1] if len(rest) == 2 else None, Site(folders) if folders else None))
        return 0
    except (Wrong, ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as wrong:
        print(f"NOT VERIFIED: {wrong if isinstance(wrong, Wrong) else f'the export cannot be read ({wrong})'}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
