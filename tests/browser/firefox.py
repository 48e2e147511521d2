# SPDX-License-Identifier: Apache-2.0
"""The page in Debian's Firefox (puppeteer-core, WebDriver BiDi): every view opens, live events arrive, nothing is an error."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "harness"), HERE]
import browser  # noqa: E402
from debian_root import unavailable  # noqa: E402
from full_house import machines, push_token, tell_all  # noqa: E402
from node import Tap, equal  # noqa: E402
from page_node import PageNode  # noqa: E402

tap = Tap()
LIMIT_S = 240


def firefox(url, steps, shots=""):
    """A row {"route", "ok", "words"} of each step."""
    if not shutil.which("firefox-esr"):
        unavailable("no firefox-esr: apt-get install firefox-esr")
    with tempfile.TemporaryDirectory(prefix="ln-firefox-") as home:
        env = dict(os.environ, MODULES=browser.installed(), FIREFOX=shutil.which("firefox-esr"), URL=url, STEPS=json.dumps(steps),
                   HOME=home, SHOTS=shots)
        done = subprocess.run([shutil.which("node"), os.path.join(HERE, "..", "harness", "firefox.mjs")], env=env, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@tap.test
def every_view_opens_in_firefox_and_is_live():
    with PageNode(site=machines(6)) as node:
        tell_all(node, 6, push_token(node))
        equal(node.intent("add test.local to 10.0.0.5")["status"], "success")
        case = node.intent("delete the record test.local")["case"]
        node.intent("change none.local to 10.0.0.1")
        says = {"#/": "machine3", "#/nodes/machine3": "machine3", "#/cases": "delete the record test.local",
                "#/cases/" + case: "It waits for a signature",
                "#/models": "Catalogue", "#/chat": "Chat", "#/alerts": "Alerts", "#/ledger": "case planned", "#/ledger/3": "3",
                "#/people": "The owner of this node", "#/sign-in": "Token", "#/enrol": "Enrol a passkey", "#/ask": "Ask",
                "#/power": "Power",
                "#/swarm": "Swarm"}
        steps = [{"route": "", "says": "Live"}] + [{"route": route, "says": words} for route, words in says.items()]
        rows = firefox(node.page(), steps)
        equal([(row["route"], row["words"]) for row in rows if not row["ok"]], [])
        equal(len(rows), len(says) + 1)


if __name__ == "__main__":
    tap.run()
