# SPDX-License-Identifier: Apache-2.0
"""A person at the page: asks, reads how it is understood, reads the plan, signs with a passkey, and a real name server has changed.

The authenticator is Chromium's virtual one; everything behind the page is real.
"""
import base64
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from browser import Browser  # noqa: E402
from node import Tap, equal, wait_for  # noqa: E402
from page_node import PageNode  # noqa: E402

tap = Tap()
DELETE = "delete the record test.local"


def house(**more):
    """A node whose name server has the name that is then to be deleted."""
    node = PageNode(**more)
    equal(node.intent("add test.local to 10.0.0.5")["status"], "success")
    return node


def ask(tab, sentence):
    """Type it, wait for how it is understood, then say so again."""
    tab.press("/")
    tab.run("await page.keyboard.type(args.text)", text=sentence)
    tab.press("Enter")
    tab.wait("how it is understood", "document.querySelector('.ask-how')?.dataset.kind === 'understood'")


def send(tab):
    tab.press("Enter")


def waiting_case(node):
    return wait_for("a case that waits", lambda: [c["id"] for c in node.get("/api/v1/cases?status=awaiting_consent")[1]["cases"]])[0]


def open_consent(tab, case):
    tab.go("#/cases/" + case)
    tab.click("Read the plan and decide …")
    tab.says("SHA-256, computed in this browser")


def approve(tab):
    tab.click("Approve with passkey")


def status(node, case):
    return node.case(case)["status"]


@tap.test
def a_sentence_is_shown_as_understood_then_signed_and_the_name_server_has_changed():
    with house() as node, Browser() as browser:
        tab = node.open(browser, passkey="owner")
        tab.go()
        equal(node.named.dig("test.local"), ["10.0.0.5"])
        ask(tab, DELETE)
        said = tab.text(".ask-panel")
        assert "Delete" in said and "test.local" in said and "must sign" in said, said
        equal(len(node.get("/api/v1/cases")[1]["cases"]), 1)  # that of the fixture: nothing happened yet
        send(tab)
        tab.wait("the page of its case", "location.hash.startsWith('#/cases/')")
        case = waiting_case(node)
        tab.says("It waits for a signature")
        tab.click("Read the plan and decide …")
        tab.says("SHA-256, computed in this browser")
        view = node.case(case)
        shown = "".join(tab.text("dialog[open]").split())
        assert view["plan_sha256"] in shown, shown  # in groups of four
        assert view["plan"]["summary"].split()[0].lower() in shown.lower() and "test.local" in shown, shown
        equal(node.named.dig("test.local"), ["10.0.0.5"])
        approve(tab)
        tab.says("It was done.")
        equal(node.named.dig("test.local"), [])
        given = [entry for entry in node.entries() if entry["kind"] == "consent_given"]
        equal([(e["body"]["person"], e["body"]["key_id"]) for e in given], [("owner", node.passkeys["owner"].key_id)])
        client = json.loads(base64.urlsafe_b64decode(given[0]["body"]["passkey"]["client_data_json"] + "=="))
        equal((client["type"], client["origin"]), ("webauthn.get", node.page()))
        tab.still_good()
        node.verify_ledger()


@tap.test
def a_refusal_takes_a_reason_and_changes_nothing():
    with house() as node, Browser() as browser:
        tab = node.open(browser, passkey="owner")
        node.intent(DELETE)
        case = waiting_case(node)
        open_consent(tab, case)
        tab.click("Refuse …")
        send_it = "return page.getByRole('button', {name: 'Refuse with passkey'}).isDisabled()"
        equal(tab.run(send_it), True)  # no reason yet
        tab.fill("Why not?", "The name server needs its name.")
        equal(tab.run(send_it), False)
        tab.click("Refuse with passkey")
        tab.says("A person refused it")
        tab.says("The name server needs its name.")
        equal((status(node, case), node.named.dig("test.local")), ("refused", ["10.0.0.5"]))
        entry = [e for e in node.entries() if e["kind"] == "consent_refused"][0]
        equal((entry["body"]["person"], entry["body"]["reason"]), ("owner", "The name server needs its name."))
        tab.still_good()


@tap.test
def a_plan_that_expires_under_the_dialog_cannot_be_signed_any_more():
    with house(settings=["judge.consent_ms=8000"]) as node, Browser() as browser:
        tab = node.open(browser, passkey="owner")
        tab.go("#/cases")
        node.intent(DELETE)
        case = waiting_case(node)
        open_consent(tab, case)
        tab.says("The plan has expired meanwhile")
        equal(tab.run("return page.getByRole('button', {name: 'Approve with passkey'}).count()"), 0)
        wait_for("it to expire", lambda: status(node, case) == "expired")
        equal(node.named.dig("test.local"), ["10.0.0.5"])
        tab.still_good()


