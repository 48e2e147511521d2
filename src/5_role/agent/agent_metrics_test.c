/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/agent.h"

#include "agent/agent_harness.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "exposition/exposition.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"
#include "json/json_read.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_good(struct str text)
{
    const struct exposition_limits limits = EXPOSITION_LIMITS;
    struct err err = {0};
    size_t samples;

    return exposition_check(text, &limits, &samples, &err) && samples > 100;
}

TEST(the_sensor_may_ask_for_numbers_and_for_nothing_that_does_something)
{
    scoped(site_done) struct site site;
    scoped(buf_done) struct buf out = buf_of(1 << 20);

    site_make(&site, false);
    site_start(&site);
    CHECK_INT(site_ask(&site, "sensor", "/v1/metrics", NULL, NULL, &out), 200);
    CHECK(is_good(buf_str(&out)));
    CHECK(strstr(buf_text(&out), "\nnode_load1 ") != NULL);
    CHECK_INT(site_ask(&site, "sensor", "/v1/status", NULL, NULL, NULL), 200);
    CHECK_INT(site_ask(&site, "sensor", "/v1/orders", "{}", NULL, NULL), 403);
    CHECK_INT(site_ask(&site, "sensor", "/v1/pools/p/v1/models", NULL, NULL, NULL), 403);
    CHECK_INT(site_ask(&site, "sensor", "/v1/metrics", "{}", NULL, NULL), 405);
    CHECK_INT(site_ask(&site, "sensor", "/v1/metrics/more", NULL, NULL, NULL), 405);
    CHECK_INT(site_ask(&site, "gateway", "/v1/metrics", NULL, NULL, NULL), 200);
    CHECK_INT(site_ask(&site, "intruder", "/v1/metrics", NULL, NULL, NULL), 403);
    CHECK_INT(site_ask(&site, "", "/v1/metrics", NULL, NULL, NULL), 0);
}

TEST(on_the_socket_our_own_user_may_ask)
{
    scoped(site_done) struct site site;
    scoped(buf_done) struct buf out = buf_of(1 << 20);

    site_make(&site, true);
    site_start(&site);
    CHECK_INT(site_ask(&site, "", "/v1/metrics", NULL, NULL, &out), 200);
    CHECK(is_good(buf_str(&out)));
}

TEST(what_keeps_it_awake_is_told_as_numbers_and_without_words)
{
    static const char *const ZERO[] = {"gpu_work", "loading", "serving"};
    scoped(site_done) struct site site;
    scoped(buf_done) struct buf out = buf_of(1 << 20);
    struct err err;
    char line[64];
    int before = -1, now = -1;

    site_make(&site, true);
    site_start(&site);
    CHECK_INT(site_ask(&site, "", "/v1/metrics", NULL, NULL, &out), 200);
    for (size_t i = 0; i < COUNT(ZERO); i++) {
        snprintf(line, sizeof line, "\nlogic_agent_inhibitors{kind=\"%s\"} 0\n", ZERO[i]);
        CHECK(strstr(buf_text(&out), line) != NULL);
    }
    CHECK(strstr(buf_text(&out), "\nlogic_agent_inhibitors{kind=\"person\"} ") != NULL);
    static const char TRANSFER[] = "\nlogic_agent_inhibitors{kind=\"transfer\"} ";
    const char *told = strstr(buf_text(&out), TRANSFER);
    REQUIRE(told && sscanf(told + sizeof TRANSFER - 1, "%d", &before) == 1);
    check(file_replace(site_path(&site, "inhibit.d/backup"), S("secret plans\n"), 0600, &err));
    buf_clear(&out);
    CHECK_INT(site_ask(&site, "", "/v1/metrics", NULL, NULL, &out), 200);
    told = strstr(buf_text(&out), TRANSFER);
    REQUIRE(told && sscanf(told + sizeof TRANSFER - 1, "%d", &now) == 1);
    CHECK_INT(now, before + 1);
    CHECK(is_good(buf_str(&out)) && strstr(buf_text(&out), "secret plans") == NULL);
}

