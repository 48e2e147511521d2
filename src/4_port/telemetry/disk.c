/* SPDX-License-Identifier: Apache-2.0
 *
 * Disks, file systems, ZFS. */
#include "telemetry/telemetry_inside.h"

#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define SECTOR_BYTES 512.0

/* --- /proc/diskstats ---------------------------------------------------------------------------
 */

#define COLUMNS 11 /* of Linux 2.6; later ones follow */
struct disk {
    char name[32];
    double columns[COLUMNS];
};

/* A partition's numbers are in its disk's already. */
static bool is_disk(const struct page *page, const char *name)
{
    char tail[96], path[PATH_MAX];

    if (strncmp(name, "ram", 3) == 0 || strncmp(name, "loop", 4) == 0 ||
        strncmp(name, "fd", 2) == 0)
        return false;
    snprintf(tail, sizeof tail, "class/block/%.32s/partition", name);
    if (snprintf(path, sizeof path, "%s/%s", page->sys, tail) >= PATH_MAX)
        return false;
    FILE *file = fopen(path, "re");
    if (file)
        fclose(file);
    return !file;
}

static bool disk_line(const char *line, struct disk *ret)
{
    double *c = ret->columns;

    return sscanf(line, "%*u %*u %31s %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf %lf", ret->name,
               &c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &c[6], &c[7], &c[8], &c[9],
               &c[10]) == COLUMNS + 1;
}

void page_disks(struct page *page)
{
    static const struct {
        int column;
        double scale;
        const char *name, *kind, *help;
    } ROWS[] = {
        {0, 1, "node_disk_reads_completed_total", "counter",
            "The total number of reads completed successfully."},
        {2, SECTOR_BYTES, "node_disk_read_bytes_total", "counter",
            "The total number of bytes read successfully."},
        {3, 0.001, "node_disk_read_time_seconds_total", "counter",
            "The total number of seconds spent by all reads."},
        {4, 1, "node_disk_writes_completed_total", "counter",
            "The total number of writes completed successfully."},
        {6, SECTOR_BYTES, "node_disk_written_bytes_total", "counter",
            "The total number of bytes written successfully."},
        {7, 0.001, "node_disk_write_time_seconds_total", "counter",
            "This is the total number of seconds spent by all writes."},
        {8, 1, "node_disk_io_now", "gauge", "The number of I/Os currently in progress."},
        {9, 0.001, "node_disk_io_time_seconds_total", "counter", "Total seconds spent doing I/Os."},
        {10, 0.001, "node_disk_io_time_weighted_seconds_total", "counter",
            "The weighted # of seconds spent doing I/Os."},
    };
    struct disk disks[TELEMETRY_DISKS_MAX];
    size_t count = 0;
    char line[512];
    FILE *file = page_open(page->proc, "diskstats");

    while (file && count < TELEMETRY_DISKS_MAX && fgets(line, sizeof line, file))
        if (disk_line(line, &disks[count]) && is_disk(page, disks[count].name))
            count++;
    if (file)
        fclose(file);
    for (size_t i = 0; count && i < sizeof ROWS / sizeof *ROWS; i++) {
        page_family(page, ROWS[i].name, ROWS[i].kind, ROWS[i].help);
        for (size_t k = 0; k < count; k++)
            page_sample(page, MARKS({"device", disks[k].name}),
                disks[k].columns[ROWS[i].column] * ROWS[i].scale);
    }
}

/* --- file systems -------------------------------------------------------------------------------
 */

struct file_system {
    char device[TELEMETRY_LABEL_BYTES_MAX + 1], type[32], point[TELEMETRY_LABEL_BYTES_MAX + 1];
    struct statvfs seen;
    bool error;
};

