/* SPDX-License-Identifier: Apache-2.0 */
#include "prolog/term.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "json/json_text.h"

#include <inttypes.h>
#include <math.h>

#define KEYS_ON_STACK 32
#define KEYS_PAIRWISE_MAX 16 /* more are sorted to find one that comes twice */

static struct {
    functor_t object; /* obj/1 */
    functor_t pair;   /* (-)/2 */
    atom_t is_true, is_false, is_null;
} names;

void term_open(void)
{
    names.object = PL_new_functor(PL_new_atom("obj"), 1);
    names.pair = PL_new_functor(PL_new_atom("-"), 2);
    names.is_true = PL_new_atom("true");
    names.is_false = PL_new_atom("false");
    names.is_null = PL_new_atom("null");
}

/* ---- in ---- */

static bool build(term_t ret_term, const json_t *value, int depth, struct err *err);

/* ASCII without a NUL: the same bytes in UTF-8, in Prolog and in C. Most text is, and then no form
 * of it has to be made. */
static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)(text.at[i] - 1) >= 0x7f)
            return false;
    return true;
}

static bool put_text(term_t ret_term, struct str text)
{
    if (is_plain(text))
        return PL_put_string_nchars(ret_term, text.len, text.at ? text.at : "");
    return PL_put_chars(ret_term, PL_STRING | REP_UTF8, text.len, text.at);
}

static bool no_room(struct err *err)
{
    PL_clear_exception();
    return err_code(
        err, ERR_LIMIT, "stack_limit", NULL, "the question does not fit the worker's stack");
}

/* From the last to the first, because a list grows at its head. */
static bool build_array(term_t ret_term, const json_t *array, int depth, struct err *err)
{
    term_t element = PL_new_term_ref(), list = PL_new_term_ref();

    if (!element || !list)
        return no_room(err);
    PL_put_nil(list);
    for (size_t i = json_array_size(array); i-- > 0;) {
        if (!build(element, json_array_get(array, i), depth, err))
            return false;
        if (!PL_cons_list(list, element, list))
            return no_room(err);
    }
    return PL_put_term(ret_term, list) || no_room(err);
}

static int compare_keys(const void *a, const void *b)
{
    return json_key_compare(str_from(*(const char *const *)a), str_from(*(const char *const *)b));
}

static bool build_members(
    term_t list, const json_t *object, const char **keys, size_t count, int depth, struct err *err)
{
    term_t key = PL_new_term_refs(3), member = key + 1, pair = key + 2;

    if (!key)
        return no_room(err);
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = count; i-- > 0;) {
        if (!build(member, json_object_get(object, keys[i]), depth, err))
            return false;
        if (!put_text(key, str_from(keys[i])) || !PL_cons_functor(pair, names.pair, key, member) ||
            !PL_cons_list(list, pair, list))
            return no_room(err);
    }
    return true;
}

static bool build_object(term_t ret_term, const json_t *object, int depth, struct err *err)
{
    const char *on_stack[KEYS_ON_STACK], **keys = on_stack;
    scoped(free_done) const char **on_heap = NULL;
    size_t count = json_object_size(object), used = 0;
    term_t list = PL_new_term_ref();
    const char *key;
    json_t *member;

    if (!list)
        return no_room(err);
    PL_put_nil(list);
    if (count > KEYS_ON_STACK) {
        keys = on_heap = calloc(count, sizeof *on_heap);
        check(on_heap);
    }
    json_object_foreach ((json_t *)object, key, member)
        keys[used++] = key;
    check(used == count);
    if (!build_members(list, object, keys, count, depth, err))
        return false;
    return PL_cons_functor(ret_term, names.object, list) || no_room(err);
}

static bool build_nested(term_t ret_term, const json_t *value, int depth, struct err *err)
{
    if (depth == TERM_IN_DEPTH_MAX)
        return err_code(err, ERR_LIMIT, "too_deep", NULL,
            "the question is nested deeper than %d levels", TERM_IN_DEPTH_MAX);
    term_t first = PL_new_term_ref();
    if (!first)
        return no_room(err);
    bool built = json_is_object(value) ? build_object(ret_term, value, depth + 1, err)
                                       : build_array(ret_term, value, depth + 1, err);
    PL_reset_term_refs(first);
    return built;
}

