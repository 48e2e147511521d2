# SPDX-License-Identifier: Apache-2.0
"""FAKE: an authenticator in software, and the browser before it. What it says can be forged field by field.

    passkey = SoftPasskey(folder, "node.home.arpa")              # or kind="ed25519"
    node.write_site("passkeys.pl", passkey.fact("owner"))
    passkey.create(challenge, origin)                            # what POST /api/v1/passkeys takes, without code and words
    passkey.get(challenge, origin)                               # what POST /api/v1/session takes as `passkey`
    consent(node, case, passkey, origin)                         # POST …/consent, and its answer

Any part can be said otherwise: type, cross_origin, top_origin, rp_id, flags, counter, extensions, more (members of clientDataJSON),
or whole: client_data, authenticator_data, signature (bytes); signer: another passkey whose key signs. Keys are made and used by the
openssl program; nothing here is the node's own code.
"""
import base64
import hashlib
import json
import os
import subprocess
import tempfile

UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
KINDS = {"es256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "ed25519": ["ED25519"]}
REFUSAL, REASONED = "logic-node/refusal/v1\n%s\n", "logic-node/refusal/v2\n%s\n%s\n"


def url64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def un64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sha256(data):
    return hashlib.sha256(data).digest()


def client_data(kind, challenge, origin, cross_origin=False, top_origin=None, more=None):
    """clientDataJSON in the browsers' order of members; None leaves a member out."""
    said = {"type": kind, "challenge": url64(challenge), "origin": origin, "crossOrigin": cross_origin, "topOrigin": top_origin}
    said.update(more or {})
    return json.dumps({k: v for k, v in said.items() if v is not None}, separators=(",", ":")).encode()


class SoftPasskey:
    def __init__(self, folder, rp_id, kind="es256", words="phone"):
        self.rp_id, self.kind, self.words, self.counter = rp_id, kind, words, 0
        self.id = os.urandom(16)
        self.path = os.path.join(folder, "passkey-%s.pem" % self.id.hex())
        subprocess.run(["openssl", "genpkey", "-algorithm", *KINDS[kind], "-out", self.path], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        der = subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER"], check=True, stdout=subprocess.PIPE).stdout
        self.public = der[-65:] if kind == "es256" else der[-32:]
        self.key_id = hashlib.sha256(self.public).hexdigest()[:16]

    def fact(self, person):
        """The site fact that enrolment writes."""
        key = "%s:%s" % (self.kind, base64.b64encode(self.public).decode())
        return 'operator_passkey(%s, "%s", "%s", "%s", "%s").\n' % (person, url64(self.id), key, self.rp_id, self.words)

    def cose(self):
        if self.kind == "es256":
            return b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20" + self.public[1:33] + b"\x22\x58\x20" + self.public[33:]
        return b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20" + self.public

    def authenticator_data(self, flags, rp_id=None, counter=None, extensions=b"", credential=b""):
        self.counter += 1
        return (sha256((rp_id or self.rp_id).encode()) + bytes([flags | (ED if extensions else 0)]) +
                (self.counter if counter is None else counter).to_bytes(4, "big") + credential + extensions)

    def sign(self, text):
        with tempfile.NamedTemporaryFile() as f:
            f.write(text)
            f.flush()
            digest = ["-digest", "sha256"] if self.kind == "es256" else []
            return subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", *digest, "-inkey", self.path, "-in", f.name], check=True,
                                  stdout=subprocess.PIPE).stdout

    def create(self, challenge, origin, type="webauthn.create", flags=UP | UV | BE | BS | AT, authenticator_data=None,
               client_data_json=None, cose=None, **said):
        """navigator.credentials.create(), attestation none."""
        about = {name: said.pop(name) for name in ("rp_id", "counter", "extensions") if name in said}
        credential = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + (self.cose() if cose is None else cose)
        client = client_data(type, challenge, origin, **said) if client_data_json is None else client_data_json
        whole = self.authenticator_data(flags, credential=credential if flags & AT else b"", **about)
        return {"credential_id": url64(self.id), "client_data_json": url64(client),
                "authenticator_data": url64(whole if authenticator_data is None else authenticator_data), "transports": ["internal"]}

    def get(self, challenge, origin, type="webauthn.get", flags=UP | UV | BE | BS, authenticator_data=None, client_data_json=None,
            signature=None, signer=None, **said):
        """navigator.credentials.get()."""
        about = {name: said.pop(name) for name in ("rp_id", "counter", "extensions") if name in said}
        client = client_data(type, challenge, origin, **said) if client_data_json is None else client_data_json
        whole = self.authenticator_data(flags, **about) if authenticator_data is None else authenticator_data
        if signature is None:
            signature = (signer or self).sign(whole + sha256(client))
        return {"credential_id": url64(self.id), "authenticator_data": url64(whole), "client_data_json": url64(client),
                "signature": url64(signature)}


def signed_text(plan, decision="approve", reason=None):
    """What a consent signs: the plan's bytes, or the words of a refusal."""
    digest = hashlib.sha256(plan).hexdigest()
    return plan if decision == "approve" else ((REASONED % (digest, reason)) if reason else REFUSAL % digest).encode()


def consent_body(plan, passkey, origin, decision="approve", reason=None, challenge=None, **forged):
    """The body of POST …/consent. `challenge`: the bytes that are signed instead of the right ones."""
    right = sha256(signed_text(plan, decision, reason))
    said = passkey.get(right if challenge is None else challenge, origin, **forged)
    del said["credential_id"]
    body = {"key_id": passkey.key_id, "decision": decision, "plan_sha256": hashlib.sha256(plan).hexdigest(), "passkey": said}
    return dict(body, reason=reason) if reason is not None else body


def consent(node, case, passkey, origin, decision="approve", reason=None, **forged):
    return node.post("/api/v1/cases/%s/consent" % case, consent_body(node.plan(case), passkey, origin, decision, reason, **forged))