static bool in_list(const char *const *list, const char *word)
{
    for (; *list; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

/* What node_exporter leaves out too, and what may hang because its server is away. */
static bool is_wanted(const struct mntent *entry)
{
    static const char *const TYPES[] = {"autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2",
        "configfs", "debugfs", "devpts", "devtmpfs", "fusectl", "hugetlbfs", "iso9660", "mqueue",
        "nsfs", "overlay", "proc", "procfs", "pstore", "rpc_pipefs", "securityfs", "selinuxfs",
        "squashfs", "sysfs", "tracefs", NULL};
    static const char *const AWAY[] = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "9p", "afs",
        "glusterfs", "lustre", "ncpfs", "davfs", NULL};
    static const char *const POINTS[] = {
        "/dev", "/proc", "/sys", "/run", "/var/lib/docker", "/var/lib/containers/storage", NULL};

    if (in_list(TYPES, entry->mnt_type) || in_list(AWAY, entry->mnt_type) ||
        strncmp(entry->mnt_type, "fuse.", 5) == 0 || strcmp(entry->mnt_type, "fuse") == 0)
        return false;
    for (const char *const *point = POINTS; *point; point++) {
        size_t len = strlen(*point);
        if (strncmp(entry->mnt_dir, *point, len) == 0 &&
            (entry->mnt_dir[len] == '\0' || entry->mnt_dir[len] == '/'))
            return false;
    }
    return strlen(entry->mnt_dir) <= TELEMETRY_LABEL_BYTES_MAX; /* a cut name may be another's */
}

static size_t find_file_systems(const struct page *page, struct file_system *ret)
{
    char path[PATH_MAX], room[4096];
    struct mntent entry;
    size_t count = 0;

    snprintf(path, sizeof path, "%s/self/mounts", page->proc);
    FILE *file = setmntent(path, "re");
    while (file && count < TELEMETRY_FILE_SYSTEMS_MAX &&
           getmntent_r(file, &entry, room, sizeof room)) {
        struct file_system *at = &ret[count];
        if (!is_wanted(&entry))
            continue;
        *at = (struct file_system){0};
        snprintf(at->device, sizeof at->device, "%s", entry.mnt_fsname);
        snprintf(at->type, sizeof at->type, "%s", entry.mnt_type);
        snprintf(at->point, sizeof at->point, "%s", entry.mnt_dir);
        at->error = statvfs(at->point, &at->seen) != 0;
        bool again = false; /* mounted over: the later one is what is seen there */
        for (size_t i = 0; i < count && !again; i++)
            if (strcmp(ret[i].point, at->point) == 0) {
                ret[i] = *at;
                again = true;
            }
        count += !again;
    }
    if (file)
        endmntent(file);
    return count;
}

static double file_system_number(const struct file_system *at, int row)
{
    double block = (double)at->seen.f_frsize;

    switch (row) {
    case 0:
        return block * (double)at->seen.f_bavail;
    case 1:
        return block * (double)at->seen.f_bfree;
    case 2:
        return block * (double)at->seen.f_blocks;
    case 3:
        return (double)at->seen.f_files;
    case 4:
        return (double)at->seen.f_ffree;
    default:
        return (at->seen.f_flag & ST_RDONLY) != 0;
    }
}

void page_file_systems(struct page *page)
{
    static const char *const ROWS[][2] = {
        {"node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes."},
        {"node_filesystem_free_bytes", "Filesystem free space in bytes."},
        {"node_filesystem_size_bytes", "Filesystem size in bytes."},
        {"node_filesystem_files", "Filesystem total file nodes."},
        {"node_filesystem_files_free", "Filesystem total free file nodes."},
        {"node_filesystem_readonly", "Filesystem read-only status."},
    };
    struct file_system *found = calloc(TELEMETRY_FILE_SYSTEMS_MAX, sizeof *found);
    size_t count = found ? find_file_systems(page, found) : 0;

    for (int row = 0; count && row < (int)(sizeof ROWS / sizeof *ROWS); row++) {
        page_family(page, ROWS[row][0], "gauge", ROWS[row][1]);
        for (size_t i = 0; i < count; i++)
            if (!found[i].error)
                page_sample(page,
                    MARKS({"device", found[i].device}, {"fstype", found[i].type},
                        {"mountpoint", found[i].point}),
                    file_system_number(&found[i], row));
    }
    if (count)
        page_family(page, "node_filesystem_device_error", "gauge",
            "Whether an error occurred while getting statistics for the given device.");
    for (size_t i = 0; i < count; i++)
        page_sample(page,
            MARKS({"device", found[i].device}, {"fstype", found[i].type},
                {"mountpoint", found[i].point}),
            found[i].error);
    free(found);
}

/* --- ZFS ----------------------------------------------------------------------------------------
 */

static void arc(struct page *page)
{
    static const char *const WANTED[] = {"hits", "misses", "size", "c", "c_min", "c_max",
        "mru_size", "mfu_size", "l2_hits", "l2_misses", "l2_size", "l2_io_error",
        "memory_throttle_count", "arc_meta_used", NULL};
    char line[256], word[64], name[96];
    double value;
    FILE *file = page_open(page->proc, "spl/kstat/zfs/arcstats");

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%63s %*d %lf", word, &value) == 2 && in_list(WANTED, word)) {
            snprintf(name, sizeof name, "node_zfs_arc_%s", word);
            page_one(page, name, "untyped", "kstat.zfs.misc.arcstats", value);
        }
    if (file)
        fclose(file);
}

/* The health of each pool, one sample a state as node_exporter has it. */
void page_zfs(struct page *page)
{
    static const char *const STATES[] = {
        "online", "degraded", "faulted", "offline", "removed", "unavail", "suspended"};
    struct dirent **names;
    int count = page_names(page->proc, "spl/kstat/zfs", &names);
    bool begun = false;

    arc(page);
    for (int i = 0; i < count; i++) {
        char tail[512], state[32];
        snprintf(tail, sizeof tail, "spl/kstat/zfs/%s/state", names[i]->d_name);
        if (page_line(page->proc, tail, state, sizeof state)) {
            if (!begun)
                page_family(page, "node_zfs_zpool_state", "gauge", "kstat.zfs.misc.state");
            begun = true;
            for (size_t k = 0; k < sizeof STATES / sizeof *STATES; k++)
                page_sample(page, MARKS({"state", STATES[k]}, {"zpool", names[i]->d_name}),
                    strcasecmp(state, STATES[k]) == 0);
        }
        free(names[i]);
    }
    if (count)
        free(names);
}
