# SPDX-License-Identifier: Apache-2.0
"""What the consent dialog and the pages of cases and people do where something is not as it should be: other bytes than the case names,
a browser without the passkey's origin, hostile text, a person with nothing but a keyboard."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from browser import Browser  # noqa: E402
from fake_receiver import FakeReceiver  # noqa: E402
from node import Tap, equal, wait_for  # noqa: E402
from page_node import PageNode  # noqa: E402

tap = Tap()
OPEN = "Read the plan and decide …"
EVIL = ("<img src=x onerror=alert(1)>\u202egnp.exe **bold** [link](https://evil.example) "
        "a\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308")

# The plan of a tier that no action of the demo has: the page gets another plan and its hash; the judge refuses what is signed over it.
DESTRUCTIVE = """
const {createHash} = await import('node:crypto');
const other = (text) => text.replace('"tier":"risky"', '"tier":"destructive"');
await page.route('**/plan', async (r) => { const a = await r.fetch(); await r.fulfill({response: a, body: other(await a.text())}); });
await page.route(/api.v1.cases.01[0-9A-Z]+$/, async (r) => {
  const a = await r.fetch(), view = await a.json(), plan = await page.request.get(r.request().url() + '/plan');
  view.plan_sha256 = createHash('sha256').update(other(await plan.text())).digest('hex');
  await r.fulfill({response: a, body: JSON.stringify(view)});
});
"""
MANY = """
const row = (n) => { const at = new Date(1790000000000 + n * 1000).toISOString(); return {
  id: '01A' + String(n).padStart(23, '0'), state: n % 5 ? 'done' : 'denied', status: 'x', action: 'dns_record_add',
  params: {name: 'host' + n}, by: {principal: 'person:owner', via: 'grammar'}, nl: 'add host' + n, opened_at: at, updated_at: at,
  verdict: {words: 'w' + n}, summary: null}; };
