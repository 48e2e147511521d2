/* SPDX-License-Identifier: Apache-2.0
 *
 * One POST by WinHTTP. What is not taken is not sent again: the next is newer. */
#include "desktop/desktop.h"
#include "desktop/windows_inside.h"

#include <stdio.h>
#include <winhttp.h>

#ifndef WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_3
#define WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_3 0x00002000
#endif

struct push {
    HINTERNET session, connection, request;
};

/* ASCII only: the target and the token were checked. */
static void widen(const char *text, size_t count, WCHAR *ret, size_t room)
{
    size_t i = 0;

    for (; i < count && i + 1 < room; i++)
        ret[i] = (unsigned char)text[i];
    ret[i] = 0;
}

static bool fail(struct err *err, const struct presence_target *target)
{
    DWORD code = GetLastError();

    if (code == ERROR_WINHTTP_SECURE_FAILURE || code == ERROR_WINHTTP_SECURE_CHANNEL_ERROR)
        return err_code(err, ERR_PEER, "not_trusted", "to",
            "no TLS with %.200s:%u (error %lu of Windows), and nothing was sent: Windows does not "
            "trust its certificate (certutil -user -addstore Root FILE takes the node's "
            "authority), or is older than 11 and has no TLS 1.3, the only one of a node",
            target->host, target->port, code);
    return err_code(err, ERR_PEER, "not_reached", "to",
        "%.200s:%u was not reached (error %lu of Windows)%s", target->host, target->port, code,
        code == ERROR_WINHTTP_TIMEOUT ? ": it gave no answer in time" : "");
}

static void set(HINTERNET at, DWORD option, DWORD value)
{
    WinHttpSetOption(at, option, &value, sizeof value);
}

static bool open_request(struct push *push, const struct presence_target *target)
{
    WCHAR host[PRESENCE_URL_BYTES_MAX + 1], path[PRESENCE_URL_BYTES_MAX + 1];
    DWORD tls = WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_2 | WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_3;

    widen(target->host, strlen(target->host), host, PRESENCE_URL_BYTES_MAX + 1);
    widen(target->path, strlen(target->path), path, PRESENCE_URL_BYTES_MAX + 1);
    push->session = WinHttpOpen(L"logicagent", WINHTTP_ACCESS_TYPE_NO_PROXY, WINHTTP_NO_PROXY_NAME,
        WINHTTP_NO_PROXY_BYPASS, 0);
    if (!push->session)
        return false;
    WinHttpSetTimeouts(
        push->session, DESKTOP_PUSH_MS, DESKTOP_PUSH_MS, DESKTOP_PUSH_MS, DESKTOP_PUSH_MS);
    /* a Windows before 11 knows no 1.3 and takes neither then */
    if (!WinHttpSetOption(push->session, WINHTTP_OPTION_SECURE_PROTOCOLS, &tls, sizeof tls))
        set(push->session, WINHTTP_OPTION_SECURE_PROTOCOLS, WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_2);
    push->connection = WinHttpConnect(push->session, host, target->port, 0);
    if (!push->connection)
        return false;
    push->request = WinHttpOpenRequest(push->connection, L"POST", path, NULL, WINHTTP_NO_REFERER,
        WINHTTP_DEFAULT_ACCEPT_TYPES, target->https ? WINHTTP_FLAG_SECURE : 0);
    if (!push->request)
        return false;
    set(push->request, WINHTTP_OPTION_DISABLE_FEATURE,
        WINHTTP_DISABLE_COOKIES | WINHTTP_DISABLE_REDIRECTS | WINHTTP_DISABLE_AUTHENTICATION);
    return true;
}

static bool send_request(struct push *push, struct str token, struct str text)
{
    static const char HEAD[] = "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                               "Authorization: Bearer ";
    static WCHAR headers[sizeof HEAD + PRESENCE_TOKEN_BYTES_MAX];
    size_t head = sizeof HEAD - 1;

    widen(HEAD, head, headers, sizeof headers / sizeof *headers);
    widen(token.at, token.len, headers + head, sizeof headers / sizeof *headers - head);
    bool sent = WinHttpSendRequest(push->request, headers, (DWORD)-1, (LPVOID)(uintptr_t)text.at,
                    (DWORD)text.len, (DWORD)text.len, 0) &&
                WinHttpReceiveResponse(push->request, NULL);
    SecureZeroMemory(headers, sizeof headers);
    return sent;
}

static void close_all(struct push *push)
{
    HINTERNET handles[] = {push->request, push->connection, push->session};
    DWORD code = GetLastError();

    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++)
        if (handles[i])
            WinHttpCloseHandle(handles[i]);
    SetLastError(code);
}

bool desktop_push(
    const struct presence_target *target, struct str token, struct str text, struct err *err)
{
    struct push push = {0};
    DWORD status = 0, size = sizeof status;

    bool sent =
        open_request(&push, target) && send_request(&push, token, text) &&
        WinHttpQueryHeaders(push.request, WINHTTP_QUERY_STATUS_CODE | WINHTTP_QUERY_FLAG_NUMBER,
            WINHTTP_HEADER_NAME_BY_INDEX, &status, &size, WINHTTP_NO_HEADER_INDEX);
    close_all(&push);
    if (!sent)
        return fail(err, target);
    if (status >= 200 && status < 300)
        return true;
    return err_code(err, ERR_PEER, "refused", "to", "it answered %lu%s", status,
        status == 401 || status == 403
            ? ": the token is not the one of this source (scope sense, the name in sense_source)"
            : "");
}
