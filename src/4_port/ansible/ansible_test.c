/* SPDX-License-Identifier: Apache-2.0
 * Real ansible-playbook, with the filter that the role lives under; run by tests/harness/named.sh
 * with ANSIBLE_ROOT set to deploy/ansible. */
#include "ansible/ansible_inside.h"

#include "base/scoped.h"
#include "os/file.h"
#include "os/sandbox.h"
#include "tap.h"

#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "s3cret-value-of-the-test"

static char root[128]; /* of this test: playbooks, inventory, work, secrets */
static struct ansible_limits limits = {.child_ms = 60000, .output_bytes = 1024 * 1024};

static void put(const char *path, const char *text)
{
    char whole[256];
    struct err err;

    snprintf(whole, sizeof whole, "%s/%s", root, path);
    if (!file_replace(whole, str_from(text), 0600, &err)) {
        printf("# %s\n", err.message);
        abort();
    }
}

#define PLAY "- hosts: all\n  gather_facts: false\n  tasks:\n"

__attribute__((constructor)) static void prepare(void)
{
    struct sandbox sandbox = {.deny = SANDBOX_DENY_LISTEN, .all_paths = true};
    struct err err;
    bool has_landlock;
    char path[256];

    snprintf(root, sizeof root, "/tmp/logic-ansible.%d", (int)getpid());
    for (const char *const *name = (const char *const[]){"playbooks/t/files", "inventory", "work",
             "playbooks/roles", NULL};
         *name; name++) {
        snprintf(path, sizeof path, "%s/%s", root, *name);
        if (!file_make_folder(path, 0700, &err))
            abort();
    }
    put("inventory/local.yml", "all:\n  hosts:\n    here:\n      ansible_connection: local\n"
                               "      ansible_python_interpreter: /usr/bin/python3\n");
    put("playbooks/t/write.yml",
        PLAY "    - name: write\n      ansible.builtin.copy: {dest: '{{ target }}', content: \"{{ "
             "text }}\\n\", mode: '0600'}\n"
             "    - name: never\n      ansible.builtin.command: {cmd: 'false'}\n      when: false\n"
             "    - name: shell\n      ansible.builtin.command: {cmd: 'true'}\n");
    put("playbooks/t/half.yml", PLAY "    - name: first half\n      ansible.builtin.copy: {dest: "
                                     "'{{ target }}', content: 'x', mode: '0600'}\n"
                                     "    - name: second half\n      ansible.builtin.command: "
                                     "{cmd: 'sh -c \"echo {{ text }} >&2; exit 3\"'}\n");
    put("playbooks/t/slow.yml", PLAY "    - name: sleep\n      ansible.builtin.command: {cmd: "
                                     "'sleep 60'}\n      check_mode: false\n");
    put("playbooks/t/loud.yml", PLAY "    - name: loud\n      ansible.builtin.command: {cmd: 'seq "
                                     "1 400000'}\n      check_mode: false\n");
    put("playbooks/t/broken.yml", "- hosts: [\n");
    put("playbooks/t/secret.yml", PLAY
        "    - name: told\n      ansible.builtin.debug: {msg: 'is {{ password }}'}\n"
        "    - name: looked for\n      ansible.builtin.command: {cmd: 'sh -c \"tr \\\\0 \\\\n < "
        "/proc/$PPID/environ; cat /proc/*/cmdline 2>/dev/null | tr \\\\0 \\\\n\"'}\n"
        "      check_mode: false\n      register: seen\n"
        "    - name: not in argv or environment\n      ansible.builtin.assert: {that: ['password "
        "not in seen.stdout'], quiet: true}\n"
        "    - name: fail\n      ansible.builtin.fail: {msg: 'wrong password {{ password }}'}\n");
    /* the sentence of a failure is cut inside of the secret */
    put("playbooks/t/cut.yml", PLAY "    - name: fail\n      ansible.builtin.fail: {msg: \"{{ "
                                    "'x' * (180 - 10) }}{{ password }} behind\"}\n");
    snprintf(path, sizeof path, "%s/secrets", root);
    if (!secret_put(path, S("secret:test/one"), S(SECRET), &err))
        abort();
    if (!sandbox_enter(&sandbox, &has_landlock, &err))
        abort();
}

__attribute__((destructor)) static void clean(void)
{
    ansible_tree_remove(root);
}

static void store_done(struct secret_store **store)
{
    secret_close(store);
}

