/* SPDX-License-Identifier: Apache-2.0 */
#include "notify/notice.h"

#include "base/scoped.h"
#include "notify/inside.h"
#include "json/json_take.h"

#define BYTES_A_CHAR 4
#define WORD_BYTES_MAX 16
#define ABOUT_BYTES_MAX 512
#define NODE_BYTES_MAX 4096
#define AT_BYTES_MAX 32

static const char *const KINDS[NOTICE_KINDS] = {"webhook", "slack", "ntfy"};
static const char *const URGENCIES[NOTICE_URGENCIES] = {"low", "normal", "high"};

static bool bad(const char *param, const char *why, struct err *err)
{
    return err_code(err, ERR_INPUT, "bad_job", param, "this notification is not sent: %s", why);
}

static bool word_of(struct str word, const char *const *words, int count, const char *param,
    int *ret, struct err *err)
{
    for (int i = 0; i < count; i++)
        if (str_eq(word, str_from(words[i]))) {
            *ret = i;
            return true;
        }
    return bad(param, "one of its words is unknown", err);
}

static size_t characters(struct str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += (text.at[i] & 0xC0) != 0x80;
    return count;
}

/* A text for people: bounded, no control character (but line feeds where they are allowed), and
 * nothing that a program takes for an address. */
static bool text_is_fine(
    struct str text, size_t chars_max, bool lines, const char *param, struct err *err)
{
    if (characters(text) > chars_max)
        return bad(param, "a text is longer than allowed", err);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if ((c < 0x20 && !(lines && c == '\n')) || c == 0x7F)
            return bad(param, "a text holds a control character", err);
    }
    if (memmem(text.at, text.len, "://", 3))
        return bad(param, "a text holds an address; only the link may be one", err);
    return true;
}

bool notice_is_url(struct str url, size_t bytes_max)
{
    struct str rest = {0};

    if (url.len > bytes_max || memchr(url.at ? url.at : "", '#', url.len))
        return false;
    if (str_starts(url, S("https://")))
        rest = (struct str){url.at + 8, url.len - 8};
    else if (str_starts(url, S("http://")))
        rest = (struct str){url.at + 7, url.len - 7};
    for (size_t i = 0; i < rest.len; i++)
        if (rest.at[i] <= 0x20 || rest.at[i] >= 0x7F || strchr("\"<>\\^`{|}", rest.at[i]))
            return false;
    return rest.len > 0 && !strchr("/?@", rest.at[0]) &&
           (rest.at[0] != ':' || memchr(rest.at, '@', rest.len)); /* a token without a name */
}

/* The page's address with one of its places behind #. */
static bool link_is_fine(struct str link, struct err *err)
{
    struct str place, page = str_cut(link, '#', &place);

    for (size_t i = 0; i < place.len; i++)
        if (!strchr(
                "/-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", place.at[i]))
            return bad("link", "its link is none to the page", err);
    return notice_is_url(page, NOTICE_LINK_BYTES_MAX) ||
           bad("link", "its link is no http(s) address", err);
}

bool notice_read(const json_t *job, struct notice *ret_notice, struct err *err)
{
    struct notice n = {0};
    struct str hand, op, kind, urgency;
    int kind_at = 0, urgency_at = 0;
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("hand", &hand, 1, WORD_BYTES_MAX),
        JSON_TAKE_TEXT("op", &op, 1, WORD_BYTES_MAX),
        JSON_TAKE_TEXT("kind", &kind, 1, WORD_BYTES_MAX),
        JSON_TAKE_TEXT("where", &n.where, 1, NOTICE_URL_BYTES_MAX),
        JSON_TAKE_TEXT("title", &n.title, 1, NOTICE_TITLE_CHARS_MAX * BYTES_A_CHAR),
        JSON_TAKE_TEXT("text", &n.text, 0, NOTICE_TEXT_CHARS_MAX * BYTES_A_CHAR),
        JSON_TAKE_TEXT_OR_NULL("link", &n.link, 1, NOTICE_LINK_BYTES_MAX),
        JSON_TAKE_TEXT("urgency", &urgency, 1, WORD_BYTES_MAX),
        JSON_TAKE_OBJECT("about", &n.about),
        JSON_TAKE_TEXT("node", &n.node, 0, NODE_BYTES_MAX),
        JSON_TAKE_TEXT("at", &n.at, 0, AT_BYTES_MAX),
    };

    if (!json_take(job, fields, COUNT(fields), err)) {
        snprintf(err->code, sizeof err->code, "bad_job");
        return err_wrap(err, "this notification is not sent");
    }
    if (!str_eq(hand, S("notify")) || !str_eq(op, S("send")))
        return bad("op", "it is no job of the hand notify", err);
    if (!word_of(kind, KINDS, NOTICE_KINDS, "kind", &kind_at, err) ||
        !word_of(urgency, URGENCIES, NOTICE_URGENCIES, "urgency", &urgency_at, err) ||
        !text_is_fine(n.title, NOTICE_TITLE_CHARS_MAX, false, "title", err) ||
        !text_is_fine(n.text, NOTICE_TEXT_CHARS_MAX, true, "text", err) ||
        (n.link.at && !link_is_fine(n.link, err)))
        return false;
    if (json_dumpb(n.about, NULL, 0, JSON_COMPACT) > ABOUT_BYTES_MAX)
        return bad("about", "what it is about is too long", err);
    n.kind = (enum notice_kind)kind_at;
    n.urgency = (enum notice_urgency)urgency_at;
    *ret_notice = n;
    return true;
}
