/* SPDX-License-Identifier: Apache-2.0
 *
 * presence — is somebody at this desktop, and what is told of it? Pure: what a look at a Windows
 * session gave goes in, decisions and texts come out. The looks are 4_port/desktop.
 *
 *     look.front = presence_front(&look.window, look.notice);
 *     if (presence_person(&look, PRESENCE_IDLE_S))  …its kind and words as the agent of Linux has
 * them presence_metrics(&look, PRESENCE_IDLE_S, &text);
 *
 * Three texts of one look. presence_json() and presence_table() are for who sits there: names of
 * processes, the title of the window in front. presence_metrics() leaves the machine: numbers only,
 * no name of a person, program or window, whatever the look holds.
 *
 * Names come from other programs, so anything may stand in them: presence_text() makes printable
 * UTF-8 of them, cut at its room. What is unknown is left out, or null; never zero.
 *
 * threads  any: no state
 * source   Windows: GetForegroundWindow, SHQueryUserNotificationState (QUNS_…), GetLastInputInfo;
 *          node_exporter's names of metrics
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define PRESENCE_NAME_BYTES 128 /* of a process or a person, with its terminator */
#define PRESENCE_TITLE_BYTES 256
#define PRESENCE_WORDS_BYTES 320
#define PRESENCE_PROCESSES_MAX 1024 /* further ones are counted */
#define PRESENCE_CPUS_MAX 256
#define PRESENCE_TEXT_BYTES_MAX (1024 * 1024)
#define PRESENCE_IDLE_S                                                                            \
    600 /* who has typed within this time is there; as the agent of Linux has it */
#define PRESENCE_IDLE_MAX_S 86400
#define PRESENCE_UNKNOWN (-1)

/* --- what is in front ----------------------------------------------------------------------- */

struct presence_box {
    int32_t left, top, right, bottom;
};

struct presence_window {
    bool there; /* some window is in front; without one the rest says nothing */
    bool visible, minimised, maximised;
    bool titled; /* it has a title bar */
    bool shells; /* the shell's own, or of the shell's process: desktop, task bar, task view */
    char kind[PRESENCE_NAME_BYTES]; /* its class */
    char process[PRESENCE_NAME_BYTES], title[PRESENCE_TITLE_BYTES];
    struct presence_box box, monitor; /* of the monitor that holds most of it */
};

/* What SHQueryUserNotificationState() says, by its numbers. */
enum presence_notice {
    PRESENCE_NOTICE_UNKNOWN = 0,
    PRESENCE_NOTICE_AWAY = 1, /* locked, a screen saver, another person's session */
    PRESENCE_NOTICE_BUSY = 2,
    PRESENCE_NOTICE_GAME = 3, /* Direct3D has the screen to itself */
    PRESENCE_NOTICE_PRESENTATION = 4,
    PRESENCE_NOTICE_OPEN = 5,
    PRESENCE_NOTICE_QUIET = 6,
    PRESENCE_NOTICE_APP = 7,
};

enum presence_front {
    PRESENCE_FRONT_UNKNOWN, /* there is no desktop to look at */
    PRESENCE_FRONT_NOTHING, /* the desktop, the shell, or no window */
    PRESENCE_FRONT_WINDOW,
    PRESENCE_FRONT_FULL_SCREEN, /* an application has the whole monitor */
    PRESENCE_FRONT_LOCKED,
};

/* A window that covers its monitor is a full-screen application unless it is the shell's, a
 * maximised window with a title bar, a screen saver or the lock screen. */
enum presence_front presence_front(
    const struct presence_window *window, enum presence_notice notice);
/* unknown nothing window full_screen locked */
const char *presence_front_word(enum presence_front front);

/* Seconds between two readings of a clock of 32 bits in milliseconds that goes round every 49.7
 * days. A last input that lies a little ahead of now is now. */
int64_t presence_idle_s(uint32_t now_ms, uint32_t last_ms);

/* --- a look --------------------------------------------------------------------------------- */

struct presence_cpu { /* since the machine started, in units of 100 ns */
    int64_t idle, user, system;
};

struct presence_process {
    uint32_t id;
    char name[PRESENCE_NAME_BYTES];
};

struct presence_look {
    char host[PRESENCE_NAME_BYTES], person[PRESENCE_NAME_BYTES];
    int64_t civil_ms, uptime_s;
    int64_t memory_bytes, memory_available_bytes;
    struct presence_cpu cpus[PRESENCE_CPUS_MAX];
    size_t cpus_count;
    int64_t busy_permille; /* of all processors, between two looks; or PRESENCE_UNKNOWN */
    bool has_desktop;      /* false in session 0: idle_s, window and notice say nothing */
    int64_t idle_s;        /* since somebody typed or moved the mouse; or PRESENCE_UNKNOWN */
    struct presence_window window;
    enum presence_notice notice;
    enum presence_front front;
    struct presence_process processes[PRESENCE_PROCESSES_MAX];
    size_t processes_count, processes_left_out;
};

/* How busy all processors were from one look to the other, 0…1000; PRESENCE_UNKNOWN where time
 * did not go on, went back, or the processors are not the same. */
int64_t presence_busy(const struct presence_cpu *before, size_t before_count,
    const struct presence_cpu *after, size_t after_count);

/* Somebody is there: a full-screen application (a film, a game played with a gamepad: no input is
 * seen), or input within idle_s. */
bool presence_person(const struct presence_look *look, int64_t idle_s);

/* --- texts ---------------------------------------------------------------------------------- */

/* UTF-16 as Windows has it, up to its first 0 or `count`, as UTF-8 with a terminator: a half of a
 * surrogate pair and marks that turn the direction of a line become U+FFFD, control characters a
 * space; cut between characters. Returns the length. */
size_t presence_text(const uint16_t *wide, size_t count, char *ret_text, size_t bytes);

/* Ends with a line feed. Each past out's limit: nothing more is added (buf.h). */
void presence_json(const struct presence_look *look, int64_t idle_s, struct buf *out);
void presence_table(const struct presence_look *look, int64_t idle_s, struct buf *out);
/* Prometheus text. */
void presence_metrics(const struct presence_look *look, int64_t idle_s, struct buf *out);

/* --- where the metrics may go (target.c) ------------------------------------------------------ */

#define PRESENCE_URL_BYTES_MAX 500
#define PRESENCE_TOKEN_BYTES_MAX 4096
#define PRESENCE_EVERY_MAX_S 3600

struct presence_target {
    bool https;
    char host[PRESENCE_URL_BYTES_MAX + 1], path[PRESENCE_URL_BYTES_MAX + 1];
    uint16_t port;
};

/* https://HOST[:PORT][/PATH] or http://127.0.0.1:PORT[/PATH]: who sends a token must be sure who
 * gets it. errors  ERR_INPUT "bad_url", which says what is wrong */
bool presence_target(struct str url, struct presence_target *ret_target, struct err *err);
/* Of a file: white space around it is no part of it. errors  ERR_INPUT "bad_token" */
bool presence_token(struct str file, struct str *ret_token, struct err *err);
