#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tidy — what the compiler cannot check: sizes, banned calls, floors, words, links. TAP.

    tools/tidy.py            all rules over the tree
    tools/tidy.py RULE …     only these, by the name of their function, such as `include_order`

A rule is a generator of findings `(file, line, message)`; its docstring is its TAP line. What is
allowed in spite of a rule stands in a table here, with its reason beside it.
"""
import concurrent.futures
import functools
import inspect
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS, SCRIPT_COLUMNS, FUNCTION_LINES, FILE_LINES, HEADER_LINES, README_LINES = 100, 140, 70, 600, 200, 30
CODE = (".c", ".h", ".pl", ".plt", ".py", ".sh", ".js", ".mjs")
BANNED = {
    "strcpy": "str_dup()", "strcat": "buf_add()", "sprintf": "buf_printf()",
    "vsprintf": "vsnprintf()", "gets": "file_read()", "atoi": "str_to_u64()", "system": "argv",
    "atol": "str_to_u64()", "strtok": "str_cut()", "strncpy": "struct str", "popen": "argv",
    "alloca": "an arena"}
BANNED_CALL = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(BANNED))
TEST = re.compile(r"(_test|_test_client|_harness|_fuzz|_bench|fixture|/test_\w+)\.[ch]$")
IN_TESTS = ("system", "popen", "atoi")  # there they read and run what the test itself wrote
# jansson may read these texts itself: they are our own, or they were proved before.
JSON_CALL = re.compile(r"(?<!\w)json_load(s|b|_file|_callback|fd)\s*\(")
JSON_FILES = {
    "src/2_wire/json/json_read.c": "the strict reader itself",
    "src/2_wire/message/message.c": "from a role; checked field by field behind it",
    "src/5_role/common/role.c": "the supervisor's sealed configuration",
    "src/5_role/common/probe.c": "what a child of ours wrote",
    "src/5_role/gateway/open_api.c": "a constant of ours",
    "src/5_role/ledger/walk.c": "a line whose hash was proved"}
JSON_FILES.update(dict.fromkeys((
    "src/5_role/judge/flow.c", "src/5_role/judge/consent.c", "src/5_role/judge/list.c",
    "src/3_domain/case/case_view.c"), "plan bytes that the judge wrote"))
RULES_TESTED_ELSEWHERE = {}  # file: test
FACTS_ONLY = re.compile(r"^\s*%+\s*facts only\b", re.M)  # needs no tests
MARKS = re.compile(r"\b(%s)\b" % "|".join(("FIX" + "ME", "TO" + "DO", "XX" + "X")))
MACHINE = re.compile("(?<![\\w./-])/(%s)/" % "|".join(("work", "ro" + "ot", "fa" + "rm")))
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)[^)]*\)|!\[[^\]]*\]\(([^)\s]+)\)")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
USE = re.compile(r"""(?:use_module|reexport|ensure_loaded|include)\(\s*(?:kb\()?'?([\w./]+)'?""")
# What would make markup, code or a style of text, or fetch from elsewhere: the page's policy (page.c) forbids it in the browser.
MARKUP = (
    (r"\b(?:inner|outer)HTML\b", "text goes into textContent: core/dom.js"), (r"\binsertAdjacentHTML\b", "nodes: core/dom.js"),
    (r"\bdocument\s*\.\s*write", "nodes: core/dom.js"), (r"(?<![\w.])eval\s*\(", "nothing is evaluated"),
    (r"\bnew\s+Function\b", "nothing is evaluated"), (r"""\bsetAttribute\(\s*['"`](?:style|on)""", "a class, or a listener"),
    (r"\bDOMParser\b|\bcreateContextualFragment\b|\bsetHTMLUnsafe\b", "nodes: core/dom.js"), (r"(?i)\bjavascript:", "a listener"))
PAGE_ONLY = ((r"\sstyle=\S", "a class of style/"), (r"<style|<script(?![^>]*\bsrc=)", "a file of its own"),
             (r"<[^>]*\son\w+\s*=", "a listener"),
             (r"https?://(?!www\.w3\.org/(?:2000/svg|1999/xhtml|1998/Math))", "nothing from elsewhere"))
SETTING_ROW = re.compile(r"^SETTING\(")


def tree():
    """Every file of the project, tracked or new; without git: what is not built."""
    git = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    names = git.stdout.splitlines() or [
        p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*")
        if p.relative_to(ROOT).parts[0] not in ("build", ".git", "node_modules")]
    return sorted(n for n in set(names) if (ROOT / n).is_file())


FILES = tree()


@functools.lru_cache(None)
def text(name):
    return (ROOT / name).read_text(errors="replace")


def lines(name):
    return enumerate(text(name).splitlines(), 1)


def named(*ends, below=""):
    return [f for f in FILES if f.endswith(ends) and f.startswith(below)]


def bare(name):
    """The lines of a C file without comments and without the insides of strings."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    blank = re.sub(pattern, lambda hit: "\n" * hit.group(0).count("\n"), text(name), flags=re.S)
    return enumerate(blank.splitlines(), 1)


def line_length():
    """no line is longer than 100 columns (scripts 140)"""
    for name in named(*CODE):
        most = SCRIPT_COLUMNS if name.endswith((".py", ".sh", ".js", ".mjs")) else COLUMNS
        for number, line in lines(name):
            if len(line) > most:
                yield name, number, "%d columns; at most %d" % (len(line), most)


def function_length():
    """no C function is longer than 70 lines"""
    for name in named(".c", ".h"):
        start = 0
        for number, line in lines(name):
            if line == "{":
                start = number
            elif start and line.startswith("}"):
                if number - start - 1 > FUNCTION_LINES:
                    yield name, start, "a function of %d lines; at most %d" % (
                        number - start - 1, FUNCTION_LINES)
                start = 0


def file_length():
    """no source is longer than 600 lines, no header than 200, no module's README than 30"""
    for name in FILES:
        limit = (HEADER_LINES if name.endswith(".h") else FILE_LINES if name.endswith(CODE) else
                 README_LINES if re.fullmatch(r"src/\w+/\w+/README\.md", name) else None)
        count = text(name).count("\n") if limit else 0
        if limit and count > limit:
            yield name, limit + 1, "%d lines; at most %d" % (count, limit)


def licence():
    """every source says its licence in its first lines"""
    for name in named(*CODE, ".def", ".js", ".css", ".mjs"):
        if "SPDX-License-Identifier: Apache-2.0" not in "\n".join(text(name).splitlines()[:5]):
            yield name, 1, "no SPDX-License-Identifier: Apache-2.0"


def marks():
    """nothing is left for later in the sources"""
    for name in named(*CODE, ".def", ".md", ".js", ".build", ".yml"):
        for number, line in lines(name):
            if MARKS.search(line):
                yield name, number, "do it, or write an issue: " + line.strip()[:60]


def banned_calls():
    """nobody calls what has a better replacement"""
    for name in named(".c", ".h"):
        for number, line in bare(name):
            for call in BANNED_CALL.findall(line):
                if not (TEST.search(name) and call in IN_TESTS):
                    yield name, number, "%s(): use %s" % (call, BANNED[call])


def outside_json():
    """text from outside is read by json_read() only"""
    for name in named(".c", ".h", below="src/"):
        for number, line in bare(name):
            if JSON_CALL.search(line) and name not in JSON_FILES and not TEST.search(name):
                yield name, number, "use json_read(), or list the file in tools/tidy.py"


def pragma_once():
    """every header says #pragma once"""
    for name in named(".h"):
        if not re.search(r"^#pragma once$", text(name), re.M):
            yield name, 1, "no #pragma once"


def compiler_flags():
    found = {"-D_GNU_SOURCE", "-std=gnu17", '-DLOGIC_NODE_VERSION="tidy"'}
    for package in "jansson libcrypto libuv sqlite3 ldns libseccomp libcurl swipl".split():
        out = subprocess.run(["pkg-config", "--cflags", package], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True, check=False).stdout
        found.update(shlex.split(out))
    return sorted(found)


def headers_alone():
    """every header compiles alone, with the include path of its floor and no other"""
    flags = compiler_flags()

    def compile_one(name):
        floor = int(re.match(r"src/(\d)_", name).group(1))
        paths = ["-I%s" % p for p in sorted((ROOT / "src").glob("[1-%d]_*" % floor))]
        done = subprocess.run(
            ["gcc", "-x", "c", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", *flags, *paths,
             "-I" + str(ROOT / "tests/harness"), "-include", str(ROOT / name), "/dev/null"],
            stderr=subprocess.PIPE, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
        said = [s.replace(str(ROOT) + "/", "") for s in done.stderr.splitlines() if "error" in s]
        return (name, 1, (said or ["no"])[0]) if done.returncode else None
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from filter(None, pool.map(compile_one, named(".h", below="src/")))


def module_order():
    """(floor, module) -> its place in its floor's meson.build"""
    found = {}
    for build in named("/meson.build", below="src/"):
        listed = re.search(r"modules = \[(.*?)\]", text(build), re.S)
        for place, module in enumerate(re.findall(r"'([^']+)'", listed.group(1) if listed else "")):
            found[build.split("/")[1], module] = place
    return found


def include_order():
    """a module includes itself, those above it in its floor's list, and lower floors"""
    places = module_order()
    floors = sorted({floor for floor, _ in places})
    for name in named(".c", ".h", below="src/"):
        floor, module = name.split("/")[1:3]
        for number, line in lines(name) if floor in floors else ():
            path = (INCLUDE.findall(line) or [""])[0]
            target = path.split("/")[0]
            there = [f for f in floors if "/" in path and (ROOT / "src" / f / path).is_file()]
            if there and there[0] > floor:
                yield name, number, "%s lies on a higher floor" % path
            elif floor in there and target != module and \
                    places.get((floor, target), 99) >= places.get((floor, module), -1):
                yield name, number, "%s is not above %s in its floor's list" % (target, module)


def modules_whole():
    """every module is listed by its floor, has a README and a test (or its README names one)"""
    places = module_order()
    modules = {"/".join(f.split("/")[:3]) for f in FILES if re.match(r"src/[1-5]_\w+/\w+/", f)}
    for folder in sorted(modules):
        readme = folder + "/README.md"
        if tuple(folder.split("/")[1:]) not in places:
            yield folder, 1, "not in the list of modules of its floor's meson.build"
        if readme not in FILES:
            yield folder, 1, "no README.md"
        elif not named("_test.c", "_test.py", below=folder + "/") and "tests/" not in text(readme):
            yield readme, 1, "no *_test.c, and the README names no test below tests/"


def settings_explained():
    """every setting says what it is for"""
    for name in named(".def", below="src/"):
        rows = re.sub(r",\s*\n\s*", ", ", text(name))
        for number, line in enumerate(rows.splitlines(), 1):
            if SETTING_ROW.match(line) and not re.search(r'"[^"]{8,}"\s*\)', line):
                yield name, number, "no help text: " + line.strip()[:50]


def kb_floors():
    """a folder of kb/core uses itself and lower numbers only"""
    for name in named(".pl", ".plt", below="kb/core/"):
        own = int(name.split("/")[2][0])
        for number, line in lines(name):
            for target in USE.findall(line):
                used = re.search(r"(?:^|/)(\d)_\w+/", target)
                if used and int(used.group(1)) > own:
                    yield name, number, "%s has a higher number" % target


def rules_tested():
    """every file of rules has its tests beside it"""
    for name in named(".pl", below="kb/core/"):
        test = RULES_TESTED_ELSEWHERE.get(name, name + "t")
        if test not in FILES and not FACTS_ONLY.search(text(name)):
            yield name, 1, "its test %s is not there" % test


def uncommented(raw):
    """A file of the page without its comments; strings stay."""
    string = r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\\n])*`)"""
    pattern = string + r"|(?<![\\:])//[^\n]*|/\*.*?\*/|<!--.*?-->"
    return re.sub(pattern, lambda hit: hit.group(1) or "\n" * hit.group(0).count("\n"), raw, flags=re.S)


def forbidden(raw):
    """[(line, what stands there, what to do instead)]"""
    return [(number, hit.group(0).strip(), instead) for number, line in enumerate(uncommented(raw).splitlines(), 1)
            for pattern, instead in MARKUP + PAGE_ONLY for hit in re.finditer(pattern, line)]


def page_inert():
    """the page makes no markup, code or styles of text and fetches nothing from elsewhere"""
    for name in named(".js", ".html", ".css", ".svg", below="web/"):
        for number, what, instead in forbidden(text(name)) if not name.endswith(".test.js") else ():
            yield name, number, "'%s': %s" % (what, instead)


def machine_paths():
    """no path of the machine on which it was written"""
    for name in FILES:
        if name.startswith(("tests/corpus/", "bench/results/")):
            continue
        for number, line in lines(name):
            if MACHINE.search(line):
                yield name, number, line.strip()[:80]


def links_live():
    """every relative link in a page leads somewhere"""
    for name in named(".md"):
        for number, line in lines(name):
            for hit in LINK.finditer(line):
                target = (hit.group(1) or hit.group(2)).split("#")[0]
                if target and not re.match(r"[a-z]+:", target) and \
                        not (ROOT / name).parent.joinpath(target).exists():
                    yield name, number, "a dead link: " + target


def invariants_tested():
    """each invariant of the house plan is named by a test (invariant_N)"""
    said = "\n".join(text(f) for f in FILES if re.search(r"^tests/|_test\.\w+$|\.plt$", f))
    for number in range(1, 13):
        if not re.search(r"invariants?[_ ](\d+(,|_and| and)[_ ])*%d(?!\d)" % number, said):
            yield "tests", 1, "no test is named after invariant %d" % number


RULES = {n: f for n, f in list(globals().items()) if inspect.isgeneratorfunction(f)}


def main():
    asked = sys.argv[1:] or list(RULES)
    for name in set(asked) - set(RULES):
        sys.exit("tidy: there is no rule %s; rules: %s" % (name, " ".join(RULES)))
    print("1..%d" % len(asked))
    failed = False
    for number, name in enumerate(asked, 1):
        findings = ["# %s:%d: %s" % found for found in RULES[name]()]
        failed = failed or bool(findings)
        line = "%sok %d - %s" % ("not " if findings else "", number, RULES[name].__doc__)
        print("\n".join([*findings, line]), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
