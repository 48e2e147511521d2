#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page as the node serves it: web/ without tests, READMEs and package.json, and the libraries from npm below vendor/.

    tools/web.py [FOLDER] [--from DIR] [--no-install] [--tests]      FOLDER: build/web; its path is printed

The folder is made beside its place and exchanged with what was there: at no moment is a file missing at its path. The same files
give the same folder, and then nothing is written. Without npm, or without a registry that answers, there is no vendor/ (no charts)
and a line says so; with LN_ROOTS=must (CI) that is a failure. --no-install takes libraries only if they are in build/npm already.
--tests keeps *.test.js and says that .js files are modules: for `node --test` (tests/web/run.py).
"""
import argparse
import ctypes
import os
import pathlib
import shutil
import stat
import sys
import tempfile

import npm_libraries

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEFT_OUT = ("*.test.js", "*.test.mjs", "README.md", "package.json")
TESTS = ("*.test.js", "*.test.mjs")
LIBRARIES = {  # in the page: in build/npm/node_modules
    "vendor/uplot.js": "uplot/dist/uPlot.esm.js",
    "vendor/uplot.css": "uplot/dist/uPlot.min.css",
    "vendor/uplot-licence.txt": "uplot/LICENSE"}
MODULES = {"package.json": b'{"type": "module"}\n'}
AT_FDCWD, RENAME_EXCHANGE = -100, 2


def page(source, tests=False):
    """{path in the page: bytes}. ValueError for what is neither a file nor a folder: a link may lead anywhere."""
    found = {}
    for path in sorted(pathlib.Path(source).rglob("*")):
        name = path.relative_to(source)
        if any(part.startswith(".") for part in name.parts):
            continue
        kind = path.lstat().st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
            raise ValueError("%s is neither a file nor a folder; the page has only these" % path)
        if stat.S_ISREG(kind) and not any(path.match(left) for left in LEFT_OUT if not (tests and left in TESTS)):
            found[name.as_posix()] = path.read_bytes()
    if not found:
        raise ValueError("there is no page in %s" % source)
    both = sorted(set(found) & set(LIBRARIES))
    if both:
        raise ValueError("%s in %s: that name is a library's" % (both[0], source))
    return found


def libraries(install=True):
    """{path in the page: bytes} of the libraries. npm_libraries.Unavailable when they cannot be had."""
    folder = npm_libraries.installed() if install else npm_libraries.there()
    modules = pathlib.Path(folder, "node_modules")
    return {name: (modules / path).read_bytes() for name, path in LIBRARIES.items()}


def holds(folder):
    """{path: bytes} of a folder as it is, links and empty folders told apart; None if it is not there."""
    if not folder.is_dir():
        return None
    found = {}
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            found[path.relative_to(folder).as_posix()] = None if path.is_symlink() else path.read_bytes()
        elif not any(path.iterdir()):
            found[path.relative_to(folder).as_posix()] = None
    return found


def exchange(new, old):
    """Each takes the other's place in one moment; on a file system that cannot, in two."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(AT_FDCWD, os.fsencode(new), AT_FDCWD, os.fsencode(old), RENAME_EXCHANGE) != 0:
        aside = new.with_name(new.name + ".old")
        os.rename(old, aside)
        os.rename(new, old)
        os.rename(aside, new)


def put(folder, files):
    """The folder has exactly these files. True if anything was written."""
    folder = pathlib.Path(folder)
    with npm_libraries.locked(folder.parent / ("." + folder.name), make_folder=False):
        if holds(folder) == files:
            return False
        new = pathlib.Path(tempfile.mkdtemp(prefix=".%s-" % folder.name, dir=folder.parent))
        try:
            new.chmod(0o755)
            for name, raw in sorted(files.items()):
                (new / name).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                (new / name).write_bytes(raw)
                (new / name).chmod(0o644)
            if folder.exists():
                exchange(new, folder)
            else:
                os.rename(new, folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)  # what was there before, or what did not become whole
        return True


def assemble(folder=ROOT / "build" / "web", source=ROOT / "web", install=True, tests=False):
    """The folder's path; without libraries a line on stderr, with LN_ROOTS=must npm_libraries.Unavailable."""
    files = {**page(source, tests), **(MODULES if tests else {})}
    try:
        files.update(libraries(install))
    except npm_libraries.Unavailable as why:
        if install and os.environ.get("LN_ROOTS") == "must":
            raise
        if install:
            print("web.py: the page has no charts: %s" % why, file=sys.stderr)
    put(folder, files)
    return str(folder)


def main():
    read = argparse.ArgumentParser(prog="web.py", description=__doc__.split("\n", 1)[0])
    read.add_argument("folder", nargs="?", default=ROOT / "build" / "web")
    read.add_argument("--from", dest="source", default=ROOT / "web")
    read.add_argument("--no-install", dest="install", action="store_false")
    read.add_argument("--tests", action="store_true")
    asked = read.parse_args()
    try:
        print(assemble(pathlib.Path(asked.folder).absolute(), asked.source, asked.install, asked.tests))
    except (RuntimeError, ValueError, OSError) as why:
        sys.exit("web.py: %s" % why)


if __name__ == "__main__":
    main()
