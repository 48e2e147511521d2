/* SPDX-License-Identifier: Apache-2.0 */
#include "ansible/ansible_inside.h"

#include "ansible/logic_events_py.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/usr/bin/ansible-playbook"
#define FOLDER_BYTES_MAX 256
#define LINE_BYTES_MAX (FOLDER_BYTES_MAX + ANSIBLE_PATH_BYTES_MAX + 64)
#define ENVIRONMENT_MAX 40

/* One job's private folder: playbooks/ inventory/ callback/ home/ local/ vars.json secrets.json
 * ansible.cfg */
struct work {
    char folder[FOLDER_BYTES_MAX];
    char content_sha256[SHA256_HEX_BYTES];
    const struct ansible_job *job;
    struct secret_store *secrets;
    const struct ansible_paths *paths;
    const struct ansible_limits *limits;
};

static void work_done(struct work *work)
{
    if (work->folder[0])
        ansible_tree_remove(work->folder);
}

static bool write_file(const struct work *work, const char *name, struct str text, struct err *err)
{
    char path[LINE_BYTES_MAX];

    snprintf(path, sizeof path, "%s/%s", work->folder, name);
    return file_replace(path, text, 0600, err);
}

static struct str folder_of(struct str path)
{
    const char *slash = memrchr(path.at, '/', path.len);
    check(slash);
    return (struct str){path.at, (size_t)(slash - path.at)};
}

static void tree_done(struct ansible_tree *tree)
{
    sha256_stream_done(&tree->hash);
}

static bool copy_content(struct work *work, struct err *err)
{
    scoped(tree_done) struct ansible_tree tree = {0};
    char playbooks[LINE_BYTES_MAX];
    uint8_t digest[SHA256_BYTES];

    sha256_stream_init(&tree.hash);
    snprintf(playbooks, sizeof playbooks, "%s/playbooks", work->folder);
    if (!ansible_tree_copy(
            &tree, work->paths->playbooks, folder_of(work->job->playbook), playbooks, false, err) ||
        !ansible_tree_copy(&tree, work->paths->playbooks, S("roles"), playbooks, true, err) ||
        !ansible_tree_copy(&tree, work->paths->inventories, folder_of(work->job->inventory),
            work->folder, false, err))
        return false;
    sha256_stream_finish(&tree.hash, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(work->content_sha256 + 2 * i, 3, "%02x", digest[i]);
    char path[2 * LINE_BYTES_MAX];
    snprintf(path, sizeof path, "%s/%.*s", playbooks, STR(work->job->playbook));
    if (!file_exists(path))
        return err_code(err, ERR_SYSTEM, "no_playbook", "playbook", "there is no playbook '%.*s'",
            STR(work->job->playbook));
    snprintf(path, sizeof path, "%s/%.*s", work->folder, STR(work->job->inventory));
    if (!file_exists(path))
        return err_code(err, ERR_SYSTEM, "no_playbook", "inventory", "there is no inventory '%.*s'",
            STR(work->job->inventory));
    return true;
}

/* Texts go as {"__ansible_unsafe": text}: Ansible takes them literally, whatever they hold. */
static json_t *literal(struct str text)
{
    json_t *value = json_pack("{s:s%}", "__ansible_unsafe", text.at, text.len);
    return value ? value : json_null();
}

static bool write_variables(const struct work *work, struct err *err)
{
    scoped(json_done) json_t *variables = json_object();
    scoped(json_done) json_t *secrets = json_object();
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)work->job->variables, name, value)
        json_object_set_new(variables, name,
            json_is_string(value)
                ? literal((struct str){json_string_value(value), json_string_length(value)})
                : json_incref(value));
    json_object_foreach((json_t *)work->job->secrets, name, value) {
        struct str secret;
        struct str handle = {json_string_value(value), json_string_length(value)};
        if (!secret_get(work->secrets, handle, &secret, err))
            return false;
        json_object_set_new(secrets, name, literal(secret));
    }
    scoped(free_done) char *plain = json_dumps(variables, JSON_COMPACT);
    char *hidden = json_dumps(secrets, JSON_COMPACT);
    check(plain && hidden);
    bool fine = write_file(work, "vars.json", str_from(plain), err) &&
                write_file(work, "secrets.json", str_from(hidden), err);
    explicit_bzero(hidden, strlen(hidden));
    free(hidden);
    return fine;
}