static bool build(term_t ret_term, const json_t *value, int depth, struct err *err)
{
    check(value);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        return build_nested(ret_term, value, depth, err);
    case JSON_STRING:
        return put_text(
                   ret_term, (struct str){json_string_value(value), json_string_length(value)}) ||
               no_room(err);
    case JSON_INTEGER:
        return PL_put_int64(ret_term, json_integer_value(value)) || no_room(err);
    case JSON_REAL:
        return PL_put_float(ret_term, json_real_value(value)) || no_room(err);
    case JSON_TRUE:
        return PL_put_atom(ret_term, names.is_true);
    case JSON_FALSE:
        return PL_put_atom(ret_term, names.is_false);
    case JSON_NULL:
        return PL_put_atom(ret_term, names.is_null);
    }
    panic("a JSON value of type %d", (int)json_typeof(value));
}

bool term_build(term_t ret_term, const json_t *value, struct err *err)
{
    return build(ret_term, value, 0, err);
}

/* ---- in, from a tape ---- */

struct tape_key {
    struct str name;
    size_t token;
};

static int compare_tape_keys(const void *a, const void *b)
{
    return json_key_compare(((const struct tape_key *)a)->name, ((const struct tape_key *)b)->name);
}

static bool from_tape(term_t ret_term, const struct json_tape *tape, size_t token, struct err *err);

static bool from_tape_object(
    term_t ret_term, const struct json_tape *tape, size_t token, struct err *err)
{
    struct tape_key keys[JSON_SCAN_TOKENS / 2];
    size_t count = 0;
    term_t list = PL_new_term_refs(4), key = list + 1, member = list + 2, pair = list + 3;

    if (!list)
        return no_room(err);
    for (size_t i = token + 1; i < tape->tokens[token].after; i = tape->tokens[i + 1].after)
        keys[count++] = (struct tape_key){json_tape_text(tape, i), i};
    if (count > 1)
        qsort(keys, count, sizeof *keys, compare_tape_keys);
    PL_put_nil(list);
    while (count-- > 0) {
        if (!from_tape(member, tape, keys[count].token + 1, err))
            return false;
        if (!put_text(key, keys[count].name) || !PL_cons_functor(pair, names.pair, key, member) ||
            !PL_cons_list(list, pair, list))
            return no_room(err);
    }
    return PL_cons_functor(ret_term, names.object, list) || no_room(err);
}

/* The places are known from the first to the last, the list grows from the last to the first. */
static bool from_tape_array(
    term_t ret_term, const struct json_tape *tape, size_t token, struct err *err)
{
    size_t places[JSON_SCAN_TOKENS], count = 0;
    term_t list = PL_new_term_refs(2), element = list + 1;

    if (!list)
        return no_room(err);
    for (size_t i = token + 1; i < tape->tokens[token].after; i = tape->tokens[i].after)
        places[count++] = i;
    PL_put_nil(list);
    while (count-- > 0) {
        if (!from_tape(element, tape, places[count], err))
            return false;
        if (!PL_cons_list(list, element, list))
            return no_room(err);
    }
    return PL_put_term(ret_term, list) || no_room(err);
}

static bool from_tape_real(term_t ret_term, struct str digits, struct err *err)
{
    char text[64];

    check(digits.len < sizeof text);
    memcpy(text, digits.at, digits.len);
    text[digits.len] = '\0';
    return PL_put_float(ret_term, strtod(text, NULL)) || no_room(err);
}

static bool from_tape(term_t ret_term, const struct json_tape *tape, size_t token, struct err *err)
{
    switch (tape->tokens[token].kind) {
    case JSON_TOKEN_OBJECT:
        return from_tape_object(ret_term, tape, token, err);
    case JSON_TOKEN_ARRAY:
        return from_tape_array(ret_term, tape, token, err);
    case JSON_TOKEN_STRING:
        return put_text(ret_term, json_tape_text(tape, token)) || no_room(err);
    case JSON_TOKEN_INTEGER:
        return PL_put_int64(ret_term, json_tape_integer(tape, token)) || no_room(err);
    case JSON_TOKEN_REAL:
        return from_tape_real(ret_term, json_tape_text(tape, token), err);
    case JSON_TOKEN_TRUE:
        return PL_put_atom(ret_term, names.is_true);
    case JSON_TOKEN_FALSE:
        return PL_put_atom(ret_term, names.is_false);
    case JSON_TOKEN_NULL:
        return PL_put_atom(ret_term, names.is_null);
    }
    panic("a JSON token of kind %d", (int)tape->tokens[token].kind);
}