/* Takes the job; the end is scrubbed as the role does it. */
static void run_in(
    json_t *job, const char *playbooks, const char *inventories, struct hand_end *end)
{
    scoped(json_done) json_t *owned = job;
    struct ansible_job read;
    char secrets[256], work[256];

    snprintf(secrets, sizeof secrets, "%s/secrets", root);
    snprintf(work, sizeof work, "%s/work", root);
    scoped(store_done) struct secret_store *store = secret_open(secrets);
    struct ansible_paths paths = {.playbooks = playbooks, .inventories = inventories, .work = work};
    *end = (struct hand_end){0};
    if (ansible_job_read(owned, &read, &end->err))
        ansible_job_run(&read, store, &paths, &limits, end);
    if (end->err.kind && strstr(end->err.message, SECRET))
        printf("# before the scrubber: %s\n", end->err.code);
    secret_scrub_err(store, &end->err);
    if (end->result) {
        json_t *clean_result = secret_scrub_json(store, end->result);
        json_decref(end->result);
        end->result = clean_result;
    }
    if (!end->ok)
        printf("# %s: %s\n", end->err.code, end->err.message);
}

static void run(json_t *job, struct hand_end *end)
{
    char playbooks[256];

    snprintf(playbooks, sizeof playbooks, "%s/playbooks", root);
    run_in(job, playbooks, root, end);
}

static json_t *job(const char *op, const char *playbook, const char *text)
{
    char target[256];

    snprintf(target, sizeof target, "%s/target", root);
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:s, s:i, s:b}, s:{}}", "hand", "ansible", "op",
        op, "playbook", playbook, "inventory", "inventory/local.yml", "variables", "target", target,
        "text", text, "number", 7, "flag", 1, "secrets");
}

/* The run that a check allows. Takes the job. */
static json_t *bound(json_t *job_is, const struct hand_end *checked)
{
    json_object_set_new(job_is, "op", json_string("run"));
    json_object_set(job_is, "content_sha256", json_object_get(checked->result, "content_sha256"));
    json_object_set(job_is, "fingerprint", json_object_get(checked->result, "fingerprint"));
    return job_is;
}

static long long covered(const struct hand_end *end, const char *what)
{
    return json_integer_value(json_object_get(json_object_get(end->result, "coverage"), what));
}

static bool same(const struct hand_end *a, const struct hand_end *b, const char *field)
{
    return json_equal(json_object_get(a->result, field), json_object_get(b->result, field));
}

static void read_target(struct buf *out)
{
    char path[256];
    struct err err;

    snprintf(path, sizeof path, "%s/target", root);
    buf_clear(out);
    (void)file_read(path, out, &err);
}

static void remove_target(void)
{
    char path[256];

    snprintf(path, sizeof path, "%s/target", root);
    (void)unlink(path);
}

TEST(the_role_cannot_listen_here)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0 && listen(fd, 1) != 0);
    close(fd);
}

TEST(a_check_changes_nothing_and_counts_honestly_and_a_run_does_what_was_checked)
{
    scoped(hand_end_done) struct hand_end first, again, done, checked_done, late;
    scoped(buf_done) struct buf text = buf_of(1024);

    run(job("check", "t/write.yml", "hello"), &first);
    CHECK(first.ok);
    CHECK_INT(first.changed, HAND_CHANGED_NO);
    CHECK_INT(covered(&first, "changed"), 1);
    CHECK_INT(covered(&first, "skipped"), 1);
    CHECK_INT(covered(&first, "unsupported"), 1);
    CHECK_INT(json_array_size(json_object_get(first.result, "tasks")), 3);
    json_t *diff = json_array_get(json_object_get(first.result, "diff"), 0);
    CHECK_TEXT(json_string_value(json_object_get(diff, "op")), "add");
    CHECK(strstr(json_string_value(json_object_get(diff, "text")), "+hello"));
    read_target(&text);
    CHECK_INT(text.len, 0);
    run(job("check", "t/write.yml", "hello"), &again);
    CHECK(same(&first, &again, "content_sha256") && same(&first, &again, "fingerprint"));
    run(bound(job("run", "t/write.yml", "hello"), &first), &done);
    CHECK(done.ok);
    CHECK_TEXT(hand_changed_word(done.changed), "yes");
    read_target(&text);
    CHECK_STR(buf_str(&text), "hello\n");
    /* the same warrant again: the world is another by now */
    run(bound(job("run", "t/write.yml", "hello"), &first), &late);
    CHECK(!late.ok);
    CHECK_TEXT(late.err.code, "world_moved");
    CHECK_TEXT(hand_changed_word(late.changed), "no");
    run(job("check", "t/write.yml", "hello"), &checked_done);
    CHECK_INT(covered(&checked_done, "changed"), 0);
    CHECK(!same(&first, &checked_done, "fingerprint"));
    remove_target();
}

