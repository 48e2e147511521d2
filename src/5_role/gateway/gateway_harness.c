/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/gateway_harness.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REPLY_BYTES_MAX (8 * 1024 * 1024)

/* --- the node ------------------------------------------------------------------------------- */

static void on_wake(uv_async_t *wake)
{
    struct node *node = wake->data;

    if (node->join_fd >= 0) {
        GATEWAY_ROLE.peer(&node->role, "judge", node->join_fd);
        node->join_fd = -1;
        sem_post(&node->done);
    }
    if (node->stop) {
        uv_close((uv_handle_t *)wake, NULL);
        GATEWAY_ROLE.stop(&node->role);
    }
}

static void *run(void *context)
{
    struct node *node = context;

    while (!node->role.ended)
        uv_run(&node->role.loop, UV_RUN_DEFAULT);
    gateway_free(&node->role);
    check(uv_loop_close(&node->role.loop) == 0);
    return NULL;
}

static json_t *configuration(const char *home, json_t *settings, json_t *more)
{
    char socket_path[96];

    snprintf(socket_path, sizeof socket_path, "%s/api.sock", home);
    json_t *config = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "home", home,
        "listen", "127.0.0.1:0", "socket", socket_path, "web", "", "llm", "", "tls_cert", "",
        "tls_key", "", "tokens", "", "settings", settings ? settings : json_object());
    check(config);
    json_object_update(config, more);
    json_decref(more);
    return config;
}

static void role_done(struct role *role)
{
    json_decref(role->config);
    for (size_t i = 0; role->read[i]; i++)
        free((char *)role->read[i]);
    for (size_t i = 0; role->write[i]; i++)
        free((char *)role->write[i]);
}

void node_open(struct node *node, json_t *settings, json_t *more)
{
    struct err err = {0};

    *node = (struct node){
        .role = {.kind = &GATEWAY_ROLE}, .join_fd = -1, .home = "/tmp/gateway_test.XXXXXX"};
    check(mkdtemp(node->home));
    node->role.config = configuration(node->home, settings, more);
    check(uv_loop_init(&node->role.loop) == 0);
    if (!GATEWAY_ROLE.open(&node->role, &err) || !GATEWAY_ROLE.start(&node->role, &err))
        panic("%s", err.message);
    node->port = gateway_port(&node->role);
    sem_init(&node->done, 0, 0);
    check(uv_async_init(&node->role.loop, &node->wake, on_wake) == 0);
    node->wake.data = node;
    check(pthread_create(&node->thread, NULL, run, node) == 0);
}

static int remove_one(const char *path, const struct stat *seen, int kind, struct FTW *place)
{
    (void)seen, (void)kind, (void)place;
    return remove(path);
}

