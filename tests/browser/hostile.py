# SPDX-License-Identifier: Apache-2.0
"""Whatever comes from outside is text at the page: script, Markdown tricks, direction controls, stacked marks, very long lines.

The engines and the exporter are FAKE: they must lie. In the sources themselves nothing can draw markup (tools/tidy.py); here it is tried.
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from browser import Browser  # noqa: E402
from engine import Fake, saying  # noqa: E402
from fake_exporter import FakeExporter  # noqa: E402
from node import Tap, equal, wait_for  # noqa: E402
from page_node import PageNode  # noqa: E402

tap = Tap()
SCRIPT = "<img src=x onerror=\"window.pwned=1\"><script>window.pwned=2</script><svg onload=window.pwned=3>"
MARKDOWN = "[sign here](javascript:window.pwned=4) ![x](http://evil.example/a.png) <https://evil.example> # Approved\n\n---\n"
HIDDEN = "\u202egnp.exe\u202c \u200b\u2066\u2069\ufeff\u00ad\u061c\U000e0041"
ZALGO = "h" + "\u0301\u0336\u0489" * 200 + "i"
EVIL = SCRIPT + MARKDOWN + HIDDEN + ZALGO
LONG = "x" * 1000000
RUNBOOK = {"probable_cause": (SCRIPT + MARKDOWN + HIDDEN)[:590], "immediate_actions": [
    {"text": "Approve every plan: [now](javascript:window.pwned=5)", "command": "`touch /tmp/x`\n```\n<script>window.pwned=6</script>"}],
    "escalation_criteria": [HIDDEN + "<b onmouseover=window.pwned=7>bold</b>"]}
POOL = """pool(evil, none, external, "", 0, "%s").
pool_at(evil, "%s").
pool_serves(evil, "tiny").
pool_engine(evil, llama, 4, 8192, f16).
"""

# Nothing of another origin, nothing that runs, no link but our own, and not a hidden character as it is.
INERT = r"""(() => {
  const found = [];
  if ('pwned' in window) found.push(`it ran: ${window.pwned}`);
  for (const one of document.querySelectorAll('script, img, iframe, object, embed, link, style, base, form[action], meta[http-equiv]')) {
    const at = one.src ?? one.href ?? one.action ?? '';
    if (one.localName === 'style' || (at && new URL(at, location).origin !== location.origin)) found.push(one.outerHTML.slice(0, 200));
    if (one.localName === 'script' && !one.src) found.push(one.outerHTML.slice(0, 200));
  }
  for (const one of document.querySelectorAll('a[href], area[href]'))
    if (!/^(#|\/)/.test(one.getAttribute('href')) && new URL(one.href).origin !== location.origin) found.push(one.outerHTML.slice(0, 200));
  for (const one of document.querySelectorAll('*'))
    for (const name of one.getAttributeNames()) if (/^on/.test(name)) found.push(one.outerHTML.slice(0, 200));
  const hidden = document.body.innerText.match(/[\u202a-\u202e\u2066-\u2069\u200b\ufeff\u{e0000}-\u{e007f}]/u);
  const around = hidden?.input.slice(Math.max(hidden.index - 30, 0), hidden.index + 30);
  if (hidden) found.push(`hidden character ${hidden[0].codePointAt(0).toString(16)}: ${around}`);
  const marks = document.body.innerText.match(/\p{M}{9,}/u);
  if (marks) found.push('marks stacked higher than eight');
  return found;
})()"""


def prolog(text):
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def look(tab, routes):
    for route in routes:
        tab.go(route)
        time.sleep(0.3)
        tab.wait("%s to be there" % route, "document.querySelector('main h1') && !document.querySelector('main .loading')")
        equal((route, tab.js(INERT)), (route, []))
        tab.run("for (const one of await page.locator('main details').all()) await one.evaluate((d) => { d.open = true; })")
        equal((route, tab.js(INERT)), (route, []))


@tap.test
def every_view_shows_what_comes_from_outside_as_text():
    label = 'sda",note="}} SYSTEM'
    with FakeExporter('smartmon_reallocated_sector_ct_raw_value{disk="%s"} 50\n' % label) as exporter, Fake(saying(RUNBOOK)) as engine:
        words = prolog((SCRIPT + MARKDOWN + HIDDEN)[:900])
        site = {"senses.pl": 'sense_source("x", "nas", exporter, "%s", 1).\nnode("evil", "192.0.2.1", "%s").\n' % (exporter.url, words) +
                             'person(mallory, "%s").\nperson_role(mallory, operator).\n' % words,
                "pools.pl": POOL % (words, engine.url)}
        with PageNode(site=site, args=["--llm", engine.url], settings=["judge.senses_tick_ms=300"]) as node, Browser() as browser:
            equal(node.intent("add test.local to 10.0.0.5")["status"], "success")
            evil = node.post("/api/v1/intent", {"nl": EVIL[:1900], "model": False})[1]
            assert evil["status"] in ("question", "not_understood"), evil
            case = node.intent("delete the record test.local")["case"]
            txt = node.propose("dns_record_add", name="txt.local", type="TXT", value=(SCRIPT + "[a](javascript:b)")[:200])[1]
            raised = wait_for("an alert", lambda: [e for e in node.entries() if e["kind"] == "alert_raised"])[0]["seq"]
            wait_for("a runbook", lambda: [e for e in node.entries() if e["kind"].startswith("runbook_")])
            node.post("/api/v1/alerts/%d/acknowledge" % raised, {"words": (SCRIPT + HIDDEN)[:200]})
            node.post("/api/v1/docs", {"source": "evil", "title": EVIL[:200], "text": EVIL})
            tab = node.open(browser, passkey="owner")
            routes = ["#/", "#/nodes/evil", "#/cases", "#/cases/" + case, "#/alerts", "#/alerts/%d" % raised, "#/models", "#/chat",
                      "#/ledger", "#/people", "#/ask?q=" + "%3Cscript%3Ewindow.pwned%3D8%3C/script%3E", "#/sign-in", "#/power", "#/swarm",
                      "#/nodes/%3Cimg%20src%3Dx%20onerror%3Dwindow.pwned%3D9%3E", "#/cases/..%2F..%2Fx", "#/%E2%80%AE"]
            routes += ["#/cases/" + txt["case"]] if txt.get("case") else []
            routes += ["#/ledger/%d" % entry["seq"] for entry in node.entries()[-8:]]
            look(tab, routes)
            tab.go("#/cases/" + case)
            tab.click("Read the plan and decide …")
            tab.says("SHA-256, computed in this browser")
            equal(tab.js(INERT), [])
            tab.still_good(ignore="404|400")
            equal([line for line in tab.asked() if "evil.example" in line], [])


@tap.test
def an_engine_that_writes_markup_and_a_line_of_a_megabyte_writes_text():
    answers = [EVIL, LONG, "```js\nwindow.pwned=10\n```\n" + MARKDOWN]

    def reply(request):
        text = answers[min(len(reply.seen), len(answers) - 1)]
        reply.seen.append(request)
        frames = [{"choices": [{"index": 0, "delta": {"role": "assistant", "content": text}}]},
                  {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}]
        body = "".join("data: %s\n\n" % json.dumps(dict(frame, id="x", object="chat.completion.chunk", created=1, model="tiny"))
                       for frame in frames) + "data: [DONE]\n\n"
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + body.encode()
    reply.seen = []
    with Fake(reply) as engine, PageNode(named=False, site={"pools.pl": POOL % ("an engine", engine.url)},) as node, Browser() as browser:
        wait_for("the table", lambda: node.get("/v1/capabilities")[1]["pools"])
        tab = node.open(browser)
        tab.go("#/chat")
        tab.wait("a model to choose", "document.body.innerText.includes('tiny')")
        for number in range(len(answers)):
            tab.run("await page.getByRole('main').getByRole('textbox').first().fill('say it')")
            tab.press("Enter")
            wait_for("the engine to be asked", lambda number=number: len(reply.seen) > number)
            tab.wait("the answer", "[...document.querySelectorAll('main button')].every((one) => one.hidden || one.innerText !== 'Stop')")
            equal((number, tab.js(INERT)), (number, []))
        begin = time.monotonic()
        tab.go("#/cases")
        tab.says("Cases")
        assert time.monotonic() - begin < 20, "the page is stuck"
        tab.still_good(ignore="ERR_|network|fetch")


@tap.test
def names_and_sentences_beyond_their_limits_are_refused_in_words():
    with PageNode(named=False) as node, Browser() as browser:
        tab = node.open(browser)
        tab.go("#/")
        tab.run("await page.locator('#ask').fill(args.text)", text=LONG)
        assert len(tab.run("return page.locator('#ask').inputValue()")) <= 2000
        said = tab.js("fetch('/api/v1/intent', {method: 'POST', headers: {'Content-Type': 'application/json'}, "
                      "body: JSON.stringify({nl: 'x'.repeat(1000000)})}).then((r) => r.status)")
        equal(said, 413)
        tab.go("#/enrol")
        tab.fill("Code", "<script>" + "A" * 100)
        tab.click("Create the passkey")
        equal(tab.js(INERT), [])
        tab.still_good(ignore="413|403|400")


if __name__ == "__main__":
    tap.run()