static bool prepare(struct work *work, struct err *err)
{
    char path[LINE_BYTES_MAX];

    if ((size_t)snprintf(work->folder, sizeof work->folder, "%s/ansible.XXXXXX",
            work->paths->work) >= sizeof work->folder ||
        !mkdtemp(work->folder)) {
        work->folder[0] = '\0';
        return err_set(err, ERR_SYSTEM, "cannot make a folder in '%s': %s", work->paths->work,
            strerror(errno));
    }
    for (const char *const *name = (const char *const[]){"callback", "home", "local", NULL}; *name;
         name++) {
        snprintf(path, sizeof path, "%s/%s", work->folder, *name);
        if (mkdir(path, 0700) != 0)
            return err_set(err, ERR_SYSTEM, "cannot make '%s': %s", path, strerror(errno));
    }
    return copy_content(work, err) && write_variables(work, err) &&
           write_file(work, "ansible.cfg", S("[defaults]\n"), err) &&
           write_file(work, "callback/logic_events.py",
               (struct str){LOGIC_EVENTS_PY, sizeof LOGIC_EVENTS_PY}, err);
}

struct lines {
    char text[ENVIRONMENT_MAX][LINE_BYTES_MAX];
    const char *at[ENVIRONMENT_MAX + 1];
    size_t count;
};

