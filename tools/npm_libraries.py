#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The node's libraries from npm (tools/npm/package-lock.json) into build/npm; prints the path of sqlite-vec's vec0.so.

    logicd serve … --sqlite-vec "$(tools/npm_libraries.py)" --embedding-model NAME
"""
import contextlib
import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FROM, TO = os.path.join(HERE, "npm"), os.path.join(os.path.dirname(HERE), "build", "npm")
FILES = ("package.json", "package-lock.json", ".npmrc")
LIMIT_S = 300
NOBODY_THERE = re.compile(r"code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EIDLETIMEOUT|ERR_SOCKET_TIMEOUT)")


class Unavailable(RuntimeError):
    """No npm, or no registry that answers: nothing is wrong with the packages."""


@contextlib.contextmanager
def locked(folder, make_folder=True):
    os.makedirs(folder if make_folder else os.path.dirname(folder), exist_ok=True)
    with open("%s.lock" % folder, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def made(source, folder):
    """(stamp file, what stands in it when node_modules are as source's package-lock.json says, whether it does)"""
    raw = b"".join(open(os.path.join(source, name), "rb").read() for name in FILES)
    wanted, stamp = hashlib.sha256(raw).hexdigest(), os.path.join(folder, "made-of")
    return stamp, wanted, os.path.exists(stamp) and open(stamp).read() == wanted


def make(source, folder):
    """In locked(folder): node_modules there as source's package-lock.json says. RuntimeError with what npm said."""
    stamp, wanted, done = made(source, folder)
    if done:
        return
    shutil.rmtree(folder)
    os.makedirs(folder)
    for name in FILES:
        shutil.copy(os.path.join(source, name), folder)
    if not shutil.which("npm"):
        raise Unavailable("no npm: apt-get install npm")
    try:
        said = subprocess.run(["npm", "ci", "--prefix", folder, "--ignore-scripts"], cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable("npm ci did not end in %d s" % LIMIT_S) from None
    if said.returncode != 0 and NOBODY_THERE.search(said.stdout):
        raise Unavailable("npm ci: the registry of this machine does not answer")
    if said.returncode != 0:
        raise RuntimeError("npm ci: " + said.stdout[-2000:])
    with open(stamp, "w") as f:
        f.write(wanted)


def installed():
    with locked(TO):
        make(FROM, TO)
    return TO


def there():
    """The folder if somebody installed what is wanted; asks no registry."""
    with locked(TO):
        if not made(FROM, TO)[2]:
            raise Unavailable("the libraries of tools/npm are not in build/npm: tools/web.py installs them")
    return TO


def sqlite_vec():
    found = glob.glob(os.path.join(installed(), "node_modules/sqlite-vec-linux-*/vec0.so"))
    if not found:
        raise RuntimeError("npm has no sqlite-vec for this machine")
    return found[0]


if __name__ == "__main__":
    try:
        print(sqlite_vec())
    except (RuntimeError, OSError) as e:
        sys.exit("npm_libraries.py: %s" % e)
