# SPDX-License-Identifier: Apache-2.0
"""Who is at the page: a passkey is enrolled with a one-time code, confirmed on the node, signs in and signs; sessions end."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from browser import Browser  # noqa: E402
from node import Tap, equal, wait_for  # noqa: E402
from page_node import PageNode  # noqa: E402

tap = Tap()
SIGNED_IN = "fetch('/api/v1/session').then((r) => r.json())"


def ctl(node, *words, code=0):
    done = node.logicctl(*words)
    equal((done.returncode, done.stderr if done.returncode != code else ""), (code, ""))
    return done.stdout


@tap.test
def a_passkey_is_enrolled_at_the_page_confirmed_on_the_node_and_signs():
    with PageNode(people=()) as node, Browser() as browser:
        equal(node.intent("add test.local to 10.0.0.5")["status"], "success")
        case = node.intent("delete the record test.local")["case"]
        code = json.loads(ctl(node, "operator", "enroll", "owner", "--yes", "--json", code=4))["code"]
        tab = node.open(browser)
        tab.go("#/cases/" + case)
        tab.click("Read the plan and decide …")
        tab.says("Nobody who may sign this has a passkey yet.")
        tab.press("Escape")
        tab.go("#/enrol")
        tab.fill("Code", code.lower().replace("-", " "))
        tab.fill("Name of this device", "tablet in the kitchen")
        tab.click("Create the passkey")
        tab.says("Now compare")
        waiting = json.loads(ctl(node, "operator", "pending", "--json"))["enrolments"]
        equal([(one["person"], one["words"]) for one in waiting], [("owner", "tablet in the kitchen")])
        assert waiting[0]["key_id"] in "".join(tab.text("main").split()), "the page shows another key"
        equal(node.get("/api/v1/people")[1]["people"][0]["passkeys"], [])  # nothing yet
        ctl(node, "operator", "confirm", waiting[0]["enrolment"] if "enrolment" in waiting[0] else waiting[0]["id"], "--yes")
        wait_for("it to count", lambda: node.get("/api/v1/people")[1]["people"][0]["passkeys"])
        tab.go("#/sign-in")
        tab.click("Sign in with a passkey")
        tab.wait("to be signed in", "/The owner of this node/.test(document.body.innerText)")
        said = tab.js(SIGNED_IN)
        equal((said["principal"], said["role"], said["how"]), ("person:owner", "operator", "passkey"))
        tab.go("#/cases/" + case)
        tab.click("Read the plan and decide …")
        tab.click("Approve with passkey")
        tab.says("It was done.")
        equal(node.named.dig("test.local"), [])
        cookies = tab.run("return context.cookies()")
        equal([(c["name"], c["httpOnly"], c["secure"], c["sameSite"]) for c in cookies], [("logic_session", True, True, "Strict")])
        tab.still_good()
        node.verify_ledger()


@tap.test
def a_person_who_asked_cannot_sign_and_is_told_before():
    with PageNode() as node, Browser() as browser:
        equal(node.intent("add test.local to 10.0.0.5")["status"], "success")
        tab = node.open(browser, passkey="owner")
        tab.go("#/sign-in")
        tab.click("Sign in with a passkey")
        tab.wait("to be signed in", "/The owner of this node/.test(document.body.innerText)")
        tab.press("/")
        tab.run("await page.keyboard.type('delete the record test.local')")
        tab.says("another person must sign")
        tab.press("Enter")
        tab.press("Enter")
        tab.wait("what became of it", "/denied|nobody|another person/i.test(document.querySelector('.ask-panel, main').innerText)")
        equal(node.named.dig("test.local"), ["10.0.0.5"])
        equal([e for e in node.entries() if e["kind"] == "consent_given"], [])
        tab.still_good()


@tap.test
def a_session_ends_when_it_is_signed_out_ended_elsewhere_or_its_token_is_revoked():
    with PageNode(named=False) as node, Browser() as browser:
        token = ctl(node, "token", "create", "--name", "laptop", "--scopes", "api").split()[0]
        tabs = [node.open(browser) for _ in range(3)]
        for tab in tabs:
            tab.go("#/sign-in")
            tab.fill("Token", token)
            tab.press("Enter")
            tab.wait("to be signed in", "/laptop/.test(document.body.innerText)")
            equal(tab.js(SIGNED_IN)["principal"], "token:laptop")
        stolen = tabs[0].run("return context.cookies()")
        tabs[0].click("Sign out")
        tabs[0].wait("to be signed out", "/Sign in/.test(document.body.innerText)")
        tabs[0].run("await context.addCookies(args.cookies)", cookies=stolen)
        assert tabs[0].js(SIGNED_IN)["how"] in (None, "local"), "a cookie from before still counts"
        equal(len(node.get("/api/v1/sessions")[1]["sessions"]), 2)
        ctl(node, "token", "revoke", "laptop")
        for tab in tabs[1:]:
            wait_for("the session to end", lambda tab=tab: tab.js(SIGNED_IN)["how"] in (None, "local"))
        for tab in tabs:
            tab.still_good(ignore="EventSource|401")


if __name__ == "__main__":
    tap.run()
