# SPDX-License-Identifier: Apache-2.0
"""Debian's Chromium, driven by playwright-core (npm: tests/browser/package-lock.json, installed into build/browser).

    with Browser() as browser:
        tab = browser.tab(node.page(), width=390, height=844, scheme="dark", passkeys=True)
        tab.go("#/cases")
        tab.click("Approve")                                    # a button or link by its accessible name
        tab.wait("the name is there", "document.body.innerText.includes(args.name)", name="nas.local")
        rows = tab.run("return page.locator('tr').count()")     # anything Playwright can do: an async body with page, context, cdp, args
        tab.still_good()                                        # no error, no CSP violation, nothing asked of another machine

A tab gathers what no page of ours may do: uncaught errors, console errors (a violation of the policy is one), dialogs, crashes.
"""
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
import npm_libraries  # noqa: E402
from debian_root import unavailable  # noqa: E402
from node import PATIENCE_S, ROOT  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
FROM, TO = os.path.join(ROOT, "tests/browser"), os.path.join(ROOT, "build/browser")
NODE_MIN = 18


# Playwright's waitForFunction is no good here: where it polls, it evaluates text in the page, which our policy forbids.
WAIT = """
const end = Date.now() + args.ms;
for (let last = '';;) {
  try {
    const value = await page.evaluate(`((args) => (${args.text}))(${JSON.stringify(args.more)})`);
    if (value) return value;
  } catch (error) {
    last = String(error.message); // a page that is on its way to another
  }
  if (Date.now() > end) throw new Error(`not within ${args.ms} ms ${last}`);
  await new Promise((done) => setTimeout(done, 50));
}
"""


AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


class PageError(AssertionError):
    """What the page, or Playwright, said."""


def installed():
    """The folder with node_modules/playwright-core; Skip (with LN_ROOTS=must: an error) where it cannot be had."""
    for program in ("node", "chromium"):
        if not shutil.which(program):
            unavailable("no %s: apt-get install %s" % (program, program))
    with npm_libraries.locked(TO):
        try:
            npm_libraries.make(FROM, TO)
        except npm_libraries.Unavailable as why:
            unavailable(str(why))
    return TO


class Browser:
    def __init__(self, args=()):
        env = dict(os.environ, MODULES=installed(), CHROMIUM=shutil.which("chromium"), ARGS=json.dumps(list(args)))
        for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            env.pop(proxy, None)
        self.lock, self.count, self.tabs = threading.Lock(), 0, []
        self.process = subprocess.Popen([shutil.which("node"), os.path.join(HERE, "browser.mjs")], env=env, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if json.loads(self.process.stdout.readline() or "{}") != {"ready": True}:
            raise PageError("chromium did not start")

    @functools.cache
    def axe(self):
        return open(os.path.join(installed(), "node_modules/axe-core/axe.min.js"), encoding="utf-8").read()

    def ask(self, **what):
        with self.lock:
            self.count += 1
            self.process.stdin.write(json.dumps(dict(what, id=self.count)) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        if not line:
            raise PageError("the browser ended")
        said = json.loads(line)
        if "error" in said:
            raise PageError(said["error"])
        return said["value"]

    def tab(self, url, width=1280, height=900, scheme="light", passkeys=False, **options):
        """A browser of its own: its cookies and storage are no other tab's. `options`: of Playwright's newContext."""
        tab = Tab(self, url.rstrip("/"), "tab%d" % len(self.tabs))
        self.ask(open={"name": tab.name, "passkeys": passkeys, "options": dict(
            viewport={"width": width, "height": height}, colorScheme=scheme, locale="en-GB", timezoneId="UTC", **options)})
        self.tabs.append(tab)
        return tab

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Tab:
    def __init__(self, browser, url, name):
        self.browser, self.url, self.name = browser, url, name

    def run(self, body, **args):
        return self.browser.ask(tab=self.name, run=body, args=args)

    def go(self, route=""):
        """A route such as #/cases, as a link of the page would go there; the first loads the page."""
        self.run("await page.goto(args.url, {waitUntil: 'load', timeout: args.ms})", url=self.url + "/" + route, ms=PATIENCE_S * 1000)

    def reload(self):
        self.run("await page.reload({timeout: args.ms})", ms=PATIENCE_S * 1000)

    def js(self, expression, **args):
        """An expression, or an async one, in the page itself."""
        return self.run("return page.evaluate(`(async (args) => (${args.text}))(${JSON.stringify(args.more)})`)", text=expression,
                        more=args)

    def wait(self, what, expression, patience_s=PATIENCE_S, **args):
        """Until the expression is true in the page; its value. Polled from outside: the page's policy lets nothing be evaluated in it."""
        try:
            return self.run("""
                const end = Date.now() + args.ms;
                for (;;) {
                  const value = await page.evaluate(`((args) => (${args.text}))(${JSON.stringify(args.more)})`).catch((error) => {
                    if (!/context was destroyed|navigation/i.test(error.message)) throw error; });
                  if (value) return value;
                  if (Date.now() > end) throw new Error('it did not come true');
                  await new Promise((resolve) => setTimeout(resolve, 50));
                }""", text=expression, more=args, ms=patience_s * 1000)
        except PageError as why:
            raise PageError("waited for: %s\n%s\nthe page says:\n%s" % (what, why, self.text()[:1500])) from None

    def says(self, text, patience_s=PATIENCE_S):
        return self.wait("the page to say '%s'" % text, "document.body.innerText.includes(args.words)", patience_s, words=text)

    def text(self, selector="body"):
        return self.run("return page.locator(args.selector).first().innerText()", selector=selector)

    def click(self, name, role="button", within="body", **more):
        self.run("const one = page.locator(args.within).getByRole(args.role, {name: args.name, ...args.more}).first(); "
                 "await one.click({timeout: args.ms})", name=name, role=role, within=within, more=more, ms=PATIENCE_S * 1000)

    def fill(self, label, text):
        self.run("await page.getByLabel(args.label).first().fill(args.text, {timeout: args.ms})", label=label, text=text,
                 ms=PATIENCE_S * 1000)

    def press(self, keys):
        self.run("await page.keyboard.press(args.keys)", keys=keys)

    def offline(self, off=True):
        self.run("await context.setOffline(args.off)", off=off)

    def screenshot(self, path, whole=True):
        self.run("await page.screenshot({path: args.path, fullPage: args.whole, animations: 'disabled'})", path=path, whole=whole)

    def barriers(self):
        """What axe-core holds against the page as it is: WCAG 2.2 A and AA, one line each."""
        if not self.js("typeof axe === 'object'"):  # by the inspector: the page's policy lets nobody else
            self.run("await cdp.send('Runtime.evaluate', {expression: args.axe})", axe=self.browser.axe())
        return self.js("""axe.run(document, {runOnly: args.rules, resultTypes: ['violations']}).then((all) => all.violations.flatMap(
            (one) => one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 160)} · ${node.any[0]?.message ?? one.help}`)))""",
                       rules=AXE_RULES)

    def faults(self):
        return self.run("return tab.faults")

    def asked(self):
        """METHOD URL of every request of this tab."""
        return self.run("return tab.sent")

    def still_good(self, ignore=None):
        """Nothing went wrong in the page, and it asked nobody but its node."""
        wrong = [line for line in self.faults() if not (ignore and re.search(ignore, line))]
        assert not wrong, "\n".join(wrong)
        other = [line for line in self.asked() if not re.match(r"[A-Z]+ (%s/|blob:|data:)" % re.escape(self.url), line)]
        assert not other, other