await page.route(/api.v1.cases\\?/, async (r) => {
  const asked = new URL(r.request().url()).searchParams, cases = [];
  const top = asked.get('before') ? Number(asked.get('before').slice(3)) : 5001;
  for (let n = top - 1; n > 0 && cases.length < Number(asked.get('limit')) && !asked.get('status'); n--) cases.push(row(n));
  await r.fulfill({json: {cases}});
});
"""


def waiting_case(node, name="a.local"):
    equal(node.intent("add %s to 10.0.0.1" % name)["status"], "success")
    answer = node.intent("delete %s" % name)
    equal(answer["status"], "awaiting_consent")
    return answer["case"]


def open_consent(tab, case, says="SHA-256, computed in this browser"):
    tab.go("#/cases/" + case)
    tab.click(OPEN)
    tab.says(says)


def count(tab, role, name):
    return tab.run("return page.getByRole(args.role, {name: args.name}).count()", role=role, name=name)


@tap.test
def other_bytes_than_the_case_names_are_not_drawn_and_not_signed():
    with PageNode() as node, Browser() as browser:
        case = waiting_case(node)
        tab = node.open(browser, passkey="owner")
        tab.run("await page.route('**/plan', async (r) => { const a = await r.fetch();"
                " await r.fulfill({response: a, body: (await a.text()).replaceAll('a.local', 'b.local')}); })")
        open_consent(tab, case, "Do not sign.")
        assert "b.local" not in tab.text("dialog"), tab.text("dialog")
        equal((count(tab, "button", "Approve with passkey"), count(tab, "button", "Refuse …")), (0, 0))
        tab.run("await page.unroute('**/plan')")
        tab.click("Try again", within="dialog")
        tab.says("SHA-256, computed in this browser")
        tab.click("Approve with passkey")
        tab.says("It was done.")
        equal(node.named.dig("a.local"), [])
        tab.still_good()


@tap.test
def a_plan_that_could_be_read_in_two_ways_is_not_drawn():
    with PageNode() as node, Browser() as browser:
        case = waiting_case(node)
        tab = node.open(browser, passkey="owner")
        tab.run(DESTRUCTIVE.replace("""'"tier":"risky"', '"tier":"destructive"'""",
                                    """'"summary":', '"summary":"only looks","summary":'"""))
        open_consent(tab, case, "cannot be read in one single way")
        equal(count(tab, "button", "Approve with passkey"), 0)
        tab.still_good()


@tap.test
def what_is_destructive_must_be_held_or_typed():
    with PageNode() as node, Browser() as browser:
        case = waiting_case(node)
        tab = node.open(browser, passkey="owner")
        tab.run(DESTRUCTIVE)
        open_consent(tab, case)
        tab.says("This is destructive.")
        tab.click("Hold to approve")  # a press is not enough
        tab.wait("the hint", "document.querySelector('.hold-box').textContent.includes('too soon')")
        go = "return page.getByRole('button', {name: 'Approve with passkey'}).isDisabled()"
        equal(tab.run(go), True)
        tab.fill("Or type a.local here", "a.loca")
        equal(tab.run(go), True)
        tab.fill("Or type a.local here", "a.local")
        equal(tab.run(go), False)
        tab.run("await page.getByRole('button', {name: 'Hold to approve'}).focus();"
                "await page.keyboard.down('Space'); await page.waitForTimeout(2500); await page.keyboard.up('Space')")
        tab.says("what was signed is not this plan")  # it went to the judge, which knows the true one
        equal(node.case(case)["status"], "awaiting_consent")
        tab.still_good()


@tap.test
def who_cannot_sign_here_is_told_why_and_what_to_do():
    with PageNode(people=()) as node, Browser() as browser:  # nobody has a passkey
        tab = node.open(browser)
        open_consent(tab, waiting_case(node))
        tab.says("logicctl operator enroll owner")
        tab.says("logicctl approve")
        equal(count(tab, "button", "Approve with passkey"), 0)
    with PageNode() as node, Browser() as browser:
        case = waiting_case(node)
        tab = browser.tab("http://127.0.0.1:%d" % node.port, passkeys=True)
        open_consent(tab, case)
        tab.says("Open this page at " + node.page())
        equal(count(tab, "button", "Approve with passkey"), 0)
        tab.still_good()


@tap.test
def the_keyboard_is_enough_and_stays_in_the_dialog():
    with PageNode() as node, Browser() as browser:
        case = waiting_case(node)
        tab = node.open(browser, passkey="owner", width=390, height=844)
        tab.go("#/cases")
        tab.wait("the list", "document.querySelector('.case-row')")
        tab.press("j")
        equal(tab.js("document.activeElement.getAttribute('href')"), "#/cases/" + case)
        tab.press("Enter")
        tab.says("It waits for a signature")
        tab.run("await page.getByRole('button', {name: args.name}).focus()", name=OPEN)
        tab.press("Enter")
        tab.says("SHA-256, computed in this browser")
        for key in ["Tab"] * 12 + ["Shift+Tab"] * 14:
            tab.press(key)
            equal(tab.js("Boolean(document.activeElement.closest('dialog'))"), True)
        tab.press("Escape")
        tab.wait("it to close", "!document.querySelector('dialog[open]')")
        equal(tab.js("document.activeElement.textContent"), OPEN)
        equal(node.case(case)["status"], "awaiting_consent")
        tab.still_good()


@tap.test
def the_newest_5000_cases_are_a_list_of_which_only_a_screen_is_drawn():
    with PageNode() as node, Browser() as browser:
        tab = node.open(browser)
        tab.run(MANY)
        tab.go("#/cases")
        tab.says("add host5000")
        tab.run("for (let i = 0; i < 2000 && !(await page.locator('.case-foot').innerText()).includes('That is all'); i++)"
                " { await page.evaluate(() => scrollTo(0, 1e9)); await page.waitForTimeout(20); }")
        tab.says("add host1")
        assert tab.js("document.querySelectorAll('.case-row').length") < 60
        tab.run("await page.evaluate(() => scrollTo(0, 0))")
        tab.fill("Search the cases", "host4321")
        tab.says("1 case")
        equal(tab.js("[...document.querySelectorAll('.case-said')].map((n) => n.textContent).join()"), "“add host4321”")
        tab.fill("Search the cases", "")
        tab.click("Not done", role="link")
        tab.wait("only those", "[...document.querySelectorAll('.case-status')].every((n) => n.textContent.includes('denied'))")
        node.intent("add b.local to 10.0.0.1")
        tab.click("All", role="link")
        tab.says("add b.local")  # what is new stands on top of it
        equal(tab.js("document.querySelector('.case-said').textContent"), "“add b.local to 10.0.0.1”")
        tab.still_good()


@tap.test
def hostile_text_is_shown_inert_in_the_list_the_case_and_the_dialog():
    with PageNode() as node, Browser() as browser:
        status, answer = node.post("/api/v1/proposals", {"action": "dns_record_add", "params": {
            "name": "evil.local", "type": "TXT", "value": json.dumps("<b onclick=alert(1)>x</b><script>alert(2)</script>")}})
        equal((status, answer["status"]), (200, "success"))
        case = node.intent("delete evil.local")["case"]
        node.intent(EVIL)
        tab = node.open(browser, passkey="owner")
        for route in ("#/cases", "#/cases/" + answer["case"]):
            tab.go(route)
            tab.says("evil.local")
        open_consent(tab, case)
        tab.says("<script>alert(2)</script>")
        tab.click("Refuse …")
        tab.fill("Why not?", EVIL)
        tab.click("Refuse with passkey")
        tab.says("A person refused it")
        tab.says("\\u{202e}gnp.exe **bold** [link](https://evil.example)")
        equal(tab.js("document.querySelectorAll('main img, main b, main script, main a[href^=http]').length"), 0)
        tab.go("#/cases")
        tab.says("refused")
        tab.still_good()


@tap.test
def what_was_done_can_be_proposed_back_as_a_case_of_its_own():
    with PageNode() as node, Browser() as browser:
        case = waiting_case(node)
        equal(node.consent(case)[1]["status"], "success")
        tab = node.open(browser)
        tab.go("#/cases/" + case)
        tab.click("Propose it …")
        tab.says("Propose this now?")
        equal(node.named.dig("a.local"), [])  # nothing was proposed yet
        tab.click("Propose", within="dialog", exact=True)
        tab.wait("the new case", "location.hash !== args.old", old="#/cases/" + case)
        wait_for("it to be there again", lambda: node.named.dig("a.local") == ["10.0.0.1"])
        tab.says("It was done.")
        tab.still_good()


@tap.test
def a_node_that_does_not_answer_has_not_taken_the_signature_and_it_is_said():
    with PageNode() as node, Browser() as browser:
        case = waiting_case(node)
        tab = node.open(browser, passkey="owner")
        tab.run("await page.route('**/consent', (r) => r.abort())")
        open_consent(tab, case)
        tab.click("Approve with passkey")
        tab.says("Nothing is signed as long as it does not say so")
        equal(node.case(case)["status"], "awaiting_consent")
        tab.run("await page.unroute('**/consent')")
        tab.click("Approve with passkey")
        tab.says("It was done.")
        tab.still_good()


@tap.test
def two_people_sign_one_after_the_other_and_each_sees_the_other():
    alice = 'person(alice, "Alice").\nperson_role(alice, operator).\nmay_approve(alice, destructive).\n'
    with PageNode(people=("owner", "alice"), site={"alice.pl": alice}, start=False) as node, Browser() as browser:
        policy = open(os.path.join(node.home, "site/policy.pl")).read()
        two = policy.replace("grant(operator, dns_record_delete, any,                              signatures(1))",
                             "grant(operator, dns_record_delete, any, signatures(2))")
        assert two != policy
        node.write_site("policy.pl", two)
        node.start()
        case = waiting_case(node)
        one, other = node.open(browser, passkey="owner"), node.open(browser, passkey="alice")
        open_consent(other, case)
        open_consent(one, case)
        one.click("Approve with passkey")
        one.says("The owner of this node has signed")
        one.says("2 signatures of different people are needed; 1 given.")
        one.click(OPEN)
        one.says("SHA-256, computed in this browser")
        one.click("Approve with passkey")  # the same key is not among those that are asked for any more
        one.says("Nothing was signed")
        other.click("Approve with passkey")
        for tab in (one, other):
            tab.wait("it to be done", "document.querySelector('.outcome')?.textContent === 'It was done.'")
            tab.still_good()
        equal(node.named.dig("a.local"), [])


@tap.test
def who_is_told_outside_is_shown_and_tried_out():
    with FakeReceiver() as receiver:
        site = ('notify_channel(good, webhook, "%s").\nnotify_channel(bad, ntfy, "http://127.0.0.1:9/topic").\n'
                "notify_about(good, consent).\nnotify_about(bad, node).\n" % receiver.url())
        with PageNode(site={"notify.pl": site}) as node, Browser() as browser:
            tab = node.open(browser)
            tab.go("#/people")
            tab.click("Send a test to good")
            tab.says("It was taken.")
            tab.click("Send a test to bad")
            tab.says("cannot be reached")
            tab.says("the last one failed")
            waiting_case(node)
            tab.wait("it to be told", "document.body.innerText.includes('2 sent')")  # without asking anew
            tab.says("It was taken.")
            tab.still_good()


@tap.test
def a_hidden_page_tells_of_what_waits_if_somebody_wanted_that_and_names_nothing():
    with PageNode() as node, Browser() as browser:
        tab = node.open(browser, permissions=["notifications"])
        tab.run("await page.addInitScript(() => { window.told = []; window.Notification = class {"
                " constructor(title, options) { window.told.push([options.body, options.tag]); } addEventListener() {}"
                " static get permission() { return 'granted'; } static async requestPermission() { return 'granted'; } }; })")
        tab.go("#/people")
        tab.says("They are off.")
        tab.js("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true}) && 1")
        waiting_case(node)
        tab.wait("the page to know", "document.title.startsWith('(1)')")
        equal(tab.js("window.told"), [])  # nobody wanted it
        tab.js("delete document.hidden")
        tab.run("await page.getByLabel('Tell me when a case waits').check()")
        tab.says("They are on")
        tab.reload()
        tab.says("They are on")
        tab.wait("the stream", "document.querySelector('.live').dataset.state === 'live'")
        tab.js("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true}) && 1")
        case = waiting_case(node, "b.local")
        tab.wait("the notification", "window.told.length")
        equal(tab.js("window.told"), [["A case waits for a signature.", "case-" + case]])
        tab.still_good()


@tap.test
def nothing_is_wider_than_a_small_phone():
    with PageNode(site={"notify.pl": 'notify_channel(phone, ntfy, "http://127.0.0.1:9/a-rather-long-topic-of-somebody").\n'
                                     "notify_about(phone, consent).\n"}) as node, Browser() as browser:
        case, done = waiting_case(node), waiting_case(node, "a-name-that-is-rather-long-for-a-phone.b.c.home.arpa")
        node.consent(done)
        denied = node.intent("delete zone local")["case"]
        tab = node.open(browser, passkey="owner", width=360, height=740)
        wide = "document.documentElement.scrollWidth > innerWidth"
        for route in ("#/cases", "#/cases/" + case, "#/cases/" + done, "#/cases/" + denied, "#/people", "#/sign-in", "#/enrol"):
            tab.go(route)
            tab.wait("the view", "document.querySelector('main h1') && !document.querySelector('main .loading')")
            tab.run("await page.evaluate(() => { for (const fold of document.querySelectorAll('details')) fold.open = true; })")
            equal((route, tab.js(wide)), (route, False))
        open_consent(tab, case)
        equal(tab.js("document.querySelector('.dialog-body').scrollWidth > document.querySelector('.dialog-body').clientWidth"), False)
        tab.still_good()


@tap.test
def a_session_is_ended_from_another_browser():
    with PageNode() as node, Browser() as browser:
        one, two = node.open(browser, passkey="owner"), node.open(browser, passkey="owner")
        for tab in (one, two):
            tab.go("#/sign-in")
            tab.click("Sign in with a passkey")
            tab.wait("it to be signed in", "location.hash === '#/'")
        one.go("#/people")
        one.says("this browser")
        equal(len(node.get("/api/v1/sessions")[1]["sessions"]), 2)
        one.click("End the session of", within=".session")
        one.says("End it now?")  # not at one press
        equal(len(node.get("/api/v1/sessions")[1]["sessions"]), 2)
        one.click("End the session of", within=".session")
        wait_for("the other one to end", lambda: len(node.get("/api/v1/sessions")[1]["sessions"]) == 1)
        equal(one.js("fetch('/api/v1/session').then((r) => r.json()).then((s) => s.how)"), "passkey")
        equal(two.js("fetch('/api/v1/session').then((r) => r.json()).then((s) => s.how)"), "local")
        one.click("Sign out", within="main")
        wait_for("it to end too", lambda: not node.get("/api/v1/sessions")[1]["sessions"])
        one.still_good()


if __name__ == "__main__":
    tap.run()