TEST(a_playbook_that_was_edited_after_the_check_is_not_run)
{
    scoped(hand_end_done) struct hand_end first, edited;

    run(job("check", "t/write.yml", "hello"), &first);
    put("playbooks/t/files/more.txt", "x");
    run(bound(job("run", "t/write.yml", "hello"), &first), &edited);
    CHECK(!edited.ok);
    CHECK_TEXT(edited.err.code, "world_moved");
    CHECK_TEXT(hand_changed_word(edited.changed), "no");
}

TEST(a_run_that_fails_half_way_tells_what_had_changed)
{
    scoped(hand_end_done) struct hand_end first, half;

    run(job("check", "t/half.yml", "boom"), &first);
    CHECK(first.ok);
    run(bound(job("run", "t/half.yml", "boom"), &first), &half);
    CHECK(!half.ok);
    CHECK_TEXT(half.err.code, "playbook_failed");
    CHECK_TEXT(hand_changed_word(half.changed), "yes");
    CHECK(strstr(half.err.message, "'second half'") && strstr(half.err.message, "boom"));
    CHECK(strstr(half.err.message, "changed before: 'first half'"));
    remove_target();
}

TEST(a_value_is_never_a_template_a_word_or_an_option)
{
    static const char *const BAD[] = {
        "{{ lookup('pipe','id') }}", "a{%b", "{#", "!unsafe x", "a\nb", "a\x7f"};
#define PLAIN "--check $(id) `id` ; & | > < * ? ' \\ \" true a: b # c"
    scoped(buf_done) struct buf text = buf_of(1024);
    struct ansible_job read;
    struct err err = {0};

    for (size_t i = 0; i < COUNT(BAD); i++) {
        scoped(json_done) json_t *json = job("check", "t/write.yml", BAD[i]);
        CHECK(!ansible_job_read(json, &read, &err));
        CHECK_TEXT(err.code, "bad_variable");
    }
    scoped(hand_end_done) struct hand_end first, done;
    run(job("check", "t/write.yml", PLAIN), &first);
    run(bound(job("run", "t/write.yml", PLAIN), &first), &done);
    CHECK(done.ok);
    read_target(&text);
    CHECK_STR(buf_str(&text), PLAIN "\n");
    remove_target();
}

TEST(names_and_paths_are_strict)
{
    static const char *const PATHS[] = {"write.yml", "../t/write.yml", "t/../t/write.yml",
        "/t/write.yml", "t//write.yml", "t/write.yaml", "t/.yml", "t/wr ite.yml", "T/write.yml",
        "t/write.yml\n", "-t/write.yml", "t/-x.yml"};
    static const char *const NAMES[] = {
        "ansible_connection", "hostvars", "A", "a-b", "", "__ansible_unsafe", "environment"};
    struct ansible_job read;
    struct err err = {0};

    for (size_t i = 0; i < COUNT(PATHS); i++) {
        scoped(json_done) json_t *json = job("check", PATHS[i], "x");
        CHECK(!ansible_job_read(json, &read, &err));
        CHECK_TEXT(err.code, "bad_path");
    }
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        scoped(json_done) json_t *json = job("check", "t/write.yml", "x");
        json_object_set_new(json_object_get(json, "variables"), NAMES[i], json_string("x"));
        CHECK(!ansible_job_read(json, &read, &err));
        CHECK_TEXT(err.code, "bad_variable");
    }
    scoped(json_done) json_t *elsewhere = job("check", "t/write.yml", "x");
    json_object_set_new(elsewhere, "inventory", json_string("playbooks/x.yml"));
    CHECK(!ansible_job_read(elsewhere, &read, &err));
    CHECK_TEXT(err.code, "bad_path");
}

