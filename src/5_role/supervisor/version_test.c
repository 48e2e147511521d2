/* SPDX-License-Identifier: Apache-2.0 */
#include "supervisor/version.h"

#include "base/scoped.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
    char kb[PATH_MAX / 4], site[PATH_MAX / 4], into[PATH_MAX / 4];
};

static void put(const char *folder, const char *name, const char *text)
{
    char path[PATH_MAX];
    struct err err = {0};

    snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK(file_replace(path, str_from(text), 0644, &err));
}

static struct world make_world(const char *folder)
{
    struct world w;
    char core[PATH_MAX];
    struct err err = {0};

    snprintf(w.kb, sizeof w.kb, "%s/rules", folder);
    snprintf(w.site, sizeof w.site, "%s/facts", folder);
    snprintf(w.into, sizeof w.into, "%s/kb", folder);
    snprintf(core, sizeof core, "%s/core", w.kb);
    CHECK(file_make_folder(core, 0755, &err) && file_make_folder(w.site, 0755, &err));
    put(w.kb, "main.pl", "main.\n");
    put(core, "a.pl", "a.\n");
    put(w.site, "owner.pl", "b.\n");
    return w;
}

static struct version make(const struct world *w)
{
    struct version made = {0};
    struct err err = {0};

    if (!version_make(w->kb, w->site, w->into, &made, &err))
        printf("# %s\n", err.message);
    CHECK(made.folder[0]);
    return made;
}

/* As it was `age` seconds ago. */
static void used_before(const struct version *v, long age)
{
    char mark[PATH_MAX + 8];
    const struct timespec times[] = {{.tv_sec = 1000000 - age}, {.tv_sec = 1000000 - age}};

    CHECK(snprintf(mark, sizeof mark, "%s/whole", v->folder) < (int)sizeof mark);
    CHECK(utimensat(AT_FDCWD, mark, times, 0) == 0);
}

TEST(same_content_is_the_same_version_and_another_byte_another)
{
    struct world w = make_world(scratch_folder());
    struct version one = make(&w), two = make(&w);

    CHECK_TEXT(one.folder, two.folder);
    put(w.site, "owner.pl", "c.\n");
    struct version three = make(&w);
    CHECK_TEXT(one.rules, three.rules);
    CHECK(strcmp(one.site, three.site) != 0);
}

TEST(a_version_is_what_its_name_says_until_somebody_writes_into_it)
{
    char site[PATH_MAX + 8], file[PATH_MAX + 32];
    struct version again;
    struct err err = {0};
    struct world w = make_world(scratch_folder());
    struct version made = make(&w);

    snprintf(site, sizeof site, "%s/site", made.folder);
    CHECK(version_hash(made.folder, site, &again, &err));
    CHECK_TEXT(again.rules, made.rules);
    CHECK_TEXT(again.site, made.site);
    snprintf(file, sizeof file, "%s/owner.pl", site);
    CHECK(file_replace(file, S("d.\n"), 0644, &err));
    CHECK(version_hash(made.folder, site, &again, &err));
    CHECK(strcmp(again.site, made.site) != 0);
}

/* Of five versions the limit keeps the two used last, and the one in force whatever its age. */
TEST(beyond_the_limit_the_version_unused_longest_is_removed)
{
    struct version made[5];
    struct world w = make_world(scratch_folder());

    for (int i = 0; i < 5; i++) {
        char text[16];
        snprintf(text, sizeof text, "n(%d).\n", i);
        put(w.site, "owner.pl", text);
        made[i] = make(&w);
        used_before(&made[i], 100 - i);
    }
    const char *keep[] = {made[0].folder};
    version_prune(w.into, keep, 1, 5);
    for (int i = 0; i < 5; i++)
        CHECK(file_exists(made[i].folder));
    version_prune(w.into, keep, 1, 2);
    CHECK(file_exists(made[0].folder));
    CHECK(!file_exists(made[1].folder));
    CHECK(!file_exists(made[2].folder));
    CHECK(file_exists(made[3].folder));
    CHECK(file_exists(made[4].folder));
}

TEST(a_version_that_is_used_again_is_the_newest)
{
    struct world w = make_world(scratch_folder());
    struct version one = make(&w);

    used_before(&one, 100);
    put(w.site, "owner.pl", "c.\n");
    struct version two = make(&w);
    used_before(&two, 50);
    put(w.site, "owner.pl", "b.\n");
    make(&w);
    version_prune(w.into, NULL, 0, 1);
    CHECK(file_exists(one.folder));
    CHECK(!file_exists(two.folder));
}

/* As an installed node has it: rules by links, and a folder of versions that holds other things. */
TEST(links_to_rules_are_followed_and_what_is_no_version_is_never_removed)
{
    struct world w = make_world(scratch_folder());
    struct version plain = make(&w);
    struct err err = {0};
    char to[PATH_MAX], from[PATH_MAX];
    static const char *const LINKS[] = {"main.pl", "core"};
    static const char *const STAY[] = {"main.pl", "core/a.pl", "site/owner.pl", "state/learned.pl"};

    for (size_t i = 0; i < COUNT(LINKS); i++) {
        snprintf(from, sizeof from, "../rules/%s", LINKS[i]);
        snprintf(to, sizeof to, "%s/%s", w.into, LINKS[i]);
        CHECK(symlink(from, to) == 0);
    }
    snprintf(to, sizeof to, "%s/site", w.into);
    CHECK(symlink(w.site, to) == 0);
    snprintf(to, sizeof to, "%s/state", w.into);
    CHECK(file_make_folder(to, 0755, &err));
    put(to, "learned.pl", "l.\n");
    memcpy(w.kb, w.into, sizeof w.kb);
    struct version linked = make(&w);
    CHECK_TEXT(plain.folder, linked.folder);
    version_prune(w.into, NULL, 0, 0);
    CHECK(!file_exists(plain.folder));
    for (size_t i = 0; i < COUNT(STAY); i++) {
        snprintf(to, sizeof to, "%s/%s", w.into, STAY[i]);
        CHECK(file_exists(to));
    }
}

TAP_MAIN