bool term_build_tape(term_t ret_term, const struct json_tape *tape, size_t token, struct err *err)
{
    check(!tape->escaped);
    return from_tape(ret_term, tape, token, err);
}

/* ---- out ---- */

/* Where a key stands in the text, quotes included: offsets, because the text moves as it grows. */
struct key_at {
    size_t start, len;
};

struct writer {
    struct buf *out;
    struct err *err;
    int depth;
    struct key_at *keys; /* of all objects that are open; a stack */
    size_t keys_used, keys_cap;
};

static bool write_term(struct writer *w, term_t term);

static bool no_json(struct writer *w, const char *what)
{
    return err_code(
        w->err, ERR_SYSTEM, "rule_error", NULL, "the answer is no JSON: it holds %s", what);
}

static bool write_unusual_text(struct writer *w, term_t term)
{
    size_t len;
    char *chars;
    bool written = false;

    PL_STRINGS_MARK(); /* opens a block: no return before RELEASE */
    if (!PL_get_nchars(term, &len, &chars, CVT_ATOM | CVT_STRING | REP_UTF8)) {
        PL_clear_exception();
        no_json(w, "text that is not Unicode");
    } else if (memchr(chars, '\0', len)) {
        no_json(w, "text with a NUL");
    } else if (!str_is_utf8((struct str){chars, len})) {
        no_json(w, "text with half a surrogate pair");
    } else {
        json_add_string(w->out, (struct str){chars, len});
        written = true;
    }
    PL_STRINGS_RELEASE();
    return written;
}

/* The bytes as Prolog has them, if it has them as plain bytes: valid until Prolog is called again.
 */
static bool plain_text(term_t term, struct str *ret_text)
{
    char *chars;
    size_t len;

    if (!PL_get_string(term, &chars, &len) && !PL_get_atom_nchars(term, &len, &chars))
        return false;
    *ret_text = (struct str){chars, len};
    return is_plain(*ret_text);
}

static bool write_text(struct writer *w, term_t term)
{
    struct str plain;

    if (plain_text(term, &plain)) {
        json_add_string(w->out, plain);
        return true;
    }
    return write_unusual_text(w, term);
}

static bool write_atom(struct writer *w, term_t term)
{
    atom_t atom;

    check(PL_get_atom(term, &atom));
    if (atom == names.is_true)
        buf_add(w->out, S("true"));
    else if (atom == names.is_false)
        buf_add(w->out, S("false"));
    else if (atom == names.is_null)
        buf_add(w->out, S("null"));
    else
        return write_text(w, term);
    return true;
}

static bool write_integer(struct writer *w, term_t term)
{
    int64_t number;

    if (!PL_get_int64(term, &number))
        return no_json(w, "a whole number beyond 64 bits");
    buf_printf(w->out, "%" PRId64, number);
    return true;
}

/* The fewest digits that read back as the same double, and always with a mark of a real. */
static bool write_float(struct writer *w, term_t term)
{
    char text[40];
    double number;

    if (!PL_get_float(term, &number) || !isfinite(number))
        return no_json(w, "a number that is infinite or none");
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    buf_add(w->out, str_from(text));
    if (!strpbrk(text, ".e"))
        buf_add(w->out, S(".0"));
    return true;
}

static void remember_key(struct writer *w, size_t start)
{
    if (w->keys_used == w->keys_cap) {
        w->keys_cap = w->keys_cap ? 2 * w->keys_cap : 64;
        w->keys = realloc(w->keys, w->keys_cap * sizeof *w->keys);
        check(w->keys);
    }
    w->keys[w->keys_used++] = (struct key_at){start, w->out->len - start};
}

static struct str key_text(const struct writer *w, struct key_at key)
{
    return (struct str){w->out->at + key.start, key.len};
}

static int compare_key_places(const void *a, const void *b, void *writer)
{
    const struct writer *w = writer;

    return json_key_compare(
        key_text(w, *(const struct key_at *)a), key_text(w, *(const struct key_at *)b));
}

