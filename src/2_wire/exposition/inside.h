/* SPDX-License-Identifier: Apache-2.0
 * What reader and writer share. */
#pragma once

#include "exposition/exposition.h"

static inline struct str behind(struct str text, size_t count)
{
    return (struct str){text.at + count, text.len - count};
}

static inline struct str skip_blank(struct str text)
{
    while (text.len && (text.at[0] == ' ' || text.at[0] == '\t'))
        text = behind(text, 1);
    return text;
}

/* The length of the name that `text` begins with, 0: none. */
size_t exposition_name_length(struct str text, bool colon);
/* Take one label off the front of *at, which holds what stands between the braces. */
enum exposition_label_taken {
    LABEL_TAKEN,
    LABEL_NONE_LEFT,
    LABEL_BAD,
    LABEL_BAD_ESCAPE,
    LABEL_TORN
};
enum exposition_label_taken exposition_label_take(
    struct str *at, struct exposition_label *ret_label);
