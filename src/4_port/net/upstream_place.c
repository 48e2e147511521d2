/* SPDX-License-Identifier: Apache-2.0
 * Places: what their URL says, their connections, and the way to an address. */
#include "base/panic.h"
#include "base/scoped.h"
#include "net/tls_stream.h"
#include "net/upstream_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

/* --- lines -------------------------------------------------------------------------------- */

void line_set_idle(struct upstream_line *line, bool idle)
{
    struct upstream_place *place = line->place;

    if (line->idle == idle)
        return;
    line->idle = idle;
    place->counts.idle += idle ? 1 : (uint64_t)-1;
    if (idle) {
        line->prev_idle = NULL;
        line->next_idle = place->idle;
        if (place->idle)
            place->idle->prev_idle = line;
        place->idle = line;
        return;
    }
    if (line->prev_idle)
        line->prev_idle->next_idle = line->next_idle;
    else
        place->idle = line->next_idle;
    if (line->next_idle)
        line->next_idle->prev_idle = line->prev_idle;
}

struct upstream_line *place_take_idle(struct upstream_place *place)
{
    while (place->idle) {
        struct upstream_line *line = place->idle;
        line_set_idle(line, false);
        if (!line->conn->closing && !line->conn->eof)
            return line;
    }
    return NULL;
}

static struct upstream_line *line_make(struct upstream_place *place)
{
    struct upstream_line *line = calloc(1, sizeof *line);

    check(line);
    line->place = place;
    line->next = place->lines;
    if (line->next)
        line->next->prev = line;
    place->lines = line;
    place->counts.open++;
    return line;
}

static void place_free_if_done(struct upstream_place *place)
{
    struct upstream *upstream = place->upstream;

    if (!place->closing || place->lines)
        return;
    if (place->prev)
        place->prev->next = place->next;
    else
        upstream->places = place->next;
    if (place->next)
        place->next->prev = place->prev;
    free(place->url);
    free(place->authority);
    free(place->host);
    free(place->socket_path);
    free(place->server_name);
    free(place);
    upstream_end_if_done(upstream);
}

/* --- names and addresses --------------------------------------------------------------------- */

struct upstream_lookup {
    uv_getaddrinfo_t request;
    struct upstream *upstream;
    struct upstream_line *line; /* NULL: nobody waits any more */
};

static void lookup_forget(struct upstream_line *line)
{
    if (!line->lookup)
        return;
    line->lookup->line = NULL;
    uv_cancel((uv_req_t *)&line->lookup->request);
    line->lookup = NULL;
}

void line_free(struct upstream_line *line)
{
    struct upstream_place *place = line->place;

    line_set_idle(line, false);
    lookup_forget(line);
    if (line->addresses)
        uv_freeaddrinfo(line->addresses);
    http_reply_reader_done(&line->reader);
    if (line->prev)
        line->prev->next = line->next;
    else
        place->lines = line->next;
    if (line->next)
        line->next->prev = line->prev;
    place->counts.open--;
    free(line);
    place_free_if_done(place);
}

static void connect_to(struct upstream_line *line, const struct sockaddr *address)
{
    struct upstream_place *place = line->place;

    conn_connect_tcp(line->conn, address,
        place->tls ? tls_stream_open_client(place->tls, place->server_name) : NULL);
}

static void conn_for(struct upstream_line *line)
{
    struct conn_shared *shared = &line->place->upstream->shared;
    uint64_t now_ms = uv_now(shared->loop);

    line->conn = conn_make(shared, line->place->socket_path != NULL, &UPSTREAM_PROTOCOL, line);
    conn_set_due(line->conn, line->connect_due_ms > now_ms ? line->connect_due_ms - now_ms : 1);
}

bool line_connect_next(struct upstream_line *line)
{
    if (!line->next_address)
        return false;
    conn_for(line);
    connect_to(line, line->next_address->ai_addr);
    line->next_address = line->next_address->ai_next;
    return true;
}

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct upstream_lookup *lookup = (struct upstream_lookup *)request;
    struct upstream_line *line = lookup->line;
    struct upstream *upstream = lookup->upstream;

    free(lookup);
    upstream->lookups--;
    if (!line) {
        uv_freeaddrinfo(addresses);
        upstream_end_if_done(upstream);
        return;
    }
    line->lookup = NULL;
    line->addresses = addresses;
    if (line->conn->closing)
        return;
    if (status < 0) {
        conn_break(line->conn, status);
        return;
    }
    line->next_address = addresses->ai_next;
    connect_to(line, addresses->ai_addr);
}