TEST(gpus_are_told_beside_the_machine)
{
    scoped(site_done) struct site site;
    scoped(buf_done) struct buf out = buf_of(1 << 20);
    char path[SITE_PATH_BYTES];

    site_make(&site, true);
    snprintf(path, sizeof path, "%s/nvidia-smi", site.folder);
    FILE *file = fopen(path, "w"); /* FAKE */
    fputs("#!/bin/sh\ncase \"$1\" in\n--query-gpu*) echo "
          "'0, GPU-12345678, FAKE RTX, 16303, 1024, 15279, 12, 61, 88.50, 550.1' ;;\nesac\n",
        file);
    fchmod(fileno(file), 0755);
    fclose(file);
    json_object_set_new(site.more, "nvidia_smi", json_string(path));
    site_start(&site);
    CHECK_INT(site_ask(&site, "", "/v1/metrics", NULL, NULL, &out), 200);
    CHECK(is_good(buf_str(&out)));
    CHECK(strstr(buf_text(&out), "DCGM_FI_DEV_GPU_TEMP{gpu=\"0\",UUID=\"GPU-12345678\",") != NULL);
    CHECK(strstr(buf_text(&out), "} 88.5\n") != NULL);
}

/* --- push ----------------------------------------------------------------------------------------
 */

static int listen_somewhere(uint16_t *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    check(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 4) == 0 &&
          getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

/* A FAKE node: takes one request whole, answers 204. */
static void take_request(int listener, struct buf *out)
{
    struct pollfd wait = {listener, POLLIN, 0};
    const char *length, *end;
    long left = -1;

    CHECK(poll(&wait, 1, 20000) == 1);
    int fd = accept(listener, NULL, NULL);
    while (left != 0) {
        char *room = buf_room(out, 65536);
        ssize_t got = room ? read(fd, room, 65536) : -1;
        if (got <= 0)
            break;
        out->len += (size_t)got;
        end = strstr(buf_text(out), "\r\n\r\n");
        length = strstr(buf_text(out), "Content-Length: ");
        if (end && length)
            left = strtol(length + 16, NULL, 10) - (long)(out->len - (size_t)(end + 4 - out->at));
    }
    static const char ANSWER[] = "HTTP/1.1 204 No Content\r\n\r\n";
    CHECK(write(fd, ANSWER, sizeof ANSWER - 1) > 0);
    close(fd);
}

TEST(numbers_go_by_themselves_to_a_node_that_cannot_ask)
{
    scoped(site_done) struct site site;
    scoped(buf_done) struct buf out = buf_of(1 << 20);
    char url[128], token[3001] = "", line[3100];
    uint16_t port;
    int listener = listen_somewhere(&port);

    site_make(&site, true);
    memset(token, 'k', sizeof token - 1); /* as long as tokens are, and longer */
    snprintf(url, sizeof url, "http://127.0.0.1:%u/api/v1/senses/tower", port);
    json_object_set_new(
        site.more, "push", json_pack("{s:s, s:s, s:i}", "url", url, "token", token, "every_s", 1));
    site_start(&site);
    take_request(listener, &out);
    CHECK(str_starts(buf_str(&out), S("POST /api/v1/senses/tower HTTP/1.1\r\n")));
    snprintf(line, sizeof line, "Authorization: Bearer %s\r\n", token);
    CHECK(strstr(buf_text(&out), line) != NULL);
    const char *body = strstr(buf_text(&out), "\r\n\r\n");
    CHECK(body && is_good(str_from(body + 4)));
    buf_clear(&out);
    take_request(listener, &out); /* and again */
    CHECK(str_starts(buf_str(&out), S("POST ")));
    close(listener);
}

TEST(a_push_that_could_leak_its_token_is_refused)
{
    static const char *const BAD[] = {"{\"url\":\"http://192.0.2.1:30080/x\",\"token\":\"t\"}",
        "{\"url\":\"http://127.0.0.1.example/x\",\"token\":\"t\"}",
        "{\"url\":\"https://node:30080/x\",\"token\":\"t\"}", /* whom to trust? */
        "{\"url\":\"ftp://node/\",\"token\":\"t\"}",
        "{\"url\":\"http://127.0.0.1:1/x\",\"token\":\"a\\r\\nb\"}",
        "{\"url\":\"http://127.0.0.1:1/x\",\"token\":\"t\",\"every_s\":0}",
        "{\"url\":\"http://127.0.0.1:1/x\"}"};
    struct agent_config config;
    struct err err;

    for (size_t i = 0; i < COUNT(BAD); i++) {
        scoped(json_done) json_t *push = json_loads(BAD[i], 0, NULL);
        scoped(json_done) json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:O}", "schema",
            AGENT_SCHEMA, "host", "tower", "socket", "/tmp/x", "order_key",
            "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "push", push);
        CHECK(json != NULL);
        bool taken = agent_config_read(json, "/tmp", &config, &err);
        if (taken)
            printf("# taken: %s\n", BAD[i]);
        CHECK(!taken && err.kind == ERR_INPUT);
    }
}

TAP_MAIN
