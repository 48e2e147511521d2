/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is there and what is in front. */
#include "desktop/desktop.h"
#include "desktop/windows_inside.h"

#include <shellapi.h>

#define TITLE_WIDE 1024

static struct presence_box box_of(const RECT *rect)
{
    return (struct presence_box){
        (int32_t)rect->left, (int32_t)rect->top, (int32_t)rect->right, (int32_t)rect->bottom};
}

static DWORD process_of(HWND window)
{
    DWORD id = 0;

    if (window)
        GetWindowThreadProcessId(window, &id);
    return id;
}

static bool is_shells(HWND window, DWORD process)
{
    HWND shell = GetShellWindow();

    return window == shell || window == GetDesktopWindow() ||
           (shell && process && process == process_of(shell));
}

static void look_at(HWND window, struct presence_window *ret)
{
    MONITORINFO monitor = {.cbSize = sizeof monitor};
    LONG_PTR style = GetWindowLongPtrW(window, GWL_STYLE);
    DWORD process = process_of(window);
    WCHAR wide[TITLE_WIDE] = {0};
    RECT rect;

    *ret = (struct presence_window){.there = true,
        .visible = IsWindowVisible(window),
        .minimised = IsIconic(window),
        .maximised = IsZoomed(window),
        .titled = (style & WS_CAPTION) == WS_CAPTION,
        .shells = is_shells(window, process)};
    if (GetClassNameW(window, wide, TITLE_WIDE) > 0)
        presence_text(wide, TITLE_WIDE, ret->kind, sizeof ret->kind);
    wide[0] = 0;
    if (InternalGetWindowText(window, wide, TITLE_WIDE) > 0) /* asks no program: none can hang us */
        presence_text(wide, TITLE_WIDE, ret->title, sizeof ret->title);
    windows_process_name(process, ret->process);
    if (GetWindowRect(window, &rect))
        ret->box = box_of(&rect);
    if (GetMonitorInfoW(MonitorFromWindow(window, MONITOR_DEFAULTTONEAREST), &monitor))
        ret->monitor = box_of(&monitor.rcMonitor);
}

static bool sees_a_desktop(void)
{
    DWORD session = 0;

    return ProcessIdToSessionId(GetCurrentProcessId(), &session) && session != 0;
}

static int64_t idle_s(void)
{
    LASTINPUTINFO last = {.cbSize = sizeof last};

    if (!GetLastInputInfo(&last))
        return PRESENCE_UNKNOWN;
    return presence_idle_s(GetTickCount(), last.dwTime);
}

static enum presence_notice notice(void)
{
    QUERY_USER_NOTIFICATION_STATE state;

    if (SHQueryUserNotificationState(&state) != S_OK || (int)state < PRESENCE_NOTICE_AWAY ||
        (int)state > PRESENCE_NOTICE_APP)
        return PRESENCE_NOTICE_UNKNOWN;
    return (enum presence_notice)state;
}

void desktop_front(struct presence_look *look)
{
    look->has_desktop = sees_a_desktop();
    look->idle_s = PRESENCE_UNKNOWN;
    look->window = (struct presence_window){0};
    look->notice = PRESENCE_NOTICE_UNKNOWN;
    look->front = PRESENCE_FRONT_UNKNOWN;
    if (!look->has_desktop)
        return;
    SetProcessDPIAware(); /* or boxes would be of another scale than the screen */
    HWND window = GetForegroundWindow();
    look->idle_s = idle_s();
    look->notice = notice();
    if (window)
        look_at(window, &look->window);
    look->front = presence_front(&look->window, look->notice);
}
