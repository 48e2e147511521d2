/* SPDX-License-Identifier: Apache-2.0
 *
 * logicagent.exe — the agent of Windows: it looks and tells, and takes no orders. Arguments and
 * composition, nothing else. */
#include "base/panic.h"
#include "base/scoped.h"
#include "desktop/desktop.h"
#include "json/json_string.h"

#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <windows.h>

#define SAMPLE_MS 500 /* between the two looks at the processors of a first look */
#define BEAT_MS 1100  /* so soon a game is told; a node takes one push a second */
#define EVERY_S 10    /* as the agent of Linux pushes */
#define AGAIN_MS 5000 /* what a node did not take it is told again, newer */

static const char USAGE[] =
    "usage: logicagent telemetry [--json] [--watch SECONDS] [--person-idle SECONDS]\n"
    "           one look at this machine and this desktop, or one each SECONDS\n"
    "       logicagent push --to URL --token-file FILE [--every SECONDS] [--person-idle SECONDS]\n"
    "                       [--once] [--background]\n"
    "           its numbers to a node: https://NODE:PORT/api/v1/senses/NAME; no names leave this "
    "machine\n"
    "       logicagent version\n";

struct options {
    bool json, once, background, has_watch, has_target;
    uint64_t watch_s, every_s, person_idle_s;
    struct presence_target target;
    const wchar_t *token_path;
};

static struct presence_look look, quick;

int wmain(int argc, wchar_t **argv);

/* --- arguments ---------------------------------------------------------------------------------
 */

static bool number_of(
    const char *name, struct str text, uint64_t min, uint64_t max, uint64_t *ret, struct err *err)
{
    uint64_t number;

    if (!str_to_u64(text, max, &number) || number < min)
        return err_code(err, ERR_INPUT, "bad_option", name,
            "%s takes a number from %llu to %llu, not '%.40s'", name, (unsigned long long)min,
            (unsigned long long)max, text.at);
    *ret = number;
    return true;
}

/* An option with a value. */
static bool take_value(
    struct str name, const wchar_t *wide, struct options *options, struct err *err)
{
    static char value[PRESENCE_URL_BYTES_MAX + 2];
    size_t len = presence_text(wide, wcslen(wide), value, sizeof value);
    struct str text = {value, len};

    if (str_eq(name, S("--watch"))) {
        options->has_watch = true;
        return number_of("--watch", text, 1, PRESENCE_EVERY_MAX_S, &options->watch_s, err);
    }
    if (str_eq(name, S("--every")))
        return number_of("--every", text, 1, PRESENCE_EVERY_MAX_S, &options->every_s, err);
    if (str_eq(name, S("--person-idle")))
        return number_of(
            "--person-idle", text, 0, PRESENCE_IDLE_MAX_S, &options->person_idle_s, err);
    if (str_eq(name, S("--token-file"))) {
        options->token_path = wide;
        return true;
    }
    options->has_target = true;
    return presence_target(text, &options->target, err);
}

static bool take_flag(struct str name, struct options *options)
{
    const struct {
        struct str name;
        bool *flag;
    } flags[] = {{S("--json"), &options->json}, {S("--once"), &options->once},
        {S("--background"), &options->background}};

    for (size_t i = 0; i < COUNT(flags); i++)
        if (str_eq(name, flags[i].name))
            return *flags[i].flag = true;
    return false;
}

static bool is_of(struct str name, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(name, list[i]))
            return true;
    return false;
}

static bool take_options(
    bool pushes, int argc, wchar_t **argv, struct options *options, struct err *err)
{
    static const struct str PUSH[] = {S("--to"), S("--token-file"), S("--every"),
        S("--person-idle"), S("--once"), S("--background")};
    static const struct str LOOK[] = {S("--json"), S("--watch"), S("--person-idle")};
    char text[64];

    *options = (struct options){.every_s = EVERY_S, .person_idle_s = PRESENCE_IDLE_S};
    for (int i = 2; i < argc; i++) {
        struct str name = {text, presence_text(argv[i], wcslen(argv[i]), text, sizeof text)};
        if (!(pushes ? is_of(name, PUSH, COUNT(PUSH)) : is_of(name, LOOK, COUNT(LOOK))))
            return err_code(
                err, ERR_INPUT, "bad_option", NULL, "there is no option '%.*s'", STR(name));
        if (take_flag(name, options))
            continue;
        if (i + 1 == argc)
            return err_code(err, ERR_INPUT, "bad_option", NULL, "%.*s needs a value", STR(name));
        if (!take_value(name, argv[++i], options, err))
            return false;
    }
    if (pushes && (!options->has_target || !options->token_path))
        return err_code(err, ERR_INPUT, "bad_option", NULL,
            "push needs --to URL and --token-file FILE (a token in an argument could be read by "
            "every program)");
    return true;
}

/* --- telemetry ---------------------------------------------------------------------------------
 */

