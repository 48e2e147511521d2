/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scoped.h"
#include "dns/dns.h"
#include "dns/dns_name.h"
#include "dns/dns_tsig.h"
#include "dns/dns_value.h"
#include "tap.h"

static bool normal(enum dns_type type, const char *text, struct buf *out)
{
    scoped(buf_done) struct buf rdata = buf_of(DNS_VALUE_BYTES_MAX);
    struct err err;

    buf_clear(out);
    return dns_value_read(type, str_from(text), &rdata, &err) &&
           dns_value_print(type, buf_str(&rdata), out);
}

TEST(values_come_back_in_normal_form)
{
    static const struct {
        enum dns_type type;
        const char *in, *out;
    } ROWS[] = {
        {DNS_TYPE_A,     "192.168.1.100",               "192.168.1.100"              },
        {DNS_TYPE_AAAA,  "2001:DB8:0:0::7",             "2001:db8::7"                },
        {DNS_TYPE_CNAME, "www.home.arpa",               "www.home.arpa"              },
        {DNS_TYPE_PTR,   "printer.local",               "printer.local"              },
        {DNS_TYPE_NS,    "ns.local",                    "ns.local"                   },
        {DNS_TYPE_MX,    "10 mail.home.arpa",           "10 mail.home.arpa"          },
        {DNS_TYPE_MX,    "0 .",                         "0 ."                        },
        {DNS_TYPE_SRV,   "0 5 5060 sip.home.arpa",      "0 5 5060 sip.home.arpa"     },
        {DNS_TYPE_TXT,   "\"v=spf1 -all\"",             "\"v=spf1 -all\""            },
        {DNS_TYPE_TXT,   "\"a;b $INCLUDE (\" \"\"",     "\"a;b $INCLUDE (\" \"\""    },
        {DNS_TYPE_TXT,   "\"q\\\"b\\\\\\007\"",         "\"q\\\"b\\\\\\007\""        },
        {DNS_TYPE_TXT,   "\"\xc3\xbc\"",                "\"\\195\\188\""             },
        {DNS_TYPE_CAA,   "0 issue \"letsencrypt.org\"", "0 issue \"letsencrypt.org\""},
        {DNS_TYPE_CAA,   "128 ISSUE \";\"",             "128 issue \";\""            },
    };
    scoped(buf_done) struct buf out = buf_of(DNS_VALUE_TEXT_BYTES_MAX);

    for (size_t i = 0; i < COUNT(ROWS); i++) {
        CHECK(normal(ROWS[i].type, ROWS[i].in, &out));
        CHECK_STR(buf_str(&out), ROWS[i].out);
    }
}

TEST(odd_values_are_refused_with_the_form_that_is_wanted)
{
    static const struct {
        enum dns_type type;
        const char *in;
    } ROWS[] = {
        {DNS_TYPE_A,     ""                                  },
        {DNS_TYPE_A,     "192.168.1"                         },
        {DNS_TYPE_A,     "192.168.1.256"                     },
        {DNS_TYPE_A,     "1.2.3.4\n"                         },
        {DNS_TYPE_A,     "1.2.3.4 ; x"                       },
        {DNS_TYPE_A,     "0x7f.1"                            },
        {DNS_TYPE_A,     "::1"                               },
        {DNS_TYPE_AAAA,  "1.2.3.4"                           },
        {DNS_TYPE_AAAA,  "fe80::1%eth0"                      },
        {DNS_TYPE_CNAME, "a..b"                              },
        {DNS_TYPE_CNAME, "a.b."                              },
        {DNS_TYPE_CNAME, "."                                 },
        {DNS_TYPE_CNAME, "a b"                               },
        {DNS_TYPE_CNAME, "a;b"                               },
        {DNS_TYPE_CNAME, "$ORIGIN"                           },
        {DNS_TYPE_CNAME, "b\xc3\xbc"
                         "cher.local"},
        {DNS_TYPE_CNAME, "a\\.b"                             },
        {DNS_TYPE_MX,    "mail.home.arpa"                    },
        {DNS_TYPE_MX,    "65536 mail"                        },
        {DNS_TYPE_MX,    "10  mail"                          },
        {DNS_TYPE_MX,    "10 mail x"                         },
        {DNS_TYPE_MX,    "-1 mail"                           },
        {DNS_TYPE_SRV,   "0 5 sip.home.arpa"                 },
        {DNS_TYPE_TXT,   "plain"                             },
        {DNS_TYPE_TXT,   "\"open"                            },
        {DNS_TYPE_TXT,   "\"a\"\"b\""                        },
        {DNS_TYPE_TXT,   "\"a\nb\""                          },
        {DNS_TYPE_TXT,   "\"a\" "                            },
        {DNS_TYPE_TXT,   "\"\\256\""                         },
        {DNS_TYPE_TXT,   "\"\\n\""                           },
        {DNS_TYPE_TXT,   "\"\\"                              },
        {DNS_TYPE_CAA,   "0 issue x"                         },
        {DNS_TYPE_CAA,   "256 issue \"x\""                   },
        {DNS_TYPE_CAA,   "0 is-sue \"x\""                    },
        {DNS_TYPE_CAA,   "0 issue \"x\" "                    },
    };
    scoped(buf_done) struct buf rdata = buf_of(DNS_VALUE_BYTES_MAX);

    for (size_t i = 0; i < COUNT(ROWS); i++) {
        struct err err = {0};
        bool taken = dns_value_read(ROWS[i].type, str_from(ROWS[i].in), &rdata, &err);
        if (taken)
            printf("# taken: %s\n", ROWS[i].in);
        CHECK(!taken);
        CHECK_TEXT(err.code, "bad_value");
        CHECK(strstr(err.message, "wanted is"));
    }
    CHECK_INT(rdata.len, 0);
}

