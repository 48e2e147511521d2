/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: bytes are a plan or are refused; a plan of any content is shown without a control
 * character on the screen.
 */
#include "client/plan_view.h"

#include "base/panic.h"
#include "base/scoped.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(json_done) json_t *plan = NULL;
    scoped(free_done) char *text = NULL;
    struct plan_facts facts;
    struct err err;
    size_t len;

    if (!plan_read((struct str){(const char *)data, size}, &plan, &facts, &err))
        return 0;
    struct screen screen = {.out = open_memstream(&text, &len)};
    plan_view(&screen, plan, 0);
    fclose(screen.out);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 && text[i] != '\n')
            panic("a control character came through");
    return 0;
}
