# SPDX-License-Identifier: Apache-2.0
"""A node whose page is opened in a browser at http://localhost:PORT, and people with passkeys.

    with PageNode(people=("owner",)) as node, Browser() as browser:
        tab = node.open(browser, passkey="owner")       # a tab whose (virtual) authenticator holds the owner's passkey
        tab.go("#/cases")

The passkeys stand in the site from the beginning; tests/browser/identity.py shows how a person enrols one.
"""
import base64
import hashlib
import os
import secrets
import subprocess

from node import Node

RP = "localhost"


def b64url(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Passkey:
    """A P-256 key as an authenticator holds it."""

    def __init__(self, person, words):
        self.person, self.words, self.credential = person, words, secrets.token_bytes(16)
        made = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-outform", "DER"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        self.private = subprocess.run(["openssl", "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER"], input=made,
                                      stdout=subprocess.PIPE, check=True).stdout
        self.public = subprocess.run(["openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER"], input=made,
                                     stdout=subprocess.PIPE, check=True).stdout[-65:]
        assert self.public[0] == 4, "no uncompressed point"

    @property
    def key_id(self):
        return hashlib.sha256(self.public).hexdigest()[:16]

    def fact(self):
        return 'operator_passkey(%s, "%s", "es256:%s", "%s", "%s").\n' % (
            self.person, b64url(self.credential), base64.b64encode(self.public).decode(), RP, self.words)

    def give(self, tab):
        """The tab's virtual authenticator holds it from now on."""
        tab.run("await cdp.send('WebAuthn.addCredential', {authenticatorId: tab.authenticator, credential: args.credential})", credential={
            "credentialId": base64.b64encode(self.credential).decode(), "isResidentCredential": True, "rpId": RP,
            "privateKey": base64.b64encode(self.private).decode(), "userHandle": base64.b64encode(self.person.encode()).decode(),
            "signCount": 0})


class PageNode(Node):
    def __init__(self, people=("owner",), site=None, **more):
        self.passkeys = {person: Passkey(person, "test key of " + person) for person in people}
        super().__init__(site=site, **more)

    def make_site(self, extra):
        super().make_site(dict(extra, **{"page.pl": 'page_origin("%s").\n' % self.page() +
                                         "".join(key.fact() for key in self.passkeys.values())}))

    def page(self):
        return "http://localhost:%d" % self.port

    def open(self, browser, passkey=None, **more):
        tab = browser.tab(self.page(), passkeys=True, **more)
        if passkey:
            self.passkeys[passkey].give(tab)
        return tab

    def logicctl(self, *args, **more):
        from node import LOGICCTL
        return subprocess.run([LOGICCTL, "--home", self.home, "--url", "http://127.0.0.1:%d" % self.port, *args],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL,
                              env=dict(os.environ, NO_COLOR="1"), check=False, **more)
