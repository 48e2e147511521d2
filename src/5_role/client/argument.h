/* SPDX-License-Identifier: Apache-2.0
 *
 * argument — words of the command line as JSON: name=text, name:=json, and ids.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>

/* May stand in a path: 1 to 64 letters, digits, '-' and '_'. */
bool argument_is_id(struct str id);

/* The JSON Schema of an action's parameters; NULL: the catalogue does not know it. */
const json_t *argument_schema(const json_t *catalogue, const char *action);

/* Put one `name=value` into `params`. The schema (may be NULL) says whether the value is a
 * number, true or false, or a list; without a word of it, it is text. `name:=value` is JSON as
 * typed. errors  ERR_INPUT no '=', given twice, or not of the schema's type */
bool argument_add(json_t *params, const char *word, const json_t *schema, struct err *err);