@tap.test
def somebody_without_user_verification_or_with_another_key_signs_nothing():
    with house() as node, Browser() as browser:
        tab = node.open(browser, passkey="owner")
        tab.run("await cdp.send('WebAuthn.setUserVerified', {authenticatorId: tab.authenticator, isUserVerified: false})")
        node.intent(DELETE)
        case = waiting_case(node)
        open_consent(tab, case)
        approve(tab)
        tab.says("Nothing was signed")
        stranger = node.open(browser)  # an authenticator without the owner's passkey
        open_consent(stranger, case)
        stranger.click("Approve with passkey")
        time.sleep(1)
        equal((status(node, case), node.named.dig("test.local")), ("awaiting_consent", ["10.0.0.5"]))
        tab.run("await cdp.send('WebAuthn.setUserVerified', {authenticatorId: tab.authenticator, isUserVerified: true})")
        approve(tab)
        tab.says("It was done.")
        tab.still_good()


@tap.test
def two_browsers_at_once_see_the_same_and_one_signature_counts():
    with house() as node, Browser() as browser:
        one, two = node.open(browser, passkey="owner"), node.open(browser, passkey="owner", width=390, height=844, scheme="dark")
        one.go("#/cases")
        two.go("#/cases")
        node.intent(DELETE)
        for tab in (one, two):
            tab.says("waits for a signature")
        case = waiting_case(node)
        open_consent(one, case)
        open_consent(two, case)
        approve(one)
        one.says("It was done.")
        two.says("It was decided meanwhile")
        equal(two.run("return page.getByRole('button', {name: 'Approve with passkey'}).count()"), 0)
        equal(len([e for e in node.entries() if e["kind"] == "consent_given"]), 1)
        one.still_good()
        two.still_good()


@tap.test
def a_node_that_restarts_under_the_page_is_said_and_nothing_is_lost():
    with house() as node, Browser() as browser:
        tab = node.open(browser, passkey="owner")
        tab.go("#/cases")
        tab.says("add test.local to 10.0.0.5")
        tab.wait("the stream", "document.body.innerText.includes('Live')")
        node.kill()
        tab.says("The node does not answer")
        node.start()
        tab.wait("the stream to be back", "!document.body.innerText.includes('does not answer')")
        node.intent(DELETE)
        tab.says("waits for a signature")
        os.kill(node.pid("gateway"), signal.SIGKILL)
        wait_for("the gateway to be back", lambda: reachable(node))
        node.intent("list all nodes")
        tab.says("list all nodes")
        case = waiting_case(node)
        open_consent(tab, case)
        approve(tab)
        tab.says("It was done.")
        tab.still_good(ignore="ERR_|Failed to fetch|does not answer|EventSource")


@tap.test
def a_page_that_finds_no_node_comes_back_by_itself():
    with PageNode(named=False) as node, Browser() as browser:
        tab = node.open(browser)
        tab.go("#/")
        tab.says("Live")
        node.kill()
        tab.says("The node does not answer")
        tab.run("await page.evaluate(`location.hash = '#/people'`)")  # a view that was never loaded
        tab.wait("it to say so", "/could not be|not there|does not answer/.test(document.querySelector('main').innerText)")
        node.start()
        tab.says("The owner of this node")
        tab.run("await page.route('**/api/v1/session', (route) => route.abort())")  # as if it were just starting
        tab.reload()
        tab.says("The page is here, the node behind it is not.")
        tab.run("await page.unroute('**/api/v1/session')")
        tab.says("The owner of this node")


def reachable(node):
    try:
        return node.get("/readyz")[0] == 200
    except OSError:
        return False


@tap.test
def a_viewer_looks_and_neither_asks_nor_signs():
    with house() as node, Browser() as browser:
        made = node.logicctl("token", "create", "--name", "tablet", "--scopes", "view")
        equal(made.returncode, 0)
        token = made.stdout.split()[0]
        node.intent(DELETE)
        case = waiting_case(node)
        tab = node.open(browser, passkey="owner")
        tab.go("#/sign-in")
        tab.fill("Token", token)
        tab.press("Enter")
        tab.says("You may look, not change.")
        tab.go("#/")
        tab.says("Who signed in here may not see the nodes")
        tab.says('token_role("tablet", viewer).')
        node.write_site("tablet.pl", 'token_role("tablet", viewer).\n')
        equal(node.post("/api/v1/kb/reload", None)[0], 200)
        tab.wait("the nodes of a viewer", "document.querySelectorAll('.node-card').length > 0")
        tab.go("#/models")
        tab.says("No models yet")  # of models and of the queue it sees what there is
        tab.go("#/cases/" + case)
        tab.says("It waits for a signature")
        assert tab.run("return page.getByRole('button', {name: /Approve|Refuse/}).count()") == 0
        wrong = tab.js("fetch('/api/v1/intent', {method: 'POST', headers: {'Content-Type': 'application/json'}, "
                       "body: JSON.stringify({nl: 'list all nodes'})}).then((r) => r.json())")
        assert wrong["error"]["code"] in ("viewer", "csrf"), wrong
        equal(status(node, case), "awaiting_consent")
        assert token not in tab.js("document.cookie + JSON.stringify({...localStorage}) + JSON.stringify({...sessionStorage})")
        tab.still_good()


if __name__ == "__main__":
    tap.run()