static void look_up(struct upstream_line *line)
{
    struct upstream_place *place = line->place;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
    struct upstream_lookup *lookup = calloc(1, sizeof *lookup);
    char port[8];

    check(lookup);
    lookup->upstream = place->upstream;
    lookup->line = line;
    snprintf(port, sizeof port, "%u", place->port);
    int bad = uv_getaddrinfo(
        place->upstream->shared.loop, &lookup->request, on_looked_up, place->host, port, &hints);
    if (bad) {
        free(lookup);
        conn_break(line->conn, bad);
        return;
    }
    line->lookup = lookup;
    place->upstream->lookups++;
}

struct upstream_line *place_connect(struct upstream_place *place, struct upstream_call *call)
{
    struct upstream *upstream = place->upstream;
    struct upstream_line *line = line_make(place);

    line->call = call;
    call->line = line;
    call->phase = PHASE_CONNECT;
    line->connect_due_ms =
        uv_now(upstream->shared.loop) + (uint64_t)upstream->limits.upstream_connect_ms;
    conn_for(line);
    if (place->socket_path)
        conn_connect_unix(line->conn, place->socket_path);
    else if (place->numeric)
        connect_to(line, (const struct sockaddr *)&place->address);
    else
        look_up(line);
    return line;
}

/* --- places ---------------------------------------------------------------------------------- */

static bool bad_place(struct err *err, const char *url, const char *why)
{
    return err_code(
        err, ERR_INPUT, "bad_place", "url", "'%.200s' is no place to send requests: %s", url, why);
}

static bool read_unix(struct upstream_place *place, const char *path, struct err *err)
{
    if (path[0] != '/' || strlen(path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return bad_place(err, place->url,
            "the path of the socket must be absolute and shorter "
            "than 108 bytes");
    place->socket_path = str_dup(str_from(path));
    place->authority = str_dup(S("localhost"));
    return true;
}

/* "[::1]:80", "engine:8081", "10.0.0.2" */
static bool read_authority(
    struct upstream_place *place, struct str authority, uint16_t port, struct err *err)
{
    struct str name;
    uint64_t number = port;

    if (str_ends(authority, S("/")))
        authority.len--;
    if (!http_host_name(authority, &name))
        return bad_place(err, place->url, "host:port must follow, and nothing behind it");
    if (name.len < authority.len)
        check(str_to_u64((struct str){authority.at + name.len + 1, authority.len - name.len - 1},
            65535, &number));
    place->port = (uint16_t)number;
    place->authority = str_dup(authority);
    if (str_starts(name, S("[")))
        name = (struct str){name.at + 1, name.len - 2};
    place->host = str_dup(name);
    const char *literal = str_eq_nocase(name, S("localhost")) ? "127.0.0.1" : place->host;
    place->numeric =
        uv_ip4_addr(literal, place->port, (struct sockaddr_in *)&place->address) == 0 ||
        uv_ip6_addr(literal, place->port, (struct sockaddr_in6 *)&place->address) == 0;
    return true;
}

static bool read_url(struct upstream_place *place, struct err *err)
{
    struct str url = str_from(place->url);

    if (str_starts(url, S("unix:")))
        return !place->tls ? read_unix(place, place->url + 5, err)
                           : bad_place(err, place->url, "a unix socket takes no TLS");
    if (str_starts(url, S("https://")))
        return place->tls ? read_authority(place, (struct str){url.at + 8, url.len - 8}, 443, err)
                          : bad_place(err, place->url, "https needs an authority to trust");
    if (str_starts(url, S("http://")))
        return !place->tls ? read_authority(place, (struct str){url.at + 7, url.len - 7}, 80, err)
                           : bad_place(err, place->url, "with TLS it must begin with https://");
    return bad_place(err, place->url, "it must begin with http://, https:// or unix:/");
}

bool upstream_place_open(struct upstream *upstream, const char *url, struct tls *tls,
    const char *server_name, struct upstream_place **ret_place, struct err *err)
{
    struct upstream_place *place = calloc(1, sizeof *place);

    check(place && !upstream->closing);
    place->upstream = upstream;
    place->url = str_dup(str_from(url));
    place->tls = tls;
    place->next = upstream->places;
    if (place->next)
        place->next->prev = place;
    upstream->places = place;
    if (!read_url(place, err)) {
        upstream_place_close(&place);
        return false;
    }
    if (tls)
        place->server_name = str_dup(str_from(server_name ? server_name : place->host));
    *ret_place = place;
    return true;
}

void upstream_place_close(struct upstream_place **at)
{
    struct upstream_place *place = *at;

    *at = NULL;
    if (!place || place->closing)
        return;
    place->closing = true;
    for (struct upstream_line *line = place->lines; line; line = line->next)
        conn_close(line->conn);
    place_free_if_done(place);
}

const char *upstream_place_url(const struct upstream_place *place)
{
    return place->url;
}

struct upstream_counts upstream_place_counts(const struct upstream_place *place)
{
    return place->counts;
}
