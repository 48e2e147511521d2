# SPDX-License-Identifier: Apache-2.0
"""A sleeping machine wakes under the page, stage by stage, because somebody chats: real packet, agent, llama-server (sleeping_house.py)."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
from browser import Browser, installed  # noqa: E402
from node import Tap, equal, wait_for  # noqa: E402
from page_node import PageNode  # noqa: E402
from sleeper import own_network  # noqa: E402
from sleeping_house import SleepingHouse  # noqa: E402

tap = Tap()


# What the page says of the machine from now on, each word once, in order.
LISTEN = """(() => {
  const seen = window.seenStates = [];
  const look = () => {
    const card = [...document.querySelectorAll('article, li, .card')].find((one) => one.innerText?.includes('tower'));
    const word = card?.querySelector('.badge, .state')?.innerText.trim();
    if (word && seen.at(-1) !== word) seen.push(word);
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true});
  look();
  return true;
})()"""


@tap.test
def a_chat_wakes_the_machine_and_the_house_shows_each_stage():
    with SleepingHouse(["gateway.idle_unload_ms=4000", "gateway.idle_sleep_ms=1000", "gateway.stream_pause_ms=100"], boot_s=2,
                       make_node=PageNode) as house, Browser() as browser:
        watcher = house.node.open(browser)
        watcher.go("#/")
        watcher.says("tower")
        watcher.js(LISTEN)
        chat = house.node.open(browser, width=390, height=844, scheme="dark")
        chat.go("#/chat")
        chat.wait("a model to choose", "document.body.innerText.includes('tiny')")
        chat.run("await page.getByRole('main').getByRole('textbox').first().fill('hello there')")
        chat.press("Enter")
        chat.wait("a sign of life while it wakes", r"/waking|boot|wake|loading|start/i.test(document.querySelector('main').innerText)")
        chat.wait("an answer", "[...document.querySelectorAll('main .message, main article, main li')].length >= 2 && "
                  "!document.querySelector('main [aria-busy=\"true\"]') && /tok|s\\b/.test(document.querySelector('main').innerText)")
        wait_for("the machine to have served", lambda: house.stages().get("pool_load"))
        house.sleeper.wait("off", 60)
        watcher.wait("the house to show that it sleeps", "/asleep/.test(window.seenStates.at(-1))")
        seen = " ".join(watcher.js("window.seenStates"))
        print("# the house said: %s" % seen)
        for word in ("waking", "loading", "asleep"):
            assert word in seen, (word, seen)
        assert house.sleeper.right_packets(), "no magic packet"
        equal({action: len(house.cases(action)) for action in ("host_wake", "pool_load")}, {"host_wake": 1, "pool_load": 1})
        watcher.still_good()
        chat.still_good()


@tap.test
def stopping_an_answer_really_cancels_it():
    with SleepingHouse(["gateway.idle_unload_ms=60000"], boot_s=0.3, make_node=PageNode) as house, Browser() as browser:
        tab = house.node.open(browser)
        tab.go("#/chat")
        tab.wait("a model to choose", "document.body.innerText.includes('tiny')")
        tab.run("await page.getByRole('main').getByRole('textbox').first().fill('tell me a very long story')")
        tab.press("Enter")
        wait_for("it to be asked", lambda: house.node.get("/api/v1/queue")[1]["running"] + house.node.get("/api/v1/queue")[1]["waiting"])
        tab.click("Stop")
        wait_for("nothing to run or wait", lambda: not house.node.get("/api/v1/queue")[1]["running"] +
                 house.node.get("/api/v1/queue")[1]["waiting"])
        tab.still_good()


if __name__ == "__main__":
    installed()  # while there is a way to npm
    own_network()
    tap.run()
