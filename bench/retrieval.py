# SPDX-License-Identifier: Apache-2.0
"""Finding documents: the man pages of this machine without their NAME sections are the corpus, the descriptions that stood there
are the questions ("list directory contents" asks for ls). Recall@5 and ms through the node's HTTP, against SQLite's FTS5 as it
comes (whole pages, standard tokenizer and rank) in the same run. Words only: there is no embedding model on this machine."""
import glob
import http.client
import json
import os
import re
import sqlite3
import subprocess
import time
import urllib.parse

from bench import figure
from node import Node

PAGES, BYTES_MAX, CHUNKS_MIN, WORKERS = 600, 120000, 2000, 2
NAME = re.compile(r"^NAME\n(.*?)^(?=\S)", re.S | re.M)


def rendered(path):
    made = subprocess.run(["man", "--no-hyphenation", "--no-justification", "-E", "UTF-8", "-P", "cat", path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, env=dict(os.environ, MANWIDTH="100", LC_ALL="C.UTF-8"), check=False)
    return re.sub(".\b", "", made.stdout.decode("utf-8", "replace"))


def corpus():
    """[(source, text without NAME, question)]: every n-th page, so that many packages are among them."""
    paths = sorted({os.path.realpath(p) for p in glob.glob("/usr/share/man/man[18]/*.gz")})
    paths = [p for p in paths if os.path.exists(p) and 1500 < os.path.getsize(p) < 60000]
    pages, seen = [], set()
    for path in paths[::max(1, len(paths) // (2 * PAGES))]:
        text = rendered(path)
        name = NAME.search(text)
        said = re.split(r" [-\u2010\u2013\u2014] ", " ".join(name.group(1).split()), maxsplit=1) if name else []
        if len(said) == 2 and 12 < len(said[1]) < 200 and said[1] not in seen and len(text) < BYTES_MAX:
            seen.add(said[1])
            pages.append((os.path.basename(path), NAME.sub("", text), said[1]))
        if len(pages) == PAGES:
            break
    return pages


def plain(pages):
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE page USING fts5(source UNINDEXED, text)")
    database.executemany("INSERT INTO page VALUES(?, ?)", [(source, text) for source, text, _ in pages])

    def ask(question):
        words = " OR ".join('"%s"' % w for w in re.findall(r"\w+", question))
        return [row[0] for row in database.execute("SELECT source FROM page WHERE page MATCH ? ORDER BY rank LIMIT 5", (words,))]
    return ask


def through(node):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=30)

    def ask(question):
        connection.request("GET", "/api/v1/docs/search?limit=5&q=" + urllib.parse.quote(question))
        return [hit["source"] for hit in json.loads(connection.getresponse().read())["hits"]]
    return ask


def measured(ask, pages):
    found, spent = 0, []
    for source, _, question in pages:
        began = time.perf_counter()
        found += source in ask(question)
        spent.append((time.perf_counter() - began) * 1000)
    spent.sort()
    return found / len(pages), spent


def main():
    pages = corpus()
    with Node(named=False) as node:
        began = time.perf_counter()
        for source, text, _ in pages:
            assert node.post("/api/v1/docs", {"source": source, "text": text})[0] == 200
        added_ms = (time.perf_counter() - began) * 1000 / len(pages)
        chunks = node.get("/api/v1/docs")[1]["chunks"]
        assert chunks >= CHUNKS_MIN, "%d pieces of %d pages; at least %d are wanted" % (chunks, len(pages), CHUNKS_MIN)
        print("# %d pages in %d pieces" % (len(pages), chunks))
        recall, spent = measured(through(node), pages)
    theirs, theirs_spent = measured(plain(pages), pages)
    figure("retrieval_recall_at_5", [100 * recall], "percent", peers=[100 * theirs], better="higher")
    figure("retrieval_p50", [spent[len(spent) // 2]], "ms", peers=[theirs_spent[len(spent) // 2]])
    figure("retrieval_p99", [spent[int(len(spent) * 0.99)]], "ms", peers=[theirs_spent[int(len(spent) * 0.99)]])
    figure("retrieval_add", [added_ms], "ms/document")
