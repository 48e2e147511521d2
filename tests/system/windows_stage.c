/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests/system/windows.py puts on the desktop that the agent looks at; built by mingw, run by
 * Wine.
 *
 *     stage.exe full|window|maximised TITLE     a window in front, until it is killed; TITLE in hex
 *     stage.exe key                             a key pressed, as if by a person
 *     stage.exe trust FILE                      an authority (DER) into the roots of this account
 *
 * Says "ready" when it is done, or in front.
 */
#include <stdbool.h>
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

#include <wincrypt.h>

#define TITLE_MAX 4096

int wmain(int argc, wchar_t **argv);

static int ready(bool good)
{
    printf(good ? "ready\n" : "failed: %lu\n", GetLastError());
    fflush(stdout);
    return good ? 0 : 1;
}

static LRESULT CALLBACK on_message(HWND window, UINT message, WPARAM a, LPARAM b)
{
    return DefWindowProcW(window, message, a, b);
}

/* Four hexadecimal digits a unit: also what no argument can hold. */
static void title_of(const wchar_t *hex, WCHAR *ret)
{
    size_t count = wcslen(hex) / 4;

    for (size_t i = 0; i < count && i + 1 < TITLE_MAX; i++) {
        wchar_t digits[5] = {hex[i * 4], hex[i * 4 + 1], hex[i * 4 + 2], hex[i * 4 + 3], 0};
        ret[i] = (WCHAR)wcstoul(digits, NULL, 16);
    }
}

static int show(const wchar_t *how, const wchar_t *title_hex)
{
    static WCHAR title[TITLE_MAX];
    WNDCLASSW kind = {.lpfnWndProc = on_message,
        .hInstance = GetModuleHandleW(NULL),
        .lpszClassName = L"StageWindow"};
    bool full = wcscmp(how, L"full") == 0, large = wcscmp(how, L"maximised") == 0;
    MSG message;

    title_of(title_hex, title);
    RegisterClassW(&kind);
    HWND window =
        CreateWindowExW(0, kind.lpszClassName, title, full ? WS_POPUP : WS_OVERLAPPEDWINDOW,
            full ? 0 : 60, full ? 0 : 60, full ? GetSystemMetrics(SM_CXSCREEN) : 400,
            full ? GetSystemMetrics(SM_CYSCREEN) : 300, NULL, NULL, kind.hInstance, NULL);
    if (!window)
        return ready(false);
    ShowWindow(window, large ? SW_MAXIMIZE : SW_SHOW);
    SetForegroundWindow(window);
    ready(true);
    while (GetMessageW(&message, NULL, 0, 0) > 0)
        DispatchMessageW(&message);
    return 0;
}

static int press(void)
{
    INPUT keys[2] = {{.type = INPUT_KEYBOARD}, {.type = INPUT_KEYBOARD}};

    keys[0].ki.wVk = keys[1].ki.wVk = VK_F15;
    keys[1].ki.dwFlags = KEYEVENTF_KEYUP;
    return ready(SendInput(2, keys, sizeof *keys) == 2);
}

static int trust(const wchar_t *path)
{
    static BYTE bytes[16384];
    FILE *file = _wfopen(path, L"rb");
    size_t len = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    HCERTSTORE store =
        CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_CURRENT_USER, L"Root");
    bool good = len && store &&
                CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, bytes, (DWORD)len,
                    CERT_STORE_ADD_REPLACE_EXISTING, NULL) &&
                CertCloseStore(store, 0);

    return ready(good);
}

int wmain(int argc, wchar_t **argv)
{
    if (argc == 3 && wcscmp(argv[1], L"trust") == 0)
        return trust(argv[2]);
    if (argc == 2 && wcscmp(argv[1], L"key") == 0)
        return press();
    return argc == 3 ? show(argv[1], argv[2]) : 2;
}
