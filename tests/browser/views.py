# SPDX-License-Identifier: Apache-2.0
"""Every view of a house that is lived in: light and dark, phone and desktop; nothing wrong in it, nothing wider than the screen, and
axe-core finds no barrier (WCAG 2.2 AA) in any, light on a desktop and dark on a phone.

    tests/browser/views.py --shots DIR      the same, and a picture of each (look at them)

The engines and the exporter are FAKE; the name server is real.
"""
import os
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from browser import Browser  # noqa: E402
from chat_engine import ChatEngine  # noqa: E402
from engine import Fake, saying  # noqa: E402
from fake_exporter import FakeExporter  # noqa: E402
from full_house import machines, push_token, tell_all  # noqa: E402
from node import Tap, equal, wait_for  # noqa: E402
from page_node import PageNode  # noqa: E402

tap = Tap()
SHOTS = sys.argv.pop(sys.argv.index("--shots") + 1) if "--shots" in sys.argv else tempfile.mkdtemp(prefix="ln-shots-")
if "--shots" in sys.argv:
    sys.argv.remove("--shots")
SCREENS = [("desktop", 1280, 900, "light"), ("desktop", 1280, 900, "dark"), ("phone", 360, 740, "light"), ("phone", 390, 844, "dark"),
           ("wide", 1920, 1080, "light")]
AXE_ON = ("desktop-light", "phone-dark")
RUNBOOK = {"probable_cause": "The disk is worn: **50** sectors were moved to spares (F1).", "immediate_actions": [
    {"text": "Look at the disk.", "command": "smartctl -a /dev/sda"}, {"text": "Copy what is on it to `pve`."}],
    "escalation_criteria": ["More sectors within an hour.", "A read error in the log."]}
POOLS = """pool(%(name)s, none, external, "", 0, "an engine of the test").
pool_at(%(name)s, "%(url)s").
pool_serves(%(name)s, "%(model)s").
pool_engine(%(name)s, llama, 4, 8192, f16).
"""
SLEEPER = """host(tower, "https://127.0.0.1:9", "the gaming PC").
host_wake(tower, "52:54:00:aa:bb:01", "127.255.255.255", "").
host_limits(tower, 60, 0, 0, 60).
host_sleep(tower, suspend).
node_host("tower", tower).
pool(gpu0, tower, cuda, "0", 16303, "RTX 4080 Super").
pool_serves(gpu0, any).
pool_engine(gpu0, llama, 2, 8192, f16).
"""


class LivedIn:
    """A node with something of everything."""

    def __enter__(self):
        self.exporter = FakeExporter('smartmon_reallocated_sector_ct_raw_value{disk="sda"} 50\nnode_load1 1.5\n'
                                     'node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"} 97\n')
        self.chat, self.writer = ChatEngine().__enter__(), Fake(saying(RUNBOOK)).__enter__()
        facts = dict(machines(9), **{
            "senses.pl": 'sense_source("x", "nas", exporter, "%s", 1).\n' % self.exporter.url,
            "pools.pl": SLEEPER + "".join(POOLS % {"name": "p%d" % i, "url": self.chat.url, "model": model}
                                          for i, model in enumerate(("llama-3.1-8b-instruct-q4_k_m", "qwen2.5-coder")))})
        self.node = PageNode(site=facts, args=["--llm", self.writer.url], settings=["judge.senses_tick_ms=300"])
        self.fill(self.node)
        return self.node

    def fill(self, node):
        tell_all(node, 9, push_token(node))
        for sentence in ("list all nodes", "add www.local to 192.168.1.10", "add test.local to 192.168.1.100",
                         "add db.local to 192.168.1.7", "which nodes are at risk of thermal throttling?", "change none.local to 10.0.0.1"):
            node.intent(sentence)
        refused = node.intent("delete the record db.local")["case"]
        node.consent(refused, decision="refuse")
        node.consent(node.intent("delete the record www.local")["case"])
        self.moved = node.intent("change test.local to 192.168.1.101")["case"]
        node.named.update("update add test.local 300 A 192.168.1.200")
        node.consent(self.moved)  # the world has moved: it fails
        node.named.update("update delete test.local A 192.168.1.200")
        self.waits = node.intent("delete the record test.local")["case"]
        wait_for("a runbook", lambda: [e for e in node.entries() if e["kind"] == "runbook_generated"])
        self.alert = [e for e in node.entries() if e["kind"] == "runbook_generated"][0]["body"]["alert"]

    def routes(self):
        denied = [c["id"] for c in self.node.get("/api/v1/cases?status=denied")[1]["cases"]][0]
        return {"house": "#/", "node": "#/nodes/nas", "cases": "#/cases", "case-waiting": "#/cases/" + self.waits,
                "case-denied": "#/cases/" + denied, "case-failed": "#/cases/" + self.moved, "models": "#/models", "chat": "#/chat",
                "alerts": "#/alerts", "alert": "#/alerts/%d" % self.alert, "ledger": "#/ledger", "entry": "#/ledger/5",
                "people": "#/people", "sign-in": "#/sign-in", "enrol": "#/enrol", "ask": "#/ask", "power": "#/power", "swarm": "#/swarm",
                "nothing": "#/no/such/view"}

    def __exit__(self, *why):
        self.node.__exit__(*why)
        self.chat.__exit__(*why)
        self.writer.__exit__(*why)
        self.exporter.__exit__(*why)