TEST(a_txt_string_ends_at_255_bytes_and_a_value_at_its_limit)
{
    scoped(buf_done) struct buf text = buf_of(DNS_VALUE_TEXT_BYTES_MAX + 10);
    scoped(buf_done) struct buf rdata = buf_of(DNS_VALUE_BYTES_MAX);
    struct err err;

    buf_printf(&text, "\"%0255d\"", 7);
    CHECK(dns_value_read(DNS_TYPE_TXT, buf_str(&text), &rdata, &err));
    CHECK_INT(rdata.len, 256);
    buf_clear(&text);
    buf_printf(&text, "\"%0256d\"", 7);
    CHECK(!dns_value_read(DNS_TYPE_TXT, buf_str(&text), &rdata, &err));
    buf_clear(&text);
    for (int i = 0; i < 17; i++)
        buf_printf(&text, "%s\"%0255d\"", i ? " " : "", i);
    CHECK(!dns_value_read(DNS_TYPE_TXT, buf_str(&text), &rdata, &err));
}

TEST(names_have_limits)
{
    struct err err;
    char name[DNS_NAME_BYTES_MAX + 2];

    memset(name, 'a', sizeof name);
    CHECK(dns_name_check((struct str){name, 63}, "name", &err));
    CHECK(!dns_name_check((struct str){name, 64}, "name", &err));
    for (size_t i = 63; i < sizeof name; i += 64)
        name[i] = '.';
    CHECK(dns_name_check((struct str){name, 253}, "name", &err));
    CHECK(!dns_name_check((struct str){name, 254}, "name", &err));
    CHECK_TEXT(err.code, "bad_name");
    CHECK(dns_name_check(S("*.local"), "name", &err));
    CHECK(!dns_name_check(S("a.*.local"), "name", &err));
    CHECK(!dns_name_check(S("a*.local"), "name", &err));
    CHECK(!dns_name_check((struct str){"a\0b", 3}, "name", &err));
}

TEST(only_whole_labels_are_inside_a_zone)
{
    CHECK(dns_name_within(S("a.Local"), S("local")));
    CHECK(dns_name_within(S("local"), S("local")));
    CHECK(!dns_name_within(S("alocal"), S("local")));
    CHECK(!dns_name_within(S("local"), S("a.local")));
}

TEST(odd_names_of_a_server_are_printed_unmistakably)
{
    scoped(buf_done) struct buf out = buf_of(1024);
    size_t used;

    CHECK(dns_name_print(S("\x04"
                           "a.b\x01\x02"
                           "c\"\x00"),
        &out, &used));
    CHECK_STR(buf_str(&out), "a\\.b\\001.c\\\"");
    CHECK_INT(used, 9);
    CHECK(!dns_name_print(S("\x04"
                            "ab"),
        &out, &used));
    CHECK(!dns_name_print(S("\xc0\x0c"), &out, &used));
}

