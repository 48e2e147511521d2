/* SPDX-License-Identifier: Apache-2.0
 *
 * The three forms. What of a text would be markup for its receiver is made plain here; nothing in
 * any of them is a button that acts: the link opens the page. */
#include "notify/notice.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "notify/inside.h"
#include "json/json_text.h"

#define SLACK_BYTES_MAX (8 * (NOTICE_TITLE_CHARS_MAX + NOTICE_TEXT_CHARS_MAX) + 1024)
#define TOPIC_BYTES_MAX 64

/* --- webhook ------------------------------------------------------------------------------ */

static const char *urgency_word(enum notice_urgency urgency)
{
    return urgency == NOTICE_HIGH ? "high" : urgency == NOTICE_LOW ? "low" : "normal";
}

static json_t *text_or_null(struct str text)
{
    return text.at ? json_stringn(text.at, text.len) : json_null();
}

static json_t *webhook(const struct notice *n)
{
    return json_pack("{s:i, s:s%, s:s%, s:o, s:s, s:O, s:s%, s:s%}", "v", 1, "title", n->title.at,
        n->title.len, "text", n->text.at, n->text.len, "link", text_or_null(n->link), "urgency",
        urgency_word(n->urgency), "about", n->about, "node", n->node.at, n->node.len, "at",
        n->at.at, n->at.len);
}

/* --- slack -------------------------------------------------------------------------------- */

/* Slack has escapes for three characters only; what else it takes for markup is shown by a
 * character that looks like it. */
static void add_slack(struct buf *out, struct str text)
{
    static const struct {
        char mark;
        struct str instead;
    } MARKS[] = {{'&', S("&amp;")}, {'<', S("&lt;")}, {'>', S("&gt;")}, {'*', S("\u2217")},
        {'_', S("\uFF3F")}, {'~', S("\u223C")}, {'`', S("\u02CB")}};

    for (size_t i = 0; i < text.len; i++) {
        size_t m = 0;
        while (m < COUNT(MARKS) && MARKS[m].mark != text.at[i])
            m++;
        if (m < COUNT(MARKS))
            buf_add(out, MARKS[m].instead);
        else
            buf_add_char(out, text.at[i]);
    }
}

static json_t *slack(const struct notice *n)
{
    scoped(buf_done) struct buf text = buf_of(SLACK_BYTES_MAX);

    buf_add_char(&text, '*');
    add_slack(&text, n->title);
    buf_add(&text, S("*\n"));
    add_slack(&text, n->text);
    if (n->link.at)
        buf_printf(&text, "\n<%.*s|Open>", STR(n->link));
    check(!text.overflowed);
    return json_pack(
        "{s:s%, s:b, s:b}", "text", text.at, text.len, "unfurl_links", 0, "unfurl_media", 0);
}

/* --- ntfy --------------------------------------------------------------------------------- */

/* The topic is the last part of the path; what stands before it is where JSON is posted to. */
static bool split_topic(struct str url, struct str *ret_head, struct str *ret_topic,
    struct str *ret_query, struct err *err)
{
    struct str query = {0}, whole = str_cut(url, '?', &query);
    size_t start = (size_t)((const char *)memmem(url.at, url.len, "://", 3) - url.at) + 3;
    size_t slash = whole.len;

    while (slash > start && whole.at[slash - 1] != '/')
        slash--;
    struct str topic = {whole.at + slash, whole.len - slash};
    bool fine = slash > start && topic.len > 0 && topic.len <= TOPIC_BYTES_MAX;
    for (size_t i = 0; fine && i < topic.len; i++)
        fine = strchr("-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                   topic.at[i]) != NULL;
    if (!fine)
        return err_code(err, ERR_SYSTEM, "bad_receiver", NULL,
            "the address of this channel names no topic of ntfy; it must be like "
            "https://HOST/TOPIC, the topic of letters, digits, - and _");
    *ret_head = (struct str){whole.at, slash};
    *ret_topic = topic;
    *ret_query = query;
    return true;
}

static json_t *ntfy(const struct notice *n, struct str topic)
{
    int priority = n->urgency == NOTICE_HIGH ? 4 : n->urgency == NOTICE_LOW ? 2 : 3;
    json_t *body = json_pack("{s:s%, s:s%, s:s%, s:i}", "topic", topic.at, topic.len, "title",
        n->title.at, n->title.len, "message", n->text.at, n->text.len, "priority", priority);

    if (body && n->link.at)
        json_object_set_new(body, "click", json_stringn(n->link.at, n->link.len));
    return body;
}

/* ------------------------------------------------------------------------------------------ */

bool notice_form(const struct notice *notice, struct str url, struct buf *ret_url,
    struct buf *ret_body, struct err *err)
{
    scoped(json_done) json_t *body = NULL;
    struct str head = url, topic = {0}, query = {0};

    if (!notice_is_url(url, NOTICE_URL_BYTES_MAX))
        return err_code(err, ERR_SYSTEM, "bad_receiver", NULL,
            "what this channel has is no http(s) address of at most %d printable bytes",
            NOTICE_URL_BYTES_MAX);
    switch (notice->kind) {
    case NOTICE_WEBHOOK:
        body = webhook(notice);
        break;
    case NOTICE_SLACK:
        body = slack(notice);
        break;
    case NOTICE_NTFY:
        if (!split_topic(url, &head, &topic, &query, err))
            return false;
        body = ntfy(notice, topic);
        break;
    case NOTICE_KINDS:
        break;
    }
    check(body);
    buf_add(ret_url, head);
    if (query.len)
        buf_printf(ret_url, "?%.*s", STR(query));
    return json_plain(body, ret_body, err);
}