# Wider than the screen is only what scrolls in a box of its own.
WIDE = """(() => {
  const wide = [...document.querySelectorAll('body *')].filter((one) => {
    if (one.getBoundingClientRect().right <= innerWidth + 1) return false;
    for (let up = one; up; up = up.parentElement) {
      const style = getComputedStyle(up);
      if (/auto|scroll|hidden|clip/.test(style.overflowX) || style.position === 'fixed') return false;
    }
    return true;
  });
  return document.documentElement.scrollWidth > innerWidth + 1 ? wide.slice(0, 5).map((one) => one.outerHTML.slice(0, 160)) : [];
})()"""
SETTLED = "document.querySelector('main h1') && !document.querySelector('main [aria-busy=\"true\"], main .loading')"
NAMELESS = """[...document.querySelectorAll('button, a[href], input, select, textarea')].filter((one) => one.offsetParent !== null &&
  !(one.textContent?.trim() || one.getAttribute('aria-label') || one.labels?.length || one.getAttribute('aria-labelledby') || one.title))
  .map((one) => one.outerHTML.slice(0, 160))"""


def walk(lived, tab, name, axe=False):
    for route, hash_ in lived.routes().items():
        tab.go(hash_)
        time.sleep(0.3)  # until the view before is gone
        tab.wait("%s to be there" % route, SETTLED)
        equal((route, tab.js(WIDE)), (route, []))
        equal((route, tab.js(NAMELESS)), (route, []))
        if axe:
            equal((route, tab.barriers()), (route, []))
        tab.screenshot(os.path.join(SHOTS, "%s-%s.png" % (name, route)))
        if route == "case-waiting":
            tab.click("Read the plan and decide …")
            tab.says("SHA-256, computed in this browser")
            equal((route, tab.js(WIDE)), (route, []))
            if axe:
                equal(("consent", tab.barriers()), ("consent", []))
            tab.screenshot(os.path.join(SHOTS, "%s-consent.png" % name), whole=False)
            tab.press("Escape")
    tab.go("#/")
    tab.run("await page.locator('#ask').fill('delete the record www.local')")
    tab.says("must sign")
    tab.screenshot(os.path.join(SHOTS, "%s-asking.png" % name), whole=False)


@tap.test
def every_view_is_whole_on_every_screen():
    os.makedirs(SHOTS, exist_ok=True)
    lived = LivedIn()
    with lived as node, Browser() as browser:
        for screen, width, height, scheme in SCREENS:
            tab = node.open(browser, passkey="owner", width=width, height=height, scheme=scheme)
            name = "%s-%s" % (screen, scheme)
            walk(lived, tab, name, axe=name in AXE_ON)
            tab.still_good(ignore="404")
    print("# pictures: %s" % SHOTS)


ASKED = ("performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname)"
         ".filter((one) => one.startsWith('/api/v1/nodes/'))")


@tap.test
def numbers_of_nodes_come_with_the_house_and_no_node_is_asked_for_by_itself():
    with PageNode(named=False, site=machines(60)) as node, Browser() as browser:
        token = push_token(node)
        tell_all(node, 60, token)
        tab = node.open(browser, passkey="owner")
        tab.go("#/")
        tab.wait("a table with numbers",
                 "[...document.querySelectorAll('.node-row .at-heat')].some((one) => /^[0-9]+ °C$/.test(one.textContent))")
        tell_all(node, 60, token, hot=7)
        tab.go("#/power")
        tab.wait("what the site says of power", "document.querySelectorAll('.power-row').length >= 60")
        equal(tab.js(ASKED), [])
        tab.go("#/nodes/machine7")
        tab.wait("the node to be asked for on its own page", ASKED + ".includes('/api/v1/nodes/machine7')")
        equal(set(tab.js(ASKED)), {"/api/v1/nodes/machine7"})
        tab.still_good()


if __name__ == "__main__":
    tap.run()
