/* SPDX-License-Identifier: Apache-2.0
 *
 * api — the node's HTTP interface as one client sees it: a unix socket, or --url.
 *
 * owner    struct client
 * threads  one
 * errors   ERR_PEER the node does not answer; ERR_LIMIT the reply is longer than we read.
 *          An error answer of the node becomes an err with its kind, code, param and message.
 */
#pragma once

#include "base/buf.h"
#include "client/options.h"

#include <curl/curl.h>
#include <jansson.h>
#include <limits.h>

#define API_REPLY_BYTES_MAX (32u << 20)
#define API_CONNECT_MS 5000
#define API_CALL_MS                                                                                \
    180000 /* a model may take 45 s, a playbook longer: the node has its own limits */
#define API_PATH_BYTES_MAX 4096

struct api {
    CURL *curl;
    char where[PATH_MAX]; /* for messages: the socket or the URL */
    char base[1024];
    bool on_terminal; /* stderr is one: show that we wait */
};

bool api_open(struct api *api, const struct options *options, struct err *err);
void api_done(struct api *api);

/* One exchange. `body` NULL: GET semantics of `method`. The bytes of a 2xx answer are appended
 * to `out`; any other answer is an error. */
bool api_call(struct api *api, const char *method, const char *path, const json_t *body,
    struct buf *out, struct err *err);

/* Follow an event stream until it ends or `take` answers false. `take` gets every piece of
 * bytes as it comes. true: the stream ended in good order. */
bool api_follow(struct api *api, const char *path, const char *last_event_id,
    bool (*take)(void *context, struct str bytes), void *context, struct err *err);
