/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever a job holds: it is refused by name, or each form of it is JSON with no address in it but
 * the link. The input is the job, a newline, the receiver's address. */
#include "base/panic.h"
#include "base/scoped.h"
#include "notify/notice.h"
#include "json/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t addresses(struct str text)
{
    size_t count = 0;

    for (size_t i = 0; i + 3 <= text.len; i++)
        count += memcmp(text.at + i, "://", 3) == 0;
    return count;
}

static void form(struct notice notice, enum notice_kind kind, struct str url)
{
    scoped(buf_done) struct buf to = buf_of(NOTICE_URL_BYTES_MAX + 1);
    scoped(buf_done) struct buf body = buf_of(NOTICE_BODY_BYTES_MAX);
    scoped(json_done) json_t *read = NULL, *empty = json_object();
    struct err err;

    notice.kind = kind;
    notice.about = empty; /* the rules' words, not for people: it is not checked for addresses */
    notice.node = notice.at = S("");
    if (!notice_form(&notice, url, &to, &body, &err)) {
        check(strcmp(err.code, "bad_receiver") == 0 || strcmp(err.code, "too_large") == 0);
        return;
    }
    check(addresses(buf_str(&to)) >= 1 && !to.overflowed);
    check(json_read(buf_str(&body), NOTICE_BODY_BYTES_MAX, &read, &err));
    check(addresses(buf_str(&body)) <= addresses(notice.link));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str url, text = str_cut((struct str){(const char *)data, size}, '\n', &url);
    scoped(json_done) json_t *job = NULL;
    struct notice notice;
    struct err err = {0};

    if (!json_read(text, NOTICE_BODY_BYTES_MAX, &job, &err))
        return 0;
    if (!notice_read(job, &notice, &err)) {
        check(strcmp(err.code, "bad_job") == 0 && err.message[0]);
        return 0;
    }
    for (int kind = 0; kind < NOTICE_KINDS; kind++)
        form(notice, (enum notice_kind)kind, url);
    return 0;
}
