# SPDX-License-Identifier: Apache-2.0
"""The dashboard in Chromium with 5,000 cases and 200 nodes: bytes to the first paint, ms from a key or click to the next frame.

An interaction is what the browser itself reckons (Event Timing: from the event to the frame that shows its effect, in steps of 8 ms);
opening a view is from the click to its content. There is no peer: no other page shows this.
"""
import time

from bench import figure
from browser import Browser
from full_house import fill_cases, machines, push_token, tell_all
from node import wait_for
from page_node import PageNode

NODES, CASES, ROUNDS = 200, 5000, 5
TARGET_MS, TARGET_KB = 100, 100
WATCH = """(() => {
  window.seen = [];
  new PerformanceObserver((list) => list.getEntries().forEach((one) => { if (one.interactionId) window.seen.push(one.duration); }))
    .observe({type: 'event', durationThreshold: 16, buffered: false});
  return true;
})()"""


def longest_ms(tab, what):
    """The longest interaction of what is done; those under 16 ms are not told by the browser and count 16."""
    tab.js("window.seen.length = 0, true")
    what()
    time.sleep(0.3)
    return max(tab.js("window.seen") or [16])


def opened(tab, route, ready):
    """ms from going there to its content, in the page's own clock."""
    return tab.js("""new Promise((resolve) => {
      const begin = performance.now();
      location.hash = args.route;
      const look = () => (eval_ready() ? requestAnimationFrame(() => resolve(performance.now() - begin)) : requestAnimationFrame(look));
      const eval_ready = () => %s;
      look();
    })""" % ready, route=route)


def first_paint(node, browser):
    """KB over the wire, heads too, that had come when the first content was painted; KB of all, a second after it was live; ms."""
    tab = node.open(browser)
    tab.run("tab.got = []; tab.begun = {}; cdp.on('Network.requestWillBeSent', (one) => { tab.begun[one.requestId] = one.timestamp; }); "
            "cdp.on('Network.loadingFinished', (one) => { tab.got.push([one.timestamp, one.encodedDataLength]); });")
    tab.go("#/")
    tab.says("Live")
    time.sleep(1)
    paint_ms = tab.js("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    got, begun = tab.run("return tab.got"), min(tab.run("return Object.values(tab.begun)"))
    before = sum(length for at, length in got if (at - begun) * 1000 <= paint_ms)
    return before / 1000, sum(length for _, length in got) / 1000, paint_ms


def main():
    with PageNode(named=False) as node, Browser() as browser:
        rows = [first_paint(node, browser) for _ in range(ROUNDS)]
        figure("page_first_paint_bytes", [row[0] for row in rows], "KB", target=TARGET_KB)
        figure("page_whole_load_bytes", [row[1] for row in rows], "KB")
        figure("page_first_paint", [row[2] for row in rows], "ms")
    with PageNode(named=False, site=machines(NODES)) as node, Browser() as browser:
        tell_all(node, NODES, push_token(node))
        fill_cases(node, CASES)
        wait_for("all cases", lambda: node.get("/api/v1/status")[0] == 200)
        tab = node.open(browser)
        tab.go("#/")
        tab.wait("the nodes", "document.querySelector('main').innerText.includes('machine10')")
        tab.js(WATCH)
        figures = {"page_house_key": [], "page_cases_move": [], "page_cases_search": [], "page_cases_scroll": [], "page_ask_key": [],
                   "page_open_cases": [], "page_open_house": []}
        for _ in range(ROUNDS):
            figures["page_open_cases"].append(opened(tab, "#/cases", "document.querySelectorAll('main a[href^=\"#/cases/\"]').length > 5"))
            load_all(tab)
            figures["page_cases_move"].append(longest_ms(tab, lambda: [tab.press("j") for _ in range(30)]))
            figures["page_cases_search"].append(longest_ms(tab, lambda: search(tab, "thermal")))
            figures["page_cases_scroll"].append(longest_frame(tab))
            figures["page_open_house"].append(opened(tab, "#/", "document.querySelector('main').innerText.includes('machine10')"))
            figures["page_house_key"].append(longest_ms(tab, lambda: [tab.press(key) for key in ("g", "a", "g", "h")]))
            figures["page_ask_key"].append(longest_ms(tab, lambda: tab.run("await page.locator('#ask').pressSequentially('is node')")))
            tab.run("await page.locator('#ask').fill('')")
            tab.press("Escape")
        for name, values in figures.items():
            figure(name, values, "ms", target=TARGET_MS if not name.startswith("page_open") else None)
        used = tab.run("await cdp.send('HeapProfiler.collectGarbage'); return (await cdp.send('Runtime.getHeapUsage')).usedSize")
        figure("page_heap", [used / 1e6], "MB")


def load_all(tab):
    """Scroll until the list has all that it holds."""
    for _ in range(80):
        tab.run("await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)')")
        time.sleep(0.05)
        if tab.js("/That is all|The newest [\\d\\s\u202f,]+ are here/.test(document.body.innerText)"):
            break
    tab.run("await page.evaluate('scrollTo(0, 0)')")


def search(tab, text):
    tab.run("const one = page.locator('main input[type=search], main input').first(); await one.fill(''); "
            "await one.pressSequentially(args.text)", text=text)
    tab.run("await page.locator('main input[type=search], main input').first().fill('')")
    tab.press("Escape")


def longest_frame(tab):
    """The longest time between two frames while the list is scrolled from end to end."""
    return tab.js("""new Promise((resolve) => {
      const end = document.documentElement.scrollHeight, step = end / 60;
      let at = 0, last = performance.now(), longest = 0;
      const turn = (now) => {
        longest = Math.max(longest, now - last);
        last = now;
        at += step;
        scrollTo(0, at);
        if (at < end) requestAnimationFrame(turn); else resolve(longest);
      };
      requestAnimationFrame((now) => { last = now; requestAnimationFrame(turn); });
    })""")


if __name__ == "__main__":
    main()