TEST(host_names_compare_without_case_and_texts_with)
{
    CHECK(dns_value_equal(DNS_TYPE_MX,
        S("\0\x0a\x01"
          "a\0"),
        S("\0\x0a\x01"
          "A\0")));
    CHECK(!dns_value_equal(DNS_TYPE_MX,
        S("\0\x0a\x01"
          "a\0"),
        S("\0\x0b\x01"
          "a\0")));
    CHECK(!dns_value_equal(DNS_TYPE_TXT,
        S("\x01"
          "a"),
        S("\x01"
          "A")));
}

TEST(a_secret_that_is_none_is_refused_without_its_text)
{
    struct dns_tsig tsig;
    struct err err = {0};

    CHECK(dns_tsig_init(&tsig, S("k"), S("MDEyMzQ1Njc4OWFiY2RlZg==\n"), &err));
    CHECK_INT(tsig.secret_bytes, 16);
    CHECK(!dns_tsig_init(&tsig, S("k"), S("not base64 at all"), &err));
    CHECK_TEXT(err.code, "bad_secret");
    CHECK(!strstr(err.message, "not base64 at all"));
    CHECK(!dns_tsig_init(&tsig, S("k"), S("c2hvcnQ="), &err));
    CHECK(!dns_tsig_init(&tsig, S(""), S("MDEyMzQ1Njc4OWFiY2RlZg=="), &err));
}

#define KEY "\"key\":{\"name\":\"k\",\"algorithm\":\"hmac-sha256\",\"secret\":\"secret:tsig/home\"}"
#define HEAD                                                                                       \
    "{\"hand\":\"dns\",\"op\":\"update\",\"server\":\"127.0.0.1\",\"port\":53,\"zone\":\"local\","
#define PRE "\"prerequisites\":[{\"is\":\"rrset_absent\",\"name\":\"a.local\",\"type\":\"A\"}],"
#define ADD                                                                                        \
    "\"updates\":[{\"op\":\"add\",\"name\":\"a.local\",\"type\":\"A\",\"ttl\":60,\"value\":\"1.2." \
    "3.4\"}],"
#define WANT "\"expect\":[{\"name\":\"a.local\",\"type\":\"A\",\"values\":[\"1.2.3.4\"]}]}"

static bool job_is_read(const char *text, struct err *err)
{
    scoped(json_done) json_t *json = json_loads(text, 0, NULL);
    struct dns_job job;

    return dns_job_read(json, &job, err);
}

TEST(a_job_is_read_whole_or_not_at_all)
{
    struct err err = {0};

    CHECK(job_is_read(HEAD KEY "," PRE ADD WANT, &err));
    CHECK(!job_is_read(HEAD PRE ADD WANT, &err)); /* unsigned update */
    CHECK(!job_is_read(HEAD "\"key\":null," PRE ADD WANT, &err));
    CHECK(!job_is_read(HEAD KEY "," ADD WANT, &err));
    CHECK(!job_is_read(HEAD KEY ",\"more\":1," PRE ADD WANT, &err));
    CHECK_TEXT(err.code, "unknown_field");
    CHECK(!job_is_read(HEAD KEY ",\"prerequisites\":[]," ADD WANT, &err));
    CHECK(!job_is_read(HEAD KEY "," PRE ADD "\"expect\":[]}", &err));
    CHECK(!job_is_read(HEAD KEY "," PRE "\"updates\":[{\"op\":\"add\",\"name\":\"a.other\","
                                "\"type\":\"A\",\"ttl\":60,\"value\":\"1.2.3.4\"}]," WANT,
        &err));
    CHECK_TEXT(err.code, "not_in_zone");
    CHECK(!job_is_read(HEAD KEY "," PRE "\"updates\":[{\"op\":\"add\",\"name\":\"a.local\","
                                "\"type\":\"SOA\",\"ttl\":60,\"value\":\"1.2.3.4\"}]," WANT,
        &err));
    CHECK_TEXT(err.code, "bad_type");
    CHECK(!job_is_read(HEAD KEY
        "," PRE "\"updates\":[{\"op\":\"delete_name\",\"name\":\"a.local\",\"type\":\"A\"}]," WANT,
        &err));
    CHECK(!job_is_read("{\"hand\":\"dns\",\"op\":\"zone_drop\"}", &err));
    CHECK_TEXT(err.code, "bad_job");
    CHECK(!job_is_read("[]", &err));
}

TAP_MAIN
