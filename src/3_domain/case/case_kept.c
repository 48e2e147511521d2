/* SPDX-License-Identifier: Apache-2.0 */
#include "case/case.h"

#include "base/panic.h"
#include "base/scoped.h"

json_t *case_verdict_kept(const json_t *answer)
{
    static const char *const LEFT_OUT[] = {"plan", "look", "learned"};
    json_t *kept = json_copy((json_t *)answer);

    for (size_t i = 0; i < COUNT(LEFT_OUT); i++)
        json_object_del(kept, LEFT_OUT[i]);
    return kept;
}

json_t *case_learn_question(const json_t *entry)
{
    static const char *const MEMBERS[] = {"kind", "case", "seq", "at", "body"};
    json_t *question = json_object();

    check(question);
    for (size_t i = 0; i < COUNT(MEMBERS); i++)
        json_object_set(question, MEMBERS[i], json_object_get(entry, MEMBERS[i]));
    return question;
}