TEST(a_link_in_the_tree_is_refused)
{
    scoped(hand_end_done) struct hand_end end, missing;
    char path[256];

    snprintf(path, sizeof path, "%s/playbooks/t/link.txt", root);
    REQUIRE(symlink("/etc/passwd", path) == 0);
    run(job("check", "t/write.yml", "x"), &end);
    CHECK_TEXT(end.err.code, "unsafe_tree");
    unlink(path);
    run(job("check", "t/nothing.yml", "x"), &missing);
    CHECK_TEXT(missing.err.code, "no_playbook");
}

TEST(a_slow_or_a_loud_playbook_is_ended)
{
    scoped(hand_end_done) struct hand_end slow, loud;

    limits.child_ms = 4000;
    run(job("check", "t/slow.yml", "x"), &slow);
    CHECK_TEXT(slow.err.code, "too_slow");
    limits.child_ms = 60000;
    limits.output_bytes = 2000;
    run(job("check", "t/loud.yml", "x"), &loud);
    CHECK(!loud.ok || covered(&loud, "changed") == 1);
    limits.output_bytes = 100;
    scoped(hand_end_done) struct hand_end louder;
    run(job("check", "t/write.yml", "x"), &louder);
    CHECK_TEXT(louder.err.code, "output_too_large");
    limits.output_bytes = 1024 * 1024;
}

TEST(a_playbook_that_is_none_says_why)
{
    scoped(hand_end_done) struct hand_end end;

    run(job("check", "t/broken.yml", "x"), &end);
    CHECK_TEXT(end.err.code, "check_failed");
    CHECK(strstr(end.err.message, "ERROR"));
}

TEST(a_secret_reaches_the_playbook_and_nobody_else)
{
    scoped(hand_end_done) struct hand_end end;
    scoped(json_done) json_t *with = job("check", "t/secret.yml", "x");

    json_object_set_new(
        json_object_get(with, "secrets"), "password", json_string("secret:test/one"));
    run(json_incref(with), &end);
    CHECK_TEXT(end.err.code, "check_failed");
    CHECK(strstr(end.err.message, "wrong password [secret:test/one]"));
    CHECK(!strstr(end.err.message, SECRET));
    CHECK(strstr(end.err.message, "'fail'"));
}

TEST(half_a_secret_is_not_told_either)
{
    scoped(hand_end_done) struct hand_end end;
    scoped(json_done) json_t *with = job("check", "t/cut.yml", "x");
    char half[11] = {0};

    memcpy(half, SECRET, sizeof half - 1);
    json_object_set_new(
        json_object_get(with, "secrets"), "password", json_string("secret:test/one"));
    run(json_incref(with), &end);
    CHECK_TEXT(end.err.code, "check_failed");
    CHECK(strstr(end.err.message, "xxx[secret:") && !strstr(end.err.message, half));
}

TEST(no_private_folder_is_left)
{
    char path[256];

    snprintf(path, sizeof path, "%s/work", root);
    CHECK(rmdir(path) == 0);
    CHECK(mkdir(path, 0700) == 0);
}

static json_t *zone_job(const char *zone)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:{s:s}, s:{}}", "hand", "ansible", "op", "check",
        "playbook", "services/dns/zone.yml", "inventory", "inventory/home.yml", "variables", "zone",
        zone, "secrets");
}

TEST(a_zone_is_created_on_bind_once)
{
    scoped(hand_end_done) struct hand_end first, done, second, bad;
    const char *playbooks = getenv("ANSIBLE_ROOT");
    const char *inventories = getenv("NAMED_DIR");

    run_in(zone_job("lab.test"), playbooks, inventories, &first);
    CHECK(first.ok);
    CHECK_INT(covered(&first, "changed"), 2);
    CHECK_INT(json_array_size(json_object_get(first.result, "diff")), 2);
    run_in(bound(zone_job("lab.test"), &first), playbooks, inventories, &done);
    CHECK(done.ok);
    CHECK_TEXT(hand_changed_word(done.changed), "yes");
    CHECK(system("dig -p $NAMED_PORT @127.0.0.1 lab.test soa +short +tcp | grep -q ns.lab.test") ==
          0);
    run_in(zone_job("lab.test"), playbooks, inventories, &second);
    CHECK(second.ok);
    CHECK_INT(covered(&second, "changed"), 0);
    run_in(zone_job("Lab Test"), playbooks, inventories, &bad);
    CHECK_TEXT(bad.err.code, "check_failed");
    CHECK(strstr(bad.err.message, "must be a domain name"));
}

TAP_MAIN
