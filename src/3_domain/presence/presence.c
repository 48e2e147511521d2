/* SPDX-License-Identifier: Apache-2.0 */
#include "presence/presence.h"

/* Windows of the shell that cover the screen, also where its process cannot be told. */
static const struct str SHELL_KINDS[] = {
    S("Progman"), S("WorkerW"), S("#32769"), S("Shell_TrayWnd"), S("XamlExplorerHostIslandWindow")};
static const struct str LOCK_KINDS[] = {
    S("WindowsScreenSaverClass"), S("LockScreenControllerProxyWindow")};
static const struct str LOCK_PROCESSES[] = {S("LockApp.exe"), S("LogonUI.exe")};

static bool is_one_of(const char *text, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq_nocase(str_from(text), list[i]))
            return true;
    return false;
}

#define IS_ONE_OF(text, list) is_one_of(text, list, sizeof(list) / sizeof *(list))

static bool covers(const struct presence_box *box, const struct presence_box *monitor)
{
    return monitor->right > monitor->left && monitor->bottom > monitor->top &&
           box->left <= monitor->left && box->top <= monitor->top && box->right >= monitor->right &&
           box->bottom >= monitor->bottom;
}

enum presence_front presence_front(
    const struct presence_window *window, enum presence_notice notice)
{
    if (notice == PRESENCE_NOTICE_AWAY)
        return PRESENCE_FRONT_LOCKED;
    if (notice == PRESENCE_NOTICE_GAME)
        return PRESENCE_FRONT_FULL_SCREEN;
    if (!window->there)
        return PRESENCE_FRONT_NOTHING;
    if (IS_ONE_OF(window->kind, LOCK_KINDS) || IS_ONE_OF(window->process, LOCK_PROCESSES))
        return PRESENCE_FRONT_LOCKED;
    if (window->shells || IS_ONE_OF(window->kind, SHELL_KINDS))
        return PRESENCE_FRONT_NOTHING;
    if (!window->visible || window->minimised)
        return PRESENCE_FRONT_WINDOW;
    /* with a task bar that hides itself a maximised window covers its monitor, too */
    if (window->maximised && window->titled)
        return PRESENCE_FRONT_WINDOW;
    return covers(&window->box, &window->monitor) ? PRESENCE_FRONT_FULL_SCREEN
                                                  : PRESENCE_FRONT_WINDOW;
}

const char *presence_front_word(enum presence_front front)
{
    switch (front) {
    case PRESENCE_FRONT_UNKNOWN:
        return "unknown";
    case PRESENCE_FRONT_NOTHING:
        return "nothing";
    case PRESENCE_FRONT_WINDOW:
        return "window";
    case PRESENCE_FRONT_FULL_SCREEN:
        return "full_screen";
    case PRESENCE_FRONT_LOCKED:
        return "locked";
    }
    return "unknown";
}

int64_t presence_idle_s(uint32_t now_ms, uint32_t last_ms)
{
    uint32_t idle_ms = now_ms - last_ms;

    return idle_ms > UINT32_MAX - 60000 ? 0 : (int64_t)(idle_ms / 1000);
}

int64_t presence_busy(const struct presence_cpu *before, size_t before_count,
    const struct presence_cpu *after, size_t after_count)
{
    int64_t idle = 0, busy = 0;

    if (before_count != after_count)
        return PRESENCE_UNKNOWN;
    for (size_t i = 0; i < after_count; i++) {
        int64_t one_idle = after[i].idle - before[i].idle;
        int64_t one_busy = after[i].user - before[i].user + after[i].system - before[i].system;
        if (one_idle < 0 || one_busy < 0)
            return PRESENCE_UNKNOWN;
        idle += one_idle;
        busy += one_busy;
    }
    if (idle + busy == 0)
        return PRESENCE_UNKNOWN;
    return (busy * 1000 + (idle + busy) / 2) / (idle + busy);
}

bool presence_person(const struct presence_look *look, int64_t idle_s)
{
    if (!look->has_desktop)
        return false;
    return look->front == PRESENCE_FRONT_FULL_SCREEN ||
           (look->idle_s >= 0 && look->idle_s < idle_s);
}

/* --- UTF-16 ----------------------------------------------------------------------------------
 */

/* Marks that turn the direction of what follows: a name could then be read as another. */
static bool turns(uint32_t code)
{
    return code == 0x200e || code == 0x200f || code == 0x061c ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static size_t put(uint32_t code, char room[4])
{
    if (code < 0x80) {
        room[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        room[0] = (char)(0xc0 | code >> 6);
        room[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        room[0] = (char)(0xe0 | code >> 12);
        room[1] = (char)(0x80 | (code >> 6 & 0x3f));
        room[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    room[0] = (char)(0xf0 | code >> 18);
    room[1] = (char)(0x80 | (code >> 12 & 0x3f));
    room[2] = (char)(0x80 | (code >> 6 & 0x3f));
    room[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

size_t presence_text(const uint16_t *wide, size_t count, char *ret_text, size_t bytes)
{
    size_t len = 0;

    for (size_t i = 0; i < count && wide[i] && bytes; i++) {
        uint32_t code = wide[i];
        char room[4];
        if (code >= 0xd800 && code < 0xdc00 && i + 1 < count && wide[i + 1] >= 0xdc00 &&
            wide[i + 1] < 0xe000)
            code = 0x10000 + ((code - 0xd800) << 10) + (wide[++i] - 0xdc00u);
        else if (code >= 0xd800 && code < 0xe000)
            code = 0xfffd;
        if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029)
            code = ' ';
        if (turns(code))
            code = 0xfffd;
        size_t more = put(code, room);
        if (len + more >= bytes)
            break;
        memcpy(ret_text + len, room, more);
        len += more;
    }
    if (bytes)
        ret_text[len] = '\0';
    return len;
}
