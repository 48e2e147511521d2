# SPDX-License-Identifier: Apache-2.0
"""tools/web.py: what is in build/web, what is not, and that nobody ever finds it half made."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "harness"), os.path.join(HERE, "..", "..", "tools")]
import npm_libraries  # noqa: E402
import tidy  # noqa: E402
import web  # noqa: E402
from debian_root import unavailable  # noqa: E402
from node import Tap, equal  # noqa: E402

tap = Tap()
PAGE = {"index.html": "<!doctype html>", "core/dom.js": "export {};", "core/dom.test.js": "test", "views/a.test.mjs": "test",
        "core/README.md": "words", "package.json": "{}", ".hidden": "x", ".git/config": "x"}
SERVED = ["core/dom.js", "index.html"]
ROUNDS = 60  # of two pages that take each other's place


class House:
    """A source folder and a place for the page."""

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="ln-page-")
        self.source, self.to = pathlib.Path(self.scratch.name, "source"), pathlib.Path(self.scratch.name, "to")
        for name, text in PAGE.items():
            self.write(name, text)
        return self

    def __exit__(self, *_):
        self.scratch.cleanup()

    def write(self, name, text):
        (self.source / name).parent.mkdir(parents=True, exist_ok=True)
        (self.source / name).write_text(text)

    def put(self, **more):
        return web.put(self.to, web.page(self.source, **more))

    def names(self):
        return sorted(p.relative_to(self.to).as_posix() for p in self.to.rglob("*") if p.is_file())

    def beside(self):
        return sorted(p.name for p in self.to.parent.iterdir())

    def refused(self, words):
        try:
            web.page(self.source)
        except ValueError as why:
            assert words in str(why), why
        else:
            raise AssertionError("taken, though: " + words)


@tap.test
def the_page_has_its_files_without_tests_readmes_and_what_is_hidden():
    with House() as house:
        equal(house.put(), True)
        equal(house.names(), SERVED)
        equal((house.to / "index.html").read_text(), PAGE["index.html"])
        equal(house.to.stat().st_mode & 0o777, 0o755)
        equal(house.beside(), [".to.lock", "source", "to"])


@tap.test
def with_tests_they_are_there():
    with House() as house:
        house.put(tests=True)
        equal(house.names(), ["core/dom.js", "core/dom.test.js", "index.html", "views/a.test.mjs"])


@tap.test
def the_same_files_write_nothing():
    with House() as house:
        house.put()
        before = house.to.stat()
        equal(house.put(), False)
        equal((house.to.stat().st_ino, house.to.stat().st_mtime_ns), (before.st_ino, before.st_mtime_ns))


@tap.test
def what_is_new_comes_what_is_gone_goes_what_was_touched_is_put_right():
    with House() as house:
        house.put()
        house.write("views/new.js", "export {};")
        (house.source / "core/dom.js").unlink()
        equal(house.put(), True)
        equal(house.names(), ["index.html", "views/new.js"])
        for harm in ("index.html", "stranger.js"):
            (house.to / harm).write_text("somebody's")
            equal(house.put(), True)
            equal(house.names(), ["index.html", "views/new.js"])
            equal((house.to / "index.html").read_text(), PAGE["index.html"])
        equal(house.beside(), [".to.lock", "source", "to"])


@tap.test
def while_pages_change_places_every_file_is_at_its_path():
    pages = [{"index.html": b"one" * 1000, "a/b.js": b"1"}, {"index.html": b"two" * 1000, "a/b.js": b"2"}]
    with House() as house:
        web.put(house.to, pages[0])
        seen, ended = set(), threading.Event()

        def read():
            while not ended.is_set():
                try:
                    seen.add((house.to / "index.html").read_bytes())
                except OSError as why:
                    seen.add(str(why))
        reader = threading.Thread(target=read)
        reader.start()
        for number in range(ROUNDS):
            web.put(house.to, pages[(number + 1) % 2])
        ended.set()
        reader.join()
        assert seen <= {page["index.html"] for page in pages}, sorted(str(s)[:80] for s in seen)


@tap.test
def several_at_once_leave_one_whole_page():
    with House() as house:
        program = [sys.executable, os.path.join(HERE, "..", "..", "tools", "web.py"), str(house.to), "--from", str(house.source),
                   "--no-install"]
        children = [subprocess.Popen(program, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        for child in children:
            equal(child.communicate()[0], "%s\n" % house.to)
            equal(child.returncode, 0)
        equal([n for n in house.names() if not n.startswith("vendor/")], SERVED)
        equal(house.beside(), [".to.lock", "source", "to"])


@tap.test
def a_link_a_library_s_name_and_no_page_are_refused():
    with House() as house:
        (house.source / "passwd.js").symlink_to("/etc/passwd")
        house.refused("passwd.js is neither a file nor a folder")
        (house.source / "passwd.js").unlink()
        house.write("vendor/uplot.js", "mine")
        house.refused("that name is a library's")
    with House() as house:
        house.source = house.source / "nobody"
        house.refused("there is no page in")


def without_npm(house, must):
    """web.py where there is no npm and nothing was installed before."""
    empty = house.source.parent / "bin"
    empty.mkdir(exist_ok=True)
    code = "import npm_libraries, sys, web; npm_libraries.TO = sys.argv.pop(); web.main()"
    env = {"PATH": str(empty), "PYTHONPATH": os.path.join(HERE, "..", "..", "tools"), **({"LN_ROOTS": "must"} if must else {})}
    return subprocess.run([sys.executable, "-c", code, str(house.to), "--from", str(house.source), str(empty / "npm-folder")],
                          env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


@tap.test
def without_npm_the_page_has_no_charts_and_says_so():
    with House() as house:
        told = without_npm(house, must=False)
        equal((told.returncode, told.stdout), (0, "%s\n" % house.to))
        equal(told.stderr, "web.py: the page has no charts: no npm: apt-get install npm\n")
        equal(house.names(), SERVED)


@tap.test
def where_it_must_be_whole_that_fails():
    with House() as house:
        told = without_npm(house, must=True)
        equal((told.returncode, told.stdout), (1, ""))
        assert "no npm" in told.stderr, told.stderr
        equal(house.to.exists(), False)


@tap.test
def the_libraries_keep_the_policy_of_the_page():
    try:
        found = web.libraries()
    except npm_libraries.Unavailable as why:
        unavailable(str(why))
    equal(sorted(found), ["vendor/uplot-licence.txt", "vendor/uplot.css", "vendor/uplot.js"])
    code = found["vendor/uplot.js"].decode()
    assert re.search(r"^export \{ uPlot as default \};", code, re.M), code[-200:]
    equal(re.findall(r"^import .*", code, re.M), [])
    equal([why for pattern, why in tidy.MARKUP if re.search(pattern, code)], [])
    equal(re.findall(r"url\(|@import", found["vendor/uplot.css"].decode()), [])
    assert b"MIT License" in found["vendor/uplot-licence.txt"] or b"Permission is hereby granted" in found["vendor/uplot-licence.txt"]


@tap.test
def tidy_finds_what_the_page_may_not_have_and_leaves_comments_alone():
    bad = ["a.innerHTML = b", "a.outerHTML", "a.insertAdjacentHTML('x', y)", "document.write(a)", "document . writeln(a)", "x = eval (a)",
           "new Function('a')", "a.setAttribute('style', b)", 'a.setAttribute( "onclick", b)', "new DOMParser()", "'javascript:alert(1)'",
           '<p style="color: red">', "`<b style='x'>`", "<style>", "<script>", '<p onclick="x()">', "fetch('https://example.org')",
           "url(http://example.org/x.png)", "a(); // fine\nb.innerHTML = c"]
    for line in bad:
        assert list(tidy.forbidden(line)), line
    good = ["// a.innerHTML = b", "/* eval(a)\n http://example.org */ x()", "<!-- https://example.org -->", "a.style.width = '1px'",
            "'http://www.w3.org/2000/svg'", '<script type="module" src="/start.js"></script>', "retrieval(a)", "a.setAttribute('role', b)",
            '<link rel="stylesheet" href="/style.css">', "const style = 'x'"]
    for line in good:
        equal((line, list(tidy.forbidden(line))), (line, []))
    equal([number for number, _, _ in tidy.forbidden("/* two\nlines */\na.innerHTML = b")], [3])


tap.run()