/* A reader may take the first or the last of two: so there may not be two. */
static bool keys_differ(struct writer *w, size_t first)
{
    size_t count = w->keys_used - first;

    if (count < 2 || w->out->overflowed)
        return true;
    struct key_at *keys = w->keys + first;
    if (count > KEYS_PAIRWISE_MAX)
        qsort_r(keys, count, sizeof *keys, compare_key_places, w);
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count && (count <= KEYS_PAIRWISE_MAX || j == i + 1); j++)
            if (str_eq(key_text(w, keys[i]), key_text(w, keys[j])))
                return no_json(w, "an object with the same key twice");
    return true;
}

static bool write_member(struct writer *w, term_t pair, term_t part)
{
    size_t start = w->out->len;

    if (!PL_is_functor(pair, names.pair))
        return no_json(w, "an obj/1 whose members are not all Key-Value");
    check(PL_get_arg(1, pair, part));
    if (!PL_is_string(part) && PL_term_type(part) != PL_ATOM)
        return no_json(w, "a key that is neither a string nor an atom");
    if (!write_text(w, part))
        return false;
    remember_key(w, start);
    buf_add_char(w->out, ':');
    check(PL_get_arg(2, pair, part));
    return write_term(w, part);
}

static bool write_members(struct writer *w, term_t list, bool object)
{
    term_t head = PL_new_term_refs(2), part = head + 1;
    bool first = true;

    if (!head)
        return no_json(w, "too much for the worker's stack");
    while (PL_get_list(list, head, list)) {
        if (!first)
            buf_add_char(w->out, ',');
        first = false;
        if (!(object ? write_member(w, head, part) : write_term(w, head)))
            return false;
        if (w->out->overflowed)
            return true; /* said once, at the top */
    }
    return PL_get_nil(list) || no_json(w, "a list without an end");
}

static bool write_nested(struct writer *w, term_t term, bool object)
{
    size_t first_key = w->keys_used;
    term_t list = PL_new_term_ref();

    if (!list)
        return no_json(w, "too much for the worker's stack");
    if (w->depth == TERM_OUT_DEPTH_MAX)
        return err_code(w->err, ERR_LIMIT, "too_deep", NULL,
            "the answer is nested deeper than %d levels", TERM_OUT_DEPTH_MAX);
    if (object)
        check(PL_get_arg(1, term, list));
    else
        check(PL_put_term(list, term));
    w->depth++;
    buf_add_char(w->out, object ? '{' : '[');
    bool written = write_members(w, list, object) && (!object || keys_differ(w, first_key));
    buf_add_char(w->out, object ? '}' : ']');
    w->depth--;
    w->keys_used = first_key;
    PL_reset_term_refs(list);
    return written;
}

static bool write_compound(struct writer *w, term_t term)
{
    char what[96];
    atom_t name;
    size_t arity;

    if (PL_is_functor(term, names.object))
        return write_nested(w, term, true);
    check(PL_get_compound_name_arity(term, &name, &arity));
    const char *chars = PL_atom_nchars(name, NULL); /* NULL: a name beyond Latin-1 */
    snprintf(what, sizeof what, "the term %.60s/%zu", chars ? chars : "?", arity);
    return no_json(w, str_is_utf8(str_from(what)) ? what : "a compound term");
}

static bool write_term(struct writer *w, term_t term)
{
    switch (PL_term_type(term)) {
    case PL_ATOM:
        return write_atom(w, term);
    case PL_STRING:
        return write_text(w, term);
    case PL_INTEGER:
        return write_integer(w, term);
    case PL_FLOAT:
        return write_float(w, term);
    case PL_NIL:
    case PL_LIST_PAIR:
        return write_nested(w, term, false);
    case PL_TERM:
        return write_compound(w, term);
    case PL_VARIABLE:
        return no_json(w, "a variable");
    case PL_RATIONAL:
        return no_json(w, "a fraction");
    case PL_DICT:
        return no_json(w, "a dict (write obj([…]))");
    default: /* not our enum */
        return no_json(w, "something that has no text, such as a stream");
    }
}

bool term_write(term_t term, struct buf *out, struct err *err)
{
    struct writer w = {.out = out, .err = err};
    bool written;

    if (!PL_is_acyclic(term))
        written = no_json(&w, "a term that contains itself");
    else
        written = write_term(&w, term); /* which meets every variable, if there are any */
    free(w.keys);
    if (written && out->overflowed)
        return err_code(err, ERR_LIMIT, "answer_too_large", NULL,
            "the answer is longer than %zu bytes; ask for less", out->bytes_max);
    return written;
}
