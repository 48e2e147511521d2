/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine: processors, memory, time, processes. */
#include "desktop/desktop.h"
#include "desktop/windows_inside.h"

#include <tlhelp32.h>
#include <winternl.h>

#define EPOCH_TICKS INT64_C(116444736000000000) /* from 1601 to 1970, in 100 ns */

static int64_t ticks_of(FILETIME time)
{
    return (int64_t)((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime);
}

/* --- processors ---------------------------------------------------------------------------- */

/* All as one, where Windows does not tell them apart. Kernel time holds idle time. */
static size_t together(struct presence_cpu *ret_cpu)
{
    FILETIME idle, kernel, user;

    if (!GetSystemTimes(&idle, &kernel, &user))
        return 0;
    *ret_cpu =
        (struct presence_cpu){ticks_of(idle), ticks_of(user), ticks_of(kernel) - ticks_of(idle)};
    return 1;
}

size_t desktop_cpus(struct presence_cpu ret_cpus[PRESENCE_CPUS_MAX])
{
    static SYSTEM_PROCESSOR_PERFORMANCE_INFORMATION told[PRESENCE_CPUS_MAX];
    ULONG bytes = 0;

    if (!NT_SUCCESS(NtQuerySystemInformation(
            SystemProcessorPerformanceInformation, told, sizeof told, &bytes)))
        return together(ret_cpus);
    size_t count = bytes / sizeof *told;
    for (size_t i = 0; i < count; i++)
        ret_cpus[i] = (struct presence_cpu){told[i].IdleTime.QuadPart, told[i].UserTime.QuadPart,
            told[i].KernelTime.QuadPart - told[i].IdleTime.QuadPart};
    return count ? count : together(ret_cpus);
}

/* --- processes ----------------------------------------------------------------------------- */

/* Calls `one` with each until it says false. */
static void each_process(bool (*one)(const PROCESSENTRY32W *entry, void *user), void *user)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);

    if (snapshot == INVALID_HANDLE_VALUE)
        return;
    for (BOOL more = Process32FirstW(snapshot, &entry); more;
         more = Process32NextW(snapshot, &entry))
        if (!one(&entry, user))
            break;
    CloseHandle(snapshot);
}

static void name_of(const PROCESSENTRY32W *entry, char ret_name[PRESENCE_NAME_BYTES])
{
    presence_text(entry->szExeFile, MAX_PATH, ret_name, PRESENCE_NAME_BYTES);
}

struct wanted {
    DWORD id;
    char *ret_name;
};

static bool is_wanted(const PROCESSENTRY32W *entry, void *user)
{
    struct wanted *wanted = user;

    if (entry->th32ProcessID != wanted->id)
        return true;
    name_of(entry, wanted->ret_name);
    return false;
}

void windows_process_name(DWORD id, char ret_name[PRESENCE_NAME_BYTES])
{
    struct wanted wanted = {id, ret_name};

    ret_name[0] = '\0';
    each_process(is_wanted, &wanted);
}

static bool add_process(const PROCESSENTRY32W *entry, void *user)
{
    struct presence_look *look = user;

    if (look->processes_count == PRESENCE_PROCESSES_MAX) {
        look->processes_left_out++;
        return true;
    }
    struct presence_process *process = &look->processes[look->processes_count++];
    process->id = entry->th32ProcessID;
    name_of(entry, process->name);
    return true;
}

/* --- all of it ------------------------------------------------------------------------------- */

static void names(struct presence_look *look)
{
    WCHAR wide[260] = {0};
    DWORD room = 260;

    if (GetComputerNameExW(ComputerNameDnsHostname, wide, &room))
        presence_text(wide, 260, look->host, sizeof look->host);
    wide[0] = 0;
    room = 260;
    if (GetUserNameW(wide, &room))
        presence_text(wide, 260, look->person, sizeof look->person);
}

void desktop_look(struct presence_look *ret_look)
{
    MEMORYSTATUSEX memory = {.dwLength = sizeof memory};
    FILETIME now;

    memset(ret_look, 0, sizeof *ret_look);
    ret_look->busy_permille = PRESENCE_UNKNOWN;
    names(ret_look);
    GetSystemTimeAsFileTime(&now);
    ret_look->civil_ms = (ticks_of(now) - EPOCH_TICKS) / 10000;
    ret_look->uptime_s = (int64_t)(GetTickCount64() / 1000);
    if (GlobalMemoryStatusEx(&memory)) {
        ret_look->memory_bytes = (int64_t)memory.ullTotalPhys;
        ret_look->memory_available_bytes = (int64_t)memory.ullAvailPhys;
    }
    ret_look->cpus_count = desktop_cpus(ret_look->cpus);
    each_process(add_process, ret_look);
    desktop_front(ret_look);
}
