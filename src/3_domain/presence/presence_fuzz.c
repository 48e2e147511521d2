/* SPDX-License-Identifier: Apache-2.0
 *
 * Whatever programs call themselves: the texts of a look stay valid, the metrics hold none of it;
 * whatever address is given: what is taken is of the one form.
 */
#include "presence/presence.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "exposition/exposition.h"
#include "json/json_read.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void addresses(struct str text)
{
    struct presence_target target;
    struct str token;
    struct err err = {0};

    if (presence_target(text, &target, &err)) {
        check(target.port && target.host[0] && target.path[0] == '/');
        check(target.https || strcmp(target.host, "127.0.0.1") == 0);
        check(!strpbrk(target.host, "/:@ \r\n") && !strpbrk(target.path, " \r\n?#@"));
    } else {
        check(err.kind == ERR_INPUT);
    }
    if (presence_token(text, &token, &err))
        check(token.len && !memchr(token.at, '\n', token.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct presence_look look;
    scoped(buf_done) struct buf json = buf_of(PRESENCE_TEXT_BYTES_MAX);
    scoped(buf_done) struct buf numbers = buf_of(PRESENCE_TEXT_BYTES_MAX);
    scoped(json_done) json_t *read = NULL;
    scoped(free_done) uint16_t *wide = malloc(size + 2);
    struct err err;
    size_t samples;

    addresses((struct str){(const char *)data, size});
    check(wide);
    if (size)
        memcpy(wide, data, size / 2 * 2);
    look = (struct presence_look){.cpus_count = 1, .has_desktop = true, .processes_count = 1};
    look.window.there = true;
    presence_text(wide, size / 2, look.person, sizeof look.person);
    presence_text(wide, size / 2, look.window.process, sizeof look.window.process);
    presence_text(wide, size / 2, look.window.title, sizeof look.window.title);
    presence_text(wide, size / 2, look.processes[0].name, 5);
    look.front = presence_front(&look.window, (enum presence_notice)(size % 8));
    presence_json(&look, 600, &json);
    check(json_read(buf_str(&json), PRESENCE_TEXT_BYTES_MAX, &read, &err));
    presence_metrics(&look, 600, &numbers);
    check(exposition_check(buf_str(&numbers), &EXPOSITION_LIMITS, &samples, &err));
    return 0;
}
