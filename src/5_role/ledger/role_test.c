/* SPDX-License-Identifier: Apache-2.0
 *
 * The role as a process of its own, sandboxed, spoken to over real SOCK_SEQPACKET pairs: as the
 * supervisor and the judge do it.
 */
#include "ledger/fixture.h"
#include "ledger/ledger_role.h"
#include "os/fd.h"
#include "scratch.h"
#include "tap.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct node {
    pid_t role;
    int control, judge;
};

/* A child with descriptors 3 and 4 as the supervisor gives them. */
static void start(struct node *node, const char *folder)
{
    int control[2], config[2];
    char text[256];
    struct err err = {0};

    check(fd_pair(MESSAGE_BYTES_MAX, control, &err) && pipe2(config, O_CLOEXEC) == 0);
    int len = snprintf(
        text, sizeof text, "{\"home\":\"/nowhere\",\"folder\":\"%s\",\"settings\":{}}", folder);
    check(write(config[1], text, (size_t)len) == len);
    close(config[1]);
    node->role = fork();
    check(node->role >= 0);
    if (node->role == 0) {
        int high_control = fcntl(control[1], F_DUPFD_CLOEXEC, 20);
        int high_config = fcntl(config[0], F_DUPFD_CLOEXEC, 20);
        check(dup2(high_control, ROLE_CONTROL_FD) >= 0 && dup2(high_config, ROLE_CONFIG_FD) >= 0);
        for (int fd = ROLE_CONFIG_FD + 1; fd < 64; fd++)
            close(fd);
        _exit(role_run(&LEDGER_ROLE));
    }
    close(control[1]);
    close(config[0]);
    node->control = control[0];
    check(fd_set_blocking(node->control, true, &err));
    node->judge = -1;
}

static void tell(int fd, json_t *message, int passed)
{
    scoped(free_done) char *text = json_dumps(message, JSON_COMPACT);
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {text, strlen(text)};
    struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1};

    json_decref(message);
    if (passed >= 0) {
        head.msg_control = control;
        head.msg_controllen = sizeof control;
        struct cmsghdr *item = CMSG_FIRSTHDR(&head);
        item->cmsg_level = SOL_SOCKET;
        item->cmsg_type = SCM_RIGHTS;
        item->cmsg_len = CMSG_LEN(sizeof passed);
        memcpy(CMSG_DATA(item), &passed, sizeof passed);
    }
    check(sendmsg(fd, &head, MSG_NOSIGNAL) == (ssize_t)part.iov_len);
}

/* What is left of a packet: messages have a NUL between them. */
static struct str rest;
static int rest_of;

/* The next message; NULL when the other end is gone. */
static json_t *hear(int fd)
{
    static char text[MESSAGE_BYTES_MAX];
    enum message_type type;
    json_t *message = NULL;
    struct err err;

    if (rest.len == 0 || rest_of != fd) {
        ssize_t len = recv(fd, text, sizeof text, 0);
        if (len <= 0)
            return NULL;
        rest = (struct str){text, (size_t)len};
        rest_of = fd;
    }
    if (!message_read(str_cut(rest, '\0', &rest), &message, &type, &err))
        panic("%s", err.message);
    return message;
}

static bool hears(int fd, const char *type)
{
    scoped(json_done) json_t *message = hear(fd);
    return message && fixture_is(message, type);
}

static void connect_judge(struct node *node)
{
    int ends[2];
    struct err err = {0};

    check(fd_pair(MESSAGE_BYTES_MAX, ends, &err) && fd_set_blocking(ends[0], true, &err));
    fd_done(&node->judge);
    rest = (struct str){0};
    node->judge = ends[0];
    tell(node->control, message_make(MESSAGE_peer, "{s:s}", "role", "judge"), ends[1]);
    close(ends[1]);
}

static int finish(struct node *node)
{
    int status;

    check(waitpid(node->role, &status, 0) == node->role);
    fd_done(&node->control);
    fd_done(&node->judge);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(role_announces_itself_records_answers_and_ends_in_order)
{
    const char *folder = scratch_folder();
    struct node node;

    start(&node, folder);
    CHECK(hears(node.control, "loaded"));
    connect_judge(&node);
    CHECK(hears(node.control, "ready"));
    for (int64_t id = 1; id <= 40; id++)
        tell(node.judge, fixture_append(id, "case_opened", "A", true), -1);
    tell(node.judge,
        message_make(MESSAGE_read, "{s:i, s:s, s:s}", "id", 99, "what", "case", "case", "A"), -1);
    for (int64_t id = 1; id <= 40; id++) {
        scoped(json_done) json_t *reply = hear(node.judge);
        REQUIRE(reply && fixture_is(reply, "appended"));
        CHECK_INT(message_int(reply, "id"), id);
        CHECK_INT(message_int(json_array_get(json_object_get(reply, "entries"), 0), "seq"), id);
    }
    scoped(json_done) json_t *page = hear(node.judge);
    CHECK_INT(json_array_size(json_object_get(page, "entries")), 40);
    tell(node.control, message_make(MESSAGE_stop, "{}"), -1);
    CHECK_INT(finish(&node), 0);

    scoped(ledger_close) struct ledger_core *core = NULL;
    struct err err = {0};
    REQUIRE(fixture_open(folder, &core, &err));
    CHECK_INT(ledger_size(core), 40);
    scoped(json_done) json_t *pinned = fixture_read(core, "checkpoint", 0, "", 0);
    CHECK_INT(message_int(json_object_get(pinned, "info"), "checkpoint_count"), 1);
}

TEST(judge_started_again_finds_what_the_one_before_was_told)
{
    struct node node;

    start(&node, scratch_folder());
    CHECK(hears(node.control, "loaded"));
    for (int64_t life = 1; life <= 3; life++) {
        connect_judge(&node);
        tell(node.judge, fixture_append(life, "case_opened", "A", true), -1);
        scoped(json_done) json_t *reply = hear(node.judge);
        REQUIRE(reply && fixture_is(reply, "appended"));
        CHECK_INT(message_int(json_array_get(json_object_get(reply, "entries"), 0), "seq"), life);
    }
    tell(node.control, message_make(MESSAGE_stop, "{}"), -1);
    CHECK_INT(finish(&node), 0);
}

TEST(role_does_not_start_on_a_broken_ledger)
{
    const char *folder = scratch_folder();
    char path[128];
    struct node node;

    snprintf(path, sizeof path, "%s/%s", folder, LEDGER_FILE);
    FILE *file = fopen(path, "w");
    REQUIRE(file);
    for (int i = 0; i < 1000; i++)
        fputs("not a ledger ", file);
    fclose(file);
    start(&node, folder);
    CHECK(!hear(node.control));
    CHECK_INT(finish(&node), 1);
}

TEST(role_ends_when_its_supervisor_does)
{
    struct node node;

    start(&node, scratch_folder());
    CHECK(hears(node.control, "loaded"));
    fd_done(&node.control);
    CHECK_INT(finish(&node), 0);
}

TAP_MAIN
