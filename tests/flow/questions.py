# SPDX-License-Identifier: Apache-2.0
"""Small questions take a hot way through both roles (json_scan, brief.c), everything unusual the
careful one. Whoever asks must not be able to tell which."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../harness"))
from node import Node, Tap, equal  # noqa: E402

tap = Tap()
PATH = "/api/v1/query"
HOT = b'{"query":"zone_of","args":{"name":"nas.home.arpa"}}'


def asked(node, text):
    return node.post(PATH, text)


@tap.test
def every_way_of_writing_a_question_has_the_same_answer():
    with Node(named=False) as node:
        wanted = (200, {"answers": ["home.arpa"]})
        for text in (HOT, b' { "args" : { "name" : "nas.home.arpa" } ,\n "query" : "zone_of" } ',
                     b'{"query":"zone_of","args":{"name":"n\\u0061s.home.arpa"}}',
                     b'{"query":"zone_of","args":{"n\\u0061me":"nas.home.arpa"}}',
                     b'{"query":"zone_of","args":{"name":"NAS.Home.Arpa."}}'):
            equal(asked(node, text), wanted)
        equal(asked(node, b'{"query":"zones"}'), asked(node, b'{"query":"zones","args":{}}'))


@tap.test
def what_is_wrong_is_refused_the_same_on_both_ways():
    with Node(named=False) as node:
        def code(text):
            status, answer = asked(node, text)
            return status, answer["error"]["code"], answer["error"]["param"]
        for name in (b"a..b", b"a.\\u002eb"):
            equal(code(b'{"query":"zone_of","args":{"name":"%s"}}' % name),
                  (400, "bad_name", "name"))
        equal(code(b'{"query":"zone_of","args":{"name":7}}'), (400, "wrong_type", "name"))
        equal(code(b'{"query":"zone_of","args":{}}'), (400, "missing_field", "name"))
        equal(code(b'{"query":"zone_of","args":{"name":"a.b","x":1}}'), (400, "unknown_field", "x"))
        equal(code(b'{"query":"nothing","args":{}}'), (404, "unknown_query", "query"))
        equal(code(b'{"query":"zone_of","args":{"name":"a"},"more":1}'),
              (400, "unknown_field", "more"))
        equal(code(b'{"query":"zone_of","args":{"name":"a","name":"b"}}')[:2], (400, "bad_json"))
        equal(code(b'{"query":"zone_of","args":{"name":"\xff"}}')[:2], (400, "bad_json"))
        equal(code(b'{"query":"zone_of","args":{"name":"a\x00"}}')[:2], (400, "bad_json"))
        equal(code(b'{"query":"Zone","args":{}}'), (400, "bad_value", "query"))
        equal(code(b'{"query":"zone_of","args":[]}')[:2], (400, "bad_type"))


@tap.test
def a_question_beyond_the_hot_way_is_answered():
    with Node(named=False) as node:
        many = ",".join('"x%d":%d' % (i, i) for i in range(200))
        text = '{"query":"zone_of","args":{"name":"nas.home.arpa",%s}}' % many
        status, answer = asked(node, text.encode())
        equal((status, answer["error"]["code"]), (400, "unknown_field"))
        status, answer = asked(node, b'{"query":"zone_of","args":{"name":"%s"}}' % (b"a" * 65536))
        equal((status, answer["error"]["code"]), (400, "bad_name"))
        args = {"principal": "loopback", "action": "dns_record_add",
                "params": {"name": "x.home.arpa", "type": "A", "value": "10.0.0.5"}}
        status, answer = asked(node, {"query": "may", "args": args})
        equal((status, answer["answers"][0]["verdict"]), (200, "permit"))


if __name__ == "__main__":
    tap.run()
