# SPDX-License-Identifier: Apache-2.0
"""A day of the house at speed: thousands of cases and readings while the page is open, on several views; nothing grows, nothing is lost.

How fast it answers meanwhile is measured in bench/page.py: here nothing depends on time.
"""
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from browser import Browser  # noqa: E402
from full_house import fill_cases, machines, push_token, tell  # noqa: E402
from node import Tap, equal, wait_for  # noqa: E402
from page_node import PageNode  # noqa: E402

tap = Tap()
NODES, QUARTER = 40, 700  # cases of a quarter of a day; each makes three entries and three events
VIEWS = ("#/", "#/cases", "#/ledger", "#/alerts")
MIB = 1 << 20
GROWTH_MAX = 12 * MIB  # of the second half of the day: what is kept is bounded and was full before, or is of one size
NODES_MAX = 12000  # of the document: lists draw what is seen

USED = """await cdp.send('HeapProfiler.collectGarbage'); await cdp.send('HeapProfiler.collectGarbage');
const heap = await cdp.send('Runtime.getHeapUsage'), dom = await cdp.send('Memory.getDOMCounters');
return {bytes: heap.usedSize, nodes: dom.nodes, listeners: dom.jsEventListeners}"""


class Readings(threading.Thread):
    """Machines that tell something new all the time."""

    def __init__(self, node, token):
        super().__init__(daemon=True)
        self.node, self.token, self.over, self.told = node, token, threading.Event(), 0

    def run(self):
        while not self.over.wait(0.02):
            status, _ = tell(self.node, self.told % NODES, self.token)
            self.told += status in (200, 202)


@tap.test
def after_a_day_the_page_is_as_small_as_before_and_knows_the_newest():
    with PageNode(named=False, site=machines(NODES), settings=["gateway.house_ms=1000", "gateway.stream_pause_ms=100"]) as node, \
            Browser() as browser:
        readings = Readings(node, push_token(node))
        readings.start()
        tabs = {view: node.open(browser) for view in VIEWS}
        for view, tab in tabs.items():
            tab.go(view)
            tab.says("Live")
        wanderer = node.open(browser, width=390, height=844)
        wanderer.go("#/")
        used = []
        for quarter in range(4):
            fill_cases(node, QUARTER)
            for view in VIEWS + ("#/people", "#/models"):
                wanderer.go(view)
            used.append({view: tab.run(USED) for view, tab in list(tabs.items()) + [("wanderer", wanderer)]})
            print("# after %d cases: %s" % ((quarter + 1) * QUARTER, {
                view: "%.1f MiB, %d nodes" % (now["bytes"] / MIB, now["nodes"]) for view, now in used[-1].items()}))
        readings.over.set()
        readings.join()
        print("# %d entries of the ledger, %d pushes" % (node.entries(0)[-1]["seq"], readings.told))
        for view in used[0]:
            grown = used[3][view]["bytes"] - used[1][view]["bytes"]
            assert grown < GROWTH_MAX, (view, grown / MIB)
            assert used[3][view]["nodes"] < NODES_MAX, (view, used[3][view])
            assert used[3][view]["listeners"] < 2 * used[1][view]["listeners"] + 500, (view, used[1][view], used[3][view])
        last = node.intent("is node machine7 healthy?")["case"]
        tabs["#/cases"].wait("the newest case on the page", "!!document.querySelector(`a[href='#/cases/${args.id}']`)", id=last)
        newest = node.entries(0)[-1]["seq"]
        tabs["#/ledger"].wait("the newest entry there", "document.querySelector('main').innerText.includes(`#${args.seq}`)", seq=newest)
        for tab in tabs.values():
            tab.still_good()


@tap.test
def a_page_that_comes_back_after_half_a_day_has_missed_nothing():
    with PageNode(named=False) as node, Browser() as browser:
        tab = node.open(browser)
        tab.go("#/ledger")
        tab.says("Live")
        first = node.intent("list all nodes")["case"]
        tab.wait("the first case", "document.body.innerText.includes(args.id.slice(-6))", id=first)
        tab.offline()
        fill_cases(node, 300)
        tab.offline(False)
        newest = node.entries(0)[-1]["seq"]
        tab.wait("the newest entry", "document.querySelector('main').innerText.includes(`#${args.seq}`)", seq=newest)
        loaded = wait_for("all of them", lambda: tab.js(
            "Number((document.querySelector('main').innerText.match(/([\\d\u00a0\u202f ,]+) entries loaded/) ?? "
            "document.querySelector('main').innerText.match(/of ([\\d\u00a0\u202f ,]+) entries/) ?? [0, '0'])[1].replace(/\\D/g, ''))"))
        equal(loaded >= 900, True)
        tab.still_good(ignore="ERR_|Failed to fetch|EventSource|offline")


if __name__ == "__main__":
    tap.run()
