# SPDX-License-Identifier: Apache-2.0
"""The form of a backup (src/4_port/backup/archive.h), written down a second time: what is made here is opened there and the reverse.

Needs python3-cryptography (ansible-core brings it)."""
import base64
import hashlib
import hmac
import json
import zlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HEAD, MAGIC, INFO, CHUNK = b"logic-node/backup/v1\n", b"\nLNBKUP1", b"logic-node/backup/v1", 128 << 10
NONCE = bytes(12)


def private_half(text):
    """Out of the words on the paper."""
    letters = "".join(text.split()).replace("-", "").upper()
    assert letters.startswith("LNR1"), text
    raw = base64.b32decode(letters[4:])
    assert hashlib.sha256(b"LNR1" + raw[:32]).digest()[:3] == raw[32:], "check sum"
    return X25519PrivateKey.from_private_bytes(raw[:32])


def raw(public):
    return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def shared(private, public, ephemeral, recovery):
    return HKDF(hashes.SHA256(), 32, ephemeral + recovery, INFO).derive(private.exchange(X25519PublicKey.from_public_bytes(public)))


def opened(data, paper):
    """(manifest, {path: bytes})"""
    key, end = private_half(paper), data[-64:]
    mine = raw(key.public_key())
    assert data.startswith(HEAD) and end[56:] == MAGIC and end[32:48] == hashlib.sha256(mine).hexdigest()[:16].encode()
    at = int.from_bytes(end[48:56], "big")
    manifest = json.loads(AESGCM(shared(key, end[:32], end[:32], mine)).decrypt(NONCE, data[at:-64], HEAD + end))
    files, at = {}, len(HEAD)
    for row in manifest["files"]:
        text = b""
        for chunk in row["chunks"]:
            text += zlib.decompress(AESGCM(bytes.fromhex(chunk["key"])).decrypt(NONCE, data[at:at + chunk["sealed"]], b""))
            at += chunk["sealed"]
        assert (len(text), hashlib.sha256(text).hexdigest()) == (row["bytes"], row["sha256"]), row["path"]
        files[row["path"]] = text
    return manifest, files


def forged(manifest, texts, public_text, secret=b"forged"):
    """An archive to that public half; `texts` are the pieces, in order; the manifest is sealed as it is given.
    A file's row without "chunks" gets those of its text."""
    recovery = base64.b64decode(public_text.split(":")[1])
    body, rows = b"", []
    for row, text in zip(manifest["files"], texts):
        chunks = []
        for begin in range(0, len(text), CHUNK):
            piece = text[begin:begin + CHUNK]
            key = hmac.new(secret, piece, hashlib.sha256).digest()
            sealed = AESGCM(key).encrypt(NONCE, zlib.compress(piece), b"")
            chunks.append({"sealed": len(sealed), "key": key.hex()})
            body += sealed
        rows.append({"mode": 0o600, "nodes": True, "bytes": len(text), "sha256": hashlib.sha256(text).hexdigest(), "chunks": chunks, **row})
    manifest = {"schema": "logic-node/backup/v1", "about": {}, **manifest, "files": rows}
    ephemeral = X25519PrivateKey.generate()
    mine = raw(ephemeral.public_key())
    end = mine + hashlib.sha256(recovery).hexdigest()[:16].encode() + (len(HEAD) + len(body)).to_bytes(8, "big") + MAGIC
    sealed = AESGCM(shared(ephemeral, recovery, mine, recovery)).encrypt(NONCE, json.dumps(manifest).encode(), HEAD + end)
    return HEAD + body + sealed + end