static void write_look(const struct options *options, struct buf *out)
{
    buf_clear(out);
    if (options->json)
        presence_json(&look, (int64_t)options->person_idle_s, out);
    else
        presence_table(&look, (int64_t)options->person_idle_s, out);
    check(!out->overflowed);
}

static int telemetry(const struct options *options)
{
    static struct presence_cpu before[PRESENCE_CPUS_MAX];
    scoped(buf_done) struct buf out = buf_of(PRESENCE_TEXT_BYTES_MAX);
    size_t count = desktop_cpus(before);
    DWORD wait_ms = SAMPLE_MS;

    SetConsoleOutputCP(CP_UTF8);
    _setmode(_fileno(stdout), _O_BINARY);
    for (;;) {
        Sleep(wait_ms);
        desktop_look(&look);
        look.busy_permille = presence_busy(before, count, look.cpus, look.cpus_count);
        count = look.cpus_count;
        memcpy(before, look.cpus, sizeof before);
        write_look(options, &out);
        if (fwrite(out.at, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
            return err_exit_code(ERR_SYSTEM);
        if (!options->has_watch)
            return 0;
        wait_ms = (DWORD)options->watch_s * 1000;
    }
}

/* --- push --------------------------------------------------------------------------------------
 */

/* An event, as the log of the agent of Linux has it. */
static void log_line(const char *event, const char *why)
{
    scoped(buf_done) struct buf line = buf_of(4096);

    buf_printf(&line, "{\"role\":\"agent\",\"event\":\"%s\"", event);
    if (why) {
        buf_add(&line, S(",\"why\":"));
        json_add_string(&line, str_from(why));
    }
    buf_add(&line, S("}\n"));
    fwrite(line.at, 1, line.len, stderr);
    fflush(stderr);
}

static bool read_token(
    const wchar_t *path, char room[PRESENCE_TOKEN_BYTES_MAX + 64], struct str *ret, struct err *err)
{
    FILE *file = _wfopen(path, L"rb");

    if (!file)
        return err_code(err, ERR_INPUT, "bad_token", "token-file", "the token's file is not there");
    size_t len = fread(room, 1, PRESENCE_TOKEN_BYTES_MAX + 64, file);
    fclose(file);
    return presence_token((struct str){room, len}, ret, err);
}

static bool push_now(const struct options *options, struct str token, struct err *err)
{
    scoped(buf_done) struct buf text = buf_of(PRESENCE_TEXT_BYTES_MAX);

    desktop_look(&look);
    presence_metrics(&look, (int64_t)options->person_idle_s, &text);
    check(!text.overflowed);
    return desktop_push(&options->target, token, buf_str(&text), err);
}

/* What the node should hear at once. */
static bool changed(const struct options *options)
{
    int64_t idle_s = (int64_t)options->person_idle_s;

    desktop_front(&quick);
    return quick.has_desktop != look.has_desktop ||
           presence_person(&quick, idle_s) != presence_person(&look, idle_s) ||
           (quick.front == PRESENCE_FRONT_FULL_SCREEN) !=
               (look.front == PRESENCE_FRONT_FULL_SCREEN);
}

static int push(const struct options *options, struct err *err)
{
    static char room[PRESENCE_TOKEN_BYTES_MAX + 64];
    ULONGLONG next_ms = 0;
    bool told = false, failing = false;
    struct str token;

    if (!read_token(options->token_path, room, &token, err))
        return err_exit_code(err->kind);
    if (options->background)
        FreeConsole();
    for (;; Sleep(BEAT_MS)) {
        if (told && GetTickCount64() < next_ms && !changed(options))
            continue;
        told = push_now(options, token, err);
        next_ms = GetTickCount64() + options->every_s * 1000;
        if (options->once)
            return told ? 0 : err_exit_code(err->kind);
        if (!told && !failing)
            log_line("push_failed", err->message);
        else if (told && failing)
            log_line("push_taken", NULL);
        failing = !told;
        if (!told)
            Sleep(AGAIN_MS);
    }
}

int wmain(int argc, wchar_t **argv)
{
    struct options options;
    struct err err = {0};
    int code = 0;
    char command[16] = "";

    if (argc > 1)
        presence_text(argv[1], wcslen(argv[1]), command, sizeof command);
    if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0) {
        printf("logicagent %s (Windows: telemetry only)\n", LOGIC_NODE_VERSION);
        return 0;
    }
    bool pushes = strcmp(command, "push") == 0;
    if (!pushes && strcmp(command, "telemetry") != 0) {
        fputs(USAGE, stderr);
        return 2;
    }
    if (!take_options(pushes, argc, argv, &options, &err))
        code = err_exit_code(err.kind);
    else
        code = pushes ? push(&options, &err) : telemetry(&options);
    if (err.kind != ERR_NONE)
        fprintf(stderr, "logicagent: %s\n", err.message);
    return code;
}
