# SPDX-License-Identifier: Apache-2.0
"""What each view is there to show, of a house that is lived in (views.py): why a case is judged as it is, what fits where, which facts
a model was told."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from browser import Browser  # noqa: E402
from fake_agent import little_model  # noqa: E402
from node import Tap, equal  # noqa: E402
from views import LivedIn  # noqa: E402

tap = Tap()
NANO = 'pool(nano, tower, cuda, "1", 1, "a very small GPU").\npool_serves(nano, any).\npool_engine(nano, llama, 1, 8192, f16).\n'


def folded_out(tab, summary):
    tab.run("await page.locator('summary', {hasText: args.text}).first().click()", text=summary)


def a_case_says_why_and_what_would_change_it(lived, tab):
    tab.go(lived.routes()["case-denied"])
    tab.says("The rules said no; nothing was changed.")
    said = tab.text("main")
    for words in ("“change none.local to 10.0.0.1”", "read by the grammar", "dns_record_change", "It would be permitted if",
                  "Judged: denied"):
        assert words in said, (words, said)
    folded_out(tab, "Why")
    assert tab.wait("the proof as a tree", "document.querySelectorAll('.proof-line').length >= 2")
    tab.go("#/cases/" + lived.waits)
    tab.says("It waits for a signature")
    said = tab.text("main")
    for words in ("The owner of this node may sign", "1 would change", "0 could not be looked at", "Must still be true when it is done",
                  "test.local 300 IN A 192.168.1.100", "removed:", "Plan made"):
        assert words in said, (words, said)
    numbers = tab.js("[...document.querySelectorAll('main a[href^=\"#/ledger/\"]')].map((one) => Number(one.textContent.slice(1)))")
    entries = [e["seq"] for e in lived.node.entries() if e.get("case") == lived.waits]
    equal(numbers, entries)


def the_catalogue_says_what_fits_where(node, tab):
    folder = node.home + "/models"
    os.makedirs(folder, exist_ok=True)
    little_model(folder + "/tiny.gguf")
    said = node.logicctl("model", "add", folder + "/tiny.gguf", "--name", "tiny", "--models-dir", folder)
    equal(said.returncode, 0)
    node.write_site("nano.pl", NANO)
    equal(node.logicctl("kb", "reload").returncode, 0)
    tab.go("#/models")
    row = "[...document.querySelectorAll('main tbody tr')].find((one) => one.textContent.includes('tiny'))?.innerText"
    told = tab.wait("where it fits", "(%s ?? '').includes('nano') && %s" % (row, row))
    assert "needed, 1 MiB there" in told and "gpu0" in told and ("MiB" in told or "KiB" in told), told


def a_chat_lists_the_facts_it_was_told(node, tab):
    tab.go("#/chat")
    tab.says("Talk with a model of this house")
    tab.run("await page.getByLabel('Model', {exact: true}).selectOption('qwen2.5-coder'); await page.locator('textarea').fill(args.text);",
            text="how is node nas? words 3")
    tab.run("await page.locator('textarea').press('Enter')")
    tab.wait("the facts", "/facts? (was|were) given to it/.test(document.body.innerText)")
    tab.run("await page.locator('.chat-grounding summary').first().click()")
    facts = tab.text(".chat-grounding")
    assert "nas" in facts and "97" in facts, facts
    tab.run("await page.getByRole('checkbox').uncheck(); await page.locator('textarea').fill('how is node nas? words 4');")
    tab.run("await page.locator('textarea').press('Enter')")
    tab.wait("a second answer", "document.querySelectorAll('.turn').length === 4 && document.body.innerText.includes('w0 w1 w2 w3')")
    equal(tab.js("document.querySelectorAll('.chat-grounding').length"), 1)  # told only where it was wished for
    tab.go("#/models")
    usage = tab.wait("who used what", "document.querySelector('[aria-labelledby=usage] tbody')?.innerText")
    assert "qwen2.5-coder" in usage and "2" in usage, usage


@tap.test
def each_view_shows_what_it_is_there_for():
    lived = LivedIn()
    with lived as node, Browser() as browser:
        tab = node.open(browser, passkey="owner")
        tab.go()
        a_case_says_why_and_what_would_change_it(lived, tab)
        the_catalogue_says_what_fits_where(node, tab)
        a_chat_lists_the_facts_it_was_told(node, tab)
        for route in lived.routes().values():  # the ask bar stands on every page
            tab.go(route)
            assert tab.wait("the ask bar", "document.querySelector('#ask')?.offsetParent !== null")
        tab.still_good(ignore="404")


if __name__ == "__main__":
    tap.run()
