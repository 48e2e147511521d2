#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Documents by meaning on real parts: a real llama-server makes the vectors (its weights are random, so what is near means
nothing; that they are made, kept and asked is what is shown), sqlite-vec keeps them, also over a kill and with the engine gone."""
import os
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "harness"))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
from engine import Llama  # noqa: E402
from node import Node, Tap, equal, wait_for  # noqa: E402
from npm_libraries import sqlite_vec  # noqa: E402

tap = Tap()


@tap.test
def a_real_engine_makes_vectors_and_they_outlive_it():
    with Llama(more=["--embeddings", "--pooling", "mean"]) as engine:
        wait_for("the engine", engine.health)
        site = {"pools.pl": 'pool(p, none, external, "", 0, "a real engine").\npool_at(p, "%s").\npool_serves(p, "tiny-random").\n'
                            'pool_engine(p, llama, 1, 32768, f16).\n' % engine.url}
        with Node(named=False, site=site, args=["--sqlite-vec", sqlite_vec(), "--embedding-model", "tiny-random"]) as node:
            for i in range(5):
                text = "# Page %d\n\nThe fan of machine %d stopped." % (i, i)
                equal(node.post("/api/v1/docs", {"source": "page%d" % i, "text": text})[0], 200)
            wait_for("the vectors", lambda: node.get("/api/v1/docs")[1]["embedded"] == 5)
            found = node.get("/api/v1/docs/search?q=fan")[1]
            equal((found["by"], len(found["hits"])), ("words and meaning", 5))
            assert all(hit["meaning_rank"] for hit in found["hits"]), found
            os.kill(node.pid("gateway"), signal.SIGKILL)
            wait_for("the gateway again", lambda: search(node)["by"] == "words and meaning")
            equal(node.get("/api/v1/docs")[1]["embedded"], 5)
            engine.process.kill()
            engine.process.wait()
            found = search(node)
            equal((found["by"], len(found["hits"])), ("words", 5))


def search(node):
    try:
        return node.get("/api/v1/docs/search?q=fan")[1]
    except OSError:
        return {"by": None}


if __name__ == "__main__":
    sys.exit(tap.run())