static void add_line(struct lines *lines, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void add_line(struct lines *lines, const char *format, ...)
{
    va_list args;

    check(lines->count < ENVIRONMENT_MAX);
    va_start(args, format);
    int len = vsnprintf(lines->text[lines->count], LINE_BYTES_MAX, format, args);
    va_end(args);
    check(len > 0 && len < LINE_BYTES_MAX);
    lines->at[lines->count] = lines->text[lines->count];
    lines->at[++lines->count] = NULL;
}

static void set_environment(const struct work *work, struct lines *env)
{
    const char *w = work->folder;

    add_line(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    add_line(env, "HOME=%s/home", w);
    add_line(env, "TMPDIR=%s/local", w);
    add_line(env, "LANG=C.UTF-8");
    add_line(env, "PYTHONDONTWRITEBYTECODE=1");
    add_line(env, "ANSIBLE_CONFIG=%s/ansible.cfg", w);
    add_line(env, "ANSIBLE_LOCAL_TEMP=%s/local", w);
    /* the default, `~`, is the passwd entry's home for a local connection: not ours */
    add_line(env, "ANSIBLE_REMOTE_TEMP=$HOME/.ansible/tmp");
    add_line(env, "ANSIBLE_ROLES_PATH=%s/playbooks/roles", w);
    add_line(env, "ANSIBLE_CALLBACK_PLUGINS=%s/callback", w);
    add_line(env, "ANSIBLE_STDOUT_CALLBACK=logic_events");
    add_line(env, "ANSIBLE_FORCE_COLOR=0");
    add_line(env, "ANSIBLE_NOCOLOR=1");
    add_line(env, "ANSIBLE_RETRY_FILES_ENABLED=0");
    add_line(env, "ANSIBLE_NO_TARGET_SYSLOG=1");     /* modules would log their arguments */
    add_line(env, "ANSIBLE_INVENTORY_ENABLED=yaml"); /* never a script */
    add_line(env, "ANSIBLE_INVENTORY_UNPARSED_FAILED=1");
    add_line(env, "ANSIBLE_DEPRECATION_WARNINGS=0");
    add_line(env, "ANSIBLE_PIPELINING=1");
    /* a control socket would need listen(), which the role has given up; a question would wait for
     * nobody */
    add_line(env, "ANSIBLE_SSH_ARGS=-o ControlMaster=no -o ControlPath=none -o BatchMode=yes");
}

static bool start(
    const struct work *work, bool check_mode, struct ansible_child_end *end, struct err *err)
{
    struct lines *lines = calloc(2, sizeof *lines);
    struct lines *argv = lines, *env = lines + 1;

    check(lines);
    add_line(argv, "%s", work->paths->program ? work->paths->program : PROGRAM);
    if (check_mode)
        add_line(argv, "--check");
    add_line(argv, "--diff");
    add_line(argv, "--inventory");
    add_line(argv, "%s/%.*s", work->folder, STR(work->job->inventory));
    add_line(argv, "--extra-vars");
    add_line(argv, "@%s/vars.json", work->folder);
    add_line(argv, "--extra-vars");
    add_line(argv, "@%s/secrets.json", work->folder);
    add_line(argv, "%s/playbooks/%.*s", work->folder, STR(work->job->playbook));
    set_environment(work, env);
    const struct ansible_child child = {
        .argv = argv->at,
        .environment = env->at,
        .folder = work->folder,
        .deadline_ms = clock_steady_ms() + work->limits->child_ms,
        .output_bytes = work->limits->output_bytes,
    };
    bool fine = ansible_child_run(&child, end, err);
    free(lines);
    return fine;
}

/* Why a child did not end well; always false. */
static bool failed(const struct work *work, const char *code, struct ansible_child_end *end,
    struct ansible_report *report, struct err *err)
{
    const char *before = report->changed ? buf_text(&report->changed_names) : "nothing";

    if (end->too_slow)
        return err_code(err, ERR_LIMIT, "too_slow", "playbook",
            "the playbook was ended after %lld ms; changed before: %s",
            (long long)work->limits->child_ms, before);
    if (end->too_large)
        return err_code(err, ERR_LIMIT, "output_too_large", "playbook",
            "the playbook was ended because it printed more than %lld bytes; changed before: %s",
            (long long)work->limits->output_bytes, before);
    if (report->failed)
        return err_code(err, ERR_PEER, code, "playbook", "%s; changed before: %s",
            buf_text(&report->failure), before);
    scoped(buf_done) struct buf said = buf_of(4 * end->tail.bytes_max);
    secret_scrub(work->secrets, buf_str(&end->tail), &said); /* before it is cut */
    for (size_t i = 0; i < said.len; i++)                    /* one sentence, one line */
        if ((unsigned char)said.at[i] < ' ')
            said.at[i] = ' ';
    struct str tail = str_trim(str_utf8_prefix(buf_str(&said)));
    if (tail.len > 300)
        tail = str_utf8_prefix((struct str){tail.at, 300});
    return err_code(err, ERR_PEER, code, "playbook",
        "ansible-playbook ended with %s %d; changed before: %s; it says: %.*s",
        WIFEXITED(end->status) ? "status" : "signal",
        WIFEXITED(end->status) ? WEXITSTATUS(end->status) : WTERMSIG(end->status), before,
        STR(tail));
}

static bool ended_well(const struct ansible_child_end *end)
{
    return !end->too_slow && !end->too_large && WIFEXITED(end->status) &&
           WEXITSTATUS(end->status) == 0;
}

/* One ansible-playbook and its report. */
static bool play(
    const struct work *work, bool check_mode, struct ansible_report *report, struct err *err)
{
    scoped(ansible_child_end_done) struct ansible_child_end end = {0};

    if (!start(work, check_mode, &end, err))
        return false;
    ansible_report_read(buf_str(&end.events), work->secrets, report);
    return ended_well(&end) ||
           failed(work, check_mode ? "check_failed" : "playbook_failed", &end, report, err);
}

static bool run(const struct work *work, struct hand_end *end)
{
    scoped(ansible_report_done) struct ansible_report report = {0};

    bool fine = play(work, false, &report, &end->err);
    if (!report.tasks)
        return false; /* it never started */
    end->result = ansible_report_json(&report, work->content_sha256);
    end->changed = report.changed ? HAND_CHANGED_YES
                   : fine         ? HAND_CHANGED_NO
                                  : HAND_CHANGED_UNKNOWN;
    return fine;
}

static bool work_through(struct work *work, struct hand_end *end)
{
    scoped(ansible_report_done) struct ansible_report report = {0};
    const struct ansible_job *job = work->job;

    if (!prepare(work, &end->err))
        return false;
    if (job->run && !str_eq(str_from(work->content_sha256), job->content_sha256))
        return err_code(&end->err, ERR_PEER, "world_moved", "playbook",
            "the world moved: playbook or inventory are not what the plan was made for; nothing "
            "was changed, ask for a new plan");
    if (!play(work, true, &report, &end->err))
        return false;
    if (!job->run) {
        end->result = ansible_report_json(&report, work->content_sha256);
        return true;
    }
    if (!str_eq(str_from(report.fingerprint), job->fingerprint))
        return err_code(&end->err, ERR_PEER, "world_moved", "playbook",
            "the world moved: the dry run now finds other changes than the plan shows; nothing was "
            "changed, ask for a new plan");
    return run(work, end);
}

void ansible_job_run(const struct ansible_job *job, struct secret_store *secrets,
    const struct ansible_paths *paths, const struct ansible_limits *limits,
    struct hand_end *ret_end)
{
    scoped(work_done) struct work work = {
        .job = job, .secrets = secrets, .paths = paths, .limits = limits};
    struct hand_end end = {.changed = HAND_CHANGED_NO};

    end.ok = work_through(&work, &end);
    *ret_end = end;
}