/* The socket, and what the gateway keeps in its home. */
static void remove_tree(const char *path)
{
    check(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

void node_close(struct node *node)
{
    node->stop = true;
    uv_async_send(&node->wake);
    pthread_join(node->thread, NULL);
    sem_destroy(&node->done);
    remove_tree(node->home);
    role_done(&node->role);
}

bool node_try(json_t *more, struct err *err)
{
    char home[] = "/tmp/gateway_try.XXXXXX";
    struct role role = {.kind = &GATEWAY_ROLE};

    check(mkdtemp(home));
    role.config = configuration(home, NULL, more);
    check(uv_loop_init(&role.loop) == 0);
    bool opened = GATEWAY_ROLE.open(&role, err);
    gateway_free(&role);
    check(uv_loop_close(&role.loop) == 0);
    remove_tree(home);
    role_done(&role);
    return opened;
}

/* --- the fake judge --------------------------------------------------------------------------- */

static json_t *entry(int64_t seq)
{
    return json_pack("{s:s, s:s, s:{s:s}, s:s, s:s, s:s, s:I, s:i}", "actor", "loopback", "at",
        "2026-11-21T02:47:01.123Z", "body", "action", "dns_lookup", "case",
        "01J00000000000000000000000", "kind", "case_opened", "prev", "00", "seq", (json_int_t)seq,
        "v", 1);
}

static void say(struct fake_judge *judge, json_t *message)
{
    scoped(free_done) char *text = json_dumps(message, JSON_COMPACT);

    (void)!send(judge->fd, text, strlen(text), MSG_NOSIGNAL);
    json_decref(message);
}

static void answer(struct fake_judge *judge, int64_t id, json_t *body)
{
    say(judge, message_make(
                   MESSAGE_reply, "{s:I, s:b, s:o}", "id", (json_int_t)id, "ok", 1, "body", body));
}

static void refuse_param(
    struct fake_judge *judge, int64_t id, enum err_kind kind, const char *code, const char *param)
{
    struct err err = {0};

    err_code(&err, kind, code, param, "refused as asked");
    say(judge, message_make(MESSAGE_reply, "{s:I, s:b, s:o}", "id", (json_int_t)id, "ok", 0,
                   "error", message_from_err(&err)));
}

static void refuse(struct fake_judge *judge, int64_t id, enum err_kind kind, const char *code)
{
    refuse_param(judge, id, kind, code, "x");
}

static json_t *page(struct fake_judge *judge, const json_t *body)
{
    int64_t after = message_int(body, "after"), limit = message_int(body, "limit");
    json_t *entries = json_array();
    int64_t page_max = limit && limit < judge->page_max ? limit : judge->page_max;

    for (int64_t i = 0; i < page_max && after < judge->entries; i++)
        json_array_append_new(entries, entry(++after));
    return json_pack("{s:o, s:b, s:{s:I, s:s, s:s, s:i, s:[{s:I, s:s}]}}", "entries", entries,
        "more", after < judge->entries, "info", "size", (json_int_t)judge->entries, "origin",
        "logic-node/ledger", "public_key", "ed25519:x", "checkpoint_count", 1, "checkpoints",
        "size", (json_int_t)judge->entries, "text", "pinned\n");
}

static const char CATALOGUE[] =
    "{\"actions\":[{\"name\":\"dns_record_add\",\"title\":\"Add\",\"tier\":\"change\",\"summary\":"
    "\"adds\",\"examples\":[],"
    "\"parameters\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\",\"pattern\":"
    "\"^x\"},"
    "\"value\":{\"type\":\"string\"}},\"required\":[\"name\"],\"additionalProperties\":false}},"
    "{\"name\":\"node_list\",\"title\":\"List\",\"tier\":\"observe\",\"summary\":\"lists\","
    "\"examples\":[],"
    "\"parameters\":{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}}]}";

/* In the order of the judge's hot path, so that the gateway need not take it apart. */
static void answer_raw(struct fake_judge *judge, int64_t id, const char *body)
{
    char text[256];
    int len = snprintf(text, sizeof text,
        "{\"v\":1,\"type\":\"reply\",\"id\":%lld,\"ok\":true,\"body\":%s}", (long long)id, body);

    (void)!send(judge->fd, text, (size_t)len, MSG_NOSIGNAL);
}

static void do_query(struct fake_judge *judge, int64_t id, const json_t *message)
{
    const json_t *body = json_object_get(message, "body");
    const char *query = message_text(body, "query");

    if (strcmp(query, "silent") == 0)
        return;
    if (strcmp(query, "die") == 0)
        shutdown(judge->fd, SHUT_RDWR);
    else if (strcmp(query, "leave") == 0)
        refuse_param(judge, id, ERR_PEER, "judge_leaving", NULL);
    else if (strcmp(query, "leave_begun") == 0)
        refuse_param(judge, id, ERR_PEER, "judge_leaving", "01JCASE");
    else if (strcmp(query, "refuse") == 0)
        refuse(judge, id, ERR_DENIED, "not_owned");
    else if (strcmp(query, "raw") == 0)
        answer_raw(judge, id, "{\"answers\": [ 1.50 ]}");
    else if (strcmp(query, "raw_broken") == 0)
        answer_raw(judge, id, "{},\"more\":{}");
    else if (strcmp(query, "nonsense") == 0)
        (void)!send(judge->fd, "{\"v\":1}", 7, MSG_NOSIGNAL);
    else
        answer(judge, id,
            json_pack("{s:[O], s:O}", "answers", body, "who", json_object_get(message, "who")));
}

static void do_intent(struct fake_judge *judge, int64_t id, const json_t *body)
{
    bool lost = strstr(message_text(body, "nl"), "gibberish") != NULL;

    if (strcmp(message_text(body, "nl"), "die") == 0) {
        shutdown(judge->fd, SHUT_RDWR);
        return;
    }
    answer(judge, id,
        json_pack("{s:s, s:n, s:n, s:s, s:O}", "status", lost ? "not_understood" : "success",
            "case", "intent", "text", lost ? "Not understood." : "Done.", "seen", body));
}

static bool refuse_this(struct fake_judge *judge, int64_t id, const char *method)
{
    json_t *codes = json_object_get(judge->refusals, method);

    if (json_array_size(codes) == 0)
        return false;
    refuse(judge, id, ERR_INPUT, json_string_value(json_array_get(codes, 0)));
    json_array_remove(codes, 0);
    return true;
}

/* What the test said: to "METHOD PRINCIPAL", or else to the method. */
static json_t *told_answer(struct fake_judge *judge, const json_t *message)
{
    const json_t *who = json_object_get(message, "who");
    char name[256];

    snprintf(name, sizeof name, "%s %s", message_text(message, "method"),
        message_text(who, "principal"));
    json_t *body = json_object_get(judge->answers, name);
    return body ? body : json_object_get(judge->answers, message_text(message, "method"));
}

static void serve(struct fake_judge *judge, const json_t *message)
{
    const char *method = message_text(message, "method");
    const json_t *body = json_object_get(message, "body");
    int64_t id = message_int(message, "id");

    if (refuse_this(judge, id, method))
        ;
    else if (json_is_string(told_answer(judge, message)))
        refuse(judge, id, ERR_DENIED, json_string_value(told_answer(judge, message)));
    else if (told_answer(judge, message))
        answer(judge, id, json_incref(told_answer(judge, message)));
    else if (strcmp(method, "query") == 0)
        do_query(judge, id, message);
    else if (strcmp(method, "intent") == 0)
        do_intent(judge, id, body);
    else if (strcmp(method, "proposal") == 0)
        answer(judge, id,
            json_pack(
                "{s:s, s:s, s:O}", "status", "awaiting_consent", "text", "waits", "seen", body));
    else if (strcmp(method, "actions") == 0)
        answer(judge, id, json_loads(CATALOGUE, 0, NULL));
    else if (strcmp(method, "plan") == 0)
        answer(
            judge, id, json_pack("{s:s, s:s}", "plan", "{\"a\":\"\xc3\xbc\"}", "plan_sha256", "x"));
    else if (strncmp(method, "ledger", 6) == 0)
        answer(judge, id, page(judge, body));
    else if (strcmp(method, "people") == 0)
        answer(judge, id, json_pack("{s:[], s:[]}", "people", "origins"));
    else if (strcmp(method, "status") == 0)
        answer(judge, id,
            json_pack("{s:b, s:I, s:{s:I}, s:{s:I}}", "ledger", 1, "open_cases", (json_int_t)3,
                "closed_cases", "success", (json_int_t)7, "judge", "under_way", (json_int_t)1));
    else
        answer(judge, id, json_pack("{s:s, s:O}", "method", method, "seen", body));
}

static void take(struct fake_judge *judge, json_t *message)
{
    const char *method = message_text(message, "method");

    pthread_mutex_lock(&judge->lock);
    if (strcmp(method, "ledger") == 0)
        judge->pages++;
    else if (strncmp(method, "runbook_", 8) == 0)
        judge->told_count =
            json_array_append(judge->told, message) == 0 ? judge->told_count + 1 : 0;
    else if (strcmp(method, "status") != 0 && strcmp(method, "inference") != 0 &&
             strcmp(method, "alerts") != 0 && strcmp(method, "people") != 0)
        judge->asked++;
    if (strcmp(method, "people") != 0) { /* asked of itself, at any time */
        json_decref(judge->last);
        judge->last = json_incref(message);
    }
    pthread_cond_broadcast(&judge->change);
    while (judge->hold_pages && strcmp(method, "ledger") == 0)
        pthread_cond_wait(&judge->change, &judge->lock);
    serve(judge, message);
    pthread_mutex_unlock(&judge->lock);
}

static void take_text(struct fake_judge *judge, struct str text)
{
    enum message_type type;
    struct err err;
    json_t *message;

    if (!message_read(text, &message, &type, &err))
        panic("the gateway sent: %s", err.message);
    check(type == MESSAGE_request || type == MESSAGE_left);
    if (type == MESSAGE_request) {
        take(judge, message);
    } else {
        pthread_mutex_lock(&judge->lock);
        judge->left++;
        pthread_cond_broadcast(&judge->change);
        pthread_mutex_unlock(&judge->lock);
    }
    json_decref(message);
}

static void *judge_run(void *context)
{
    struct fake_judge *judge = context;
    static _Thread_local char text[MESSAGE_BYTES_MAX];
    ssize_t got;

    while ((got = recv(judge->fd, text, sizeof text, 0)) > 0) {
        struct str rest = {text, (size_t)got}; /* messages in one packet have a NUL between them */
        while (rest.len)
            take_text(judge, str_cut(rest, '\0', &rest));
    }
    return NULL;
}

void judge_open(struct fake_judge *judge, int64_t entries)
{
    *judge = (struct fake_judge){.fd = -1,
        .entries = entries,
        .page_max = 100,
        .answers = json_object(),
        .refusals = json_object(),
        .told = json_array()};
    pthread_mutex_init(&judge->lock, NULL);
    pthread_cond_init(&judge->change, NULL);
}

void judge_join(struct fake_judge *judge, struct node *node)
{
    int ends[2];
    struct err err;

    check(fd_pair(MESSAGE_BYTES_MAX, ends, &err) && fd_set_blocking(ends[1], true, &err));
    judge->fd = ends[1];
    check(pthread_create(&judge->thread, NULL, judge_run, judge) == 0);
    node->join_fd = ends[0];
    uv_async_send(&node->wake);
    sem_wait(&node->done);
}

void judge_die(struct fake_judge *judge)
{
    if (judge->fd < 0)
        return;
    shutdown(judge->fd, SHUT_RDWR);
    judge_release_pages(judge);
    pthread_join(judge->thread, NULL);
    fd_done(&judge->fd);
}

void judge_close(struct fake_judge *judge)
{
    judge_die(judge);
    json_decref(judge->last);
    json_decref(judge->answers);
    json_decref(judge->refusals);
    json_decref(judge->told);
    pthread_mutex_destroy(&judge->lock);
    pthread_cond_destroy(&judge->change);
}

void judge_say(struct fake_judge *judge, json_t *message)
{
    pthread_mutex_lock(&judge->lock);
    say(judge, message);
    pthread_mutex_unlock(&judge->lock);
}

void judge_refuses(struct fake_judge *judge, const char *method, const char *code)
{
    pthread_mutex_lock(&judge->lock);
    if (!json_object_get(judge->refusals, method))
        json_object_set_new(judge->refusals, method, json_array());
    json_array_append_new(json_object_get(judge->refusals, method), json_string(code));
    pthread_mutex_unlock(&judge->lock);
}

void judge_answers(struct fake_judge *judge, const char *method, json_t *body)
{
    pthread_mutex_lock(&judge->lock);
    json_object_set_new(judge->answers, method, body);
    pthread_mutex_unlock(&judge->lock);
}

json_t *judge_told(struct fake_judge *judge, const char *method, int at)
{
    json_t *found = NULL, *message;
    size_t i;

    pthread_mutex_lock(&judge->lock);
    json_array_foreach (judge->told, i, message)
        if (!found && strcmp(message_text(message, "method"), method) == 0 && at-- == 0)
            found = json_incref(message);
    pthread_mutex_unlock(&judge->lock);
    return found;
}

void judge_make(struct fake_judge *judge)
{
    pthread_mutex_lock(&judge->lock);
    judge->entries++;
    pthread_mutex_unlock(&judge->lock);
}

void judge_tell(struct fake_judge *judge)
{
    pthread_mutex_lock(&judge->lock);
    scoped(json_done) json_t *made = entry(++judge->entries);
    say(judge,
        message_make(MESSAGE_event, "{s:I, s:s, s:s, s:s, s:O}", "seq", (json_int_t)judge->entries,
            "kind", message_text(made, "kind"), "case", message_text(made, "case"), "at",
            message_text(made, "at"), "body", json_object_get(made, "body")));
    pthread_mutex_unlock(&judge->lock);
}

bool judge_wait(struct fake_judge *judge, const int *number, int least)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MAX_S;
    pthread_mutex_lock(&judge->lock);
    while (*number < least && rc == 0)
        rc = pthread_cond_timedwait(&judge->change, &judge->lock, &until);
    bool reached = *number >= least;
    pthread_mutex_unlock(&judge->lock);
    return reached;
}

void judge_release_pages(struct fake_judge *judge)
{
    pthread_mutex_lock(&judge->lock);
    judge->hold_pages = false;
    pthread_cond_broadcast(&judge->change);
    pthread_mutex_unlock(&judge->lock);
}

/* --- the client ---------------------------------------------------------------------------------
 */

int client_open(struct node *node)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(node->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_sec = WAIT_MAX_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    check(connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

void client_send(int fd, const char *text)
{
    for (size_t len = strlen(text); len;) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        text += sent;
        len -= (size_t)sent;
    }
}

static ssize_t read_more(int fd, struct buf *text)
{
    char *room = buf_room(text, 65536);
    ssize_t got = room ? recv(fd, room, 65536, 0) : -1;

    text->len += got > 0 ? (size_t)got : 0;
    return got;
}

/* Signs of life come for ever: they are no answer. */
bool client_until(int fd, struct buf *text, const char *mark)
{
    int64_t end_ms = clock_steady_ms() + WAIT_MAX_S * 1000;

    while (!strstr(buf_text(text), mark))
        if (clock_steady_ms() > end_ms || read_more(fd, text) <= 0)
            return false;
    return true;
}

bool client_ended(int fd, struct buf *text)
{
    ssize_t got;

    while ((got = read_more(fd, text)) > 0)
        ;
    return got == 0;
}

void ask(struct node *node, const char *method, const char *path, const char *head,
    const char *body, struct reply *reply)
{
    scoped(fd_done) int fd = client_open(node);
    scoped(buf_done) struct buf request = buf_of(REPLY_BYTES_MAX);

    buf_printf(&request, "%s %s HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n%s", method,
        path, node->port, head);
    if (body)
        buf_printf(&request, "Content-Length: %zu\r\n", strlen(body));
    buf_add(&request, S("\r\n"));
    if (body)
        buf_add(&request, str_from(body));
    client_send(fd, buf_text(&request));
    *reply = (struct reply){.text = buf_of(REPLY_BYTES_MAX)};
    client_ended(fd, &reply->text);
    const char *text = buf_text(&reply->text), *end = strstr(text, "\r\n\r\n");
    if (strncmp(text, "HTTP/1.1 ", 9) == 0)
        reply->status = (text[9] - '0') * 100 + (text[10] - '0') * 10 + text[11] - '0';
    reply->body = end ? str_from(end + 4) : S("");
    reply->json = json_loadb(reply->body.at, reply->body.len, JSON_DECODE_ANY, NULL);
}

void reply_done(struct reply *reply)
{
    buf_done(&reply->text);
    json_decref(reply->json);
}

bool reply_has(const struct reply *reply, const char *text)
{
    const char *found = strstr(reply->text.at, text);
    return found && found < reply->body.at;
}

const char *reply_code(const struct reply *reply)
{
    const char *code =
        json_string_value(json_object_get(json_object_get(reply->json, "error"), "code"));
    return code ? code : "";
}

bool stream_has_run(struct buf *text, int64_t first, int64_t last)
{
    const char *at = buf_text(text);

    for (int64_t seq = first; seq <= last; seq++) {
        at = strstr(at, "\nid: ");
        if (!at || strtoll(at + 5, NULL, 10) != seq)
            return false;
        at++;
    }
    return !strstr(at, "\nid: ");
}
