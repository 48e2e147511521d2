/* SPDX-License-Identifier: Apache-2.0 */
#include "telemetry/telemetry.h"

#include "base/scoped.h"
#include "exposition/exposition.h"
#include "os/clock.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <limits.h>
#include <sys/stat.h>

static const char *root;

/* A FAKE kernel's folder: what this machine lacks. */
static void put(const char *path, const char *text)
{
    char whole[PATH_MAX], folder[PATH_MAX];
    struct err err;

    snprintf(whole, sizeof whole, "%s/%s", root, path);
    snprintf(folder, sizeof folder, "%s", whole);
    *strrchr(folder, '/') = '\0';
    CHECK(file_make_folder(folder, 0755, &err));
    CHECK(file_replace(whole, str_from(text), 0644, &err));
}

static void link_to(const char *target, const char *path)
{
    char whole[PATH_MAX];

    snprintf(whole, sizeof whole, "%s/%s", root, path);
    CHECK(symlink(target, whole) == 0);
}

static const char *written(struct buf *out)
{
    char proc[PATH_MAX], sys[PATH_MAX];

    snprintf(proc, sizeof proc, "%s/proc", root);
    snprintf(sys, sizeof sys, "%s/sys", root);
    telemetry_write(&(struct telemetry_roots){proc, sys}, 1700000000250, out);
    return buf_text(out);
}

static bool has(const char *text, const char *line)
{
    const char *at = strstr(text, line);
    return at && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n';
}

static bool is_good(struct str text)
{
    const struct exposition_limits limits = EXPOSITION_LIMITS;
    struct err err = {0};
    size_t samples;
    bool good = exposition_check(text, &limits, &samples, &err);

    if (!good)
        printf("# %s\n", err.message);
    return good;
}

TEST(what_a_kernel_tells_stands_under_node_exporters_names)
{
    scoped(buf_done) struct buf out = buf_of(TELEMETRY_BYTES_MAX);

    root = scratch_folder();
    put("proc/stat", "cpu  300 0 100 1000 0 0 0 0 0 0\ncpu0 200 0 50 500 7 0 1 0 0 0\n"
                     "cpu1 100 0 50 500 0 0 0 3 0 0\nintr 12 0 0\nctxt 77\nbtime 1690000000\n"
                     "processes 5\nprocs_running 2\nprocs_blocked 1\n");
    put("proc/loadavg", "0.50 0.25 0.10 1/100 4242\n");
    put("proc/meminfo", "MemTotal:       2048 kB\nMemAvailable:    1024 kB\n"
                        "Active(anon):    4 kB\nHugePages_Total:       3\n");
    put("proc/net/dev", "Inter-|   Receive\n face |bytes    packets\n"
                        "  eth0: 10 2 1 4 0 0 0 0 20 5 6 7 0 0 0 0\n");
    put("sys/class/net/eth0/operstate", "up\n");
    put("sys/class/net/eth0/speed", "1000\n");
    put("proc/diskstats",
        "   8 0 sda 10 1 20 30 40 2 50 60 1 70 80 0 0 0 0 0 0\n"
        "   8 1 sda1 1 1 1 1 1 1 1 1 1 1 1\n   7 0 loop0 1 1 1 1 1 1 1 1 1 1 1\n");
    put("sys/class/block/sda1/partition", "1\n");
    put("proc/spl/kstat/zfs/arcstats",
        "13 1 0x01 98 26656 1 2\nname type data\nhits 4 900\nsize 4 4096\nother 4 1\n");
    put("proc/spl/kstat/zfs/tank/state", "DEGRADED\n");
    const char *text = written(&out);
    CHECK(is_good(buf_str(&out)));
    CHECK(has(text, "node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 2"));
    CHECK(has(text, "node_cpu_seconds_total{cpu=\"1\",mode=\"steal\"} 0.03"));
    CHECK(has(text, "node_boot_time_seconds 1690000000"));
    CHECK(has(text, "node_context_switches_total 77"));
    CHECK(has(text, "node_load5 0.25"));
    CHECK(has(text, "node_memory_MemAvailable_bytes 1048576"));
    CHECK(has(text, "node_memory_Active_anon_bytes 4096"));
    CHECK(has(text, "node_memory_HugePages_Total 3"));
    CHECK(has(text, "node_network_receive_errs_total{device=\"eth0\"} 1"));
    CHECK(has(text, "node_network_transmit_drop_total{device=\"eth0\"} 7"));
    CHECK(has(text, "node_network_up{device=\"eth0\"} 1"));
    CHECK(has(text, "node_network_speed_bytes{device=\"eth0\"} 125000000"));
    CHECK(has(text, "node_disk_read_bytes_total{device=\"sda\"} 10240"));
    CHECK(has(text, "node_disk_io_time_seconds_total{device=\"sda\"} 0.07"));
    CHECK(!strstr(text, "sda1") && !strstr(text, "loop0"));
    CHECK(has(text, "node_zfs_arc_hits 900") && !strstr(text, "node_zfs_arc_other"));
    CHECK(has(text, "node_zfs_zpool_state{state=\"degraded\",zpool=\"tank\"} 1"));
    CHECK(has(text, "node_zfs_zpool_state{state=\"online\",zpool=\"tank\"} 0"));
    CHECK(has(text, "node_time_seconds 1700000000.25"));
}

TEST(heat_fans_and_powers_are_named_by_where_their_chip_sits)
{
    scoped(buf_done) struct buf out = buf_of(TELEMETRY_BYTES_MAX);

    root = scratch_folder();
    put("sys/devices/platform/coretemp.0/name", "x\n");
    put("sys/bus/platform/uevent", "");
    link_to("../../../bus/platform", "sys/devices/platform/coretemp.0/subsystem");
    put("sys/class/hwmon/hwmon0/name", "coretemp\n");
    link_to("../../../devices/platform/coretemp.0", "sys/class/hwmon/hwmon0/device");
    put("sys/class/hwmon/hwmon0/temp1_input", "47250\n");
    put("sys/class/hwmon/hwmon0/temp1_crit", "100000\n");
    put("sys/class/hwmon/hwmon0/temp1_label", "Package\n");
    put("sys/class/hwmon/hwmon0/fan2_input", "1200\n");
    put("sys/class/hwmon/hwmon0/power1_average", "35500000\n");
    put("sys/class/hwmon/hwmon0/temp2_input", "garbage\n");
    put("sys/class/hwmon/hwmon10/name", "NVMe \"evil\"\nx\n");
    put("sys/class/hwmon/hwmon10/temp1_input", "-5000\n");
    put("sys/class/thermal/thermal_zone0/type", "x86_pkg_temp\n");
    put("sys/class/thermal/thermal_zone0/temp", "51000\n");
    put("sys/class/powercap/intel-rapl:0/name", "package-0\n");
    put("sys/class/powercap/intel-rapl:0/energy_uj", "2500000\n");
    put("sys/class/powercap/intel-rapl:0:0/name", "core\n");
    put("sys/class/powercap/intel-rapl:0:0/energy_uj", "1000000\n");
    put("sys/class/powercap/intel-rapl:1/name", "package-1\n");
    put("sys/class/powercap/intel-rapl:1/energy_uj", "500000\n");
    const char *text = written(&out);
    CHECK(is_good(buf_str(&out)));
    CHECK(
        has(text, "node_hwmon_temp_celsius{chip=\"platform_coretemp_0\",sensor=\"temp1\"} 47.25"));
    CHECK(has(
        text, "node_hwmon_temp_crit_celsius{chip=\"platform_coretemp_0\",sensor=\"temp1\"} 100"));
    CHECK(has(text, "node_hwmon_fan_rpm{chip=\"platform_coretemp_0\",sensor=\"fan2\"} 1200"));
    CHECK(has(text,
        "node_hwmon_power_average_watt{chip=\"platform_coretemp_0\",sensor=\"power1\"} 35.5"));
    CHECK(has(text, "node_hwmon_temp_celsius{chip=\"nvme_evil\",sensor=\"temp1\"} -5"));
    CHECK(has(text, "node_hwmon_chip_names{chip=\"nvme_evil\",chip_name=\"NVMe \\\"evil\\\"\"} 1"));
    CHECK(!strstr(text, "temp2"));
    CHECK(has(text, "node_thermal_zone_temp{type=\"x86_pkg_temp\",zone=\"0\"} 51"));
    CHECK(strstr(text, "node_rapl_package_joules_total{index=\"0\",path="));
    CHECK(strstr(text, "node_rapl_package_joules_total{index=\"1\",path="));
    CHECK(strstr(text, "node_rapl_core_joules_total{index=\"0\",path="));
    const char *first = strstr(text, "# TYPE node_rapl_package_joules_total");
    CHECK(first && !strstr(first + 1, "# TYPE node_rapl_package_joules_total"));
}

TEST(an_empty_kernel_gives_the_time_alone)
{
    scoped(buf_done) struct buf out = buf_of(TELEMETRY_BYTES_MAX);

    root = scratch_folder();
    CHECK_STR(str_from(written(&out)),
        "# HELP node_time_seconds System time in seconds since epoch (1970).\n"
        "# TYPE node_time_seconds gauge\nnode_time_seconds 1700000000.25\n");
}

TEST(gpus_tell_what_they_tell_and_no_more)
{
    scoped(buf_done) struct buf out = buf_of(TELEMETRY_BYTES_MAX);
    struct gpu_facts *facts = calloc(1, sizeof *facts);

    telemetry_gpus(facts, &out);
    CHECK(out.len == 0);
    facts->count = 2;
    facts->gpus[0] = (struct gpu){.index = 0,
        .uuid = "GPU-1",
        .name = "RTX 5080",
        .total_bytes = 16ll << 30,
        .used_bytes = 4ll << 30,
        .free_bytes = 12ll << 30,
        .util_percent = 7,
        .celsius = 55,
        .watts = 120.5};
    facts->gpus[1] = (struct gpu){.index = 1,
        .uuid = "GPU-2",
        .name = "shared",
        .util_percent = -1,
        .celsius = -1,
        .watts = -1};
    telemetry_gpus(facts, &out);
    CHECK(is_good(buf_str(&out)));
    const char *text = buf_text(&out), *marks = "{gpu=\"0\",UUID=\"GPU-1\",modelName=\"RTX 5080\"}";
    char line[256];
    static const char *const WANTED[] = {"DCGM_FI_DEV_GPU_TEMP%s 55", "DCGM_FI_DEV_GPU_UTIL%s 7",
        "DCGM_FI_DEV_POWER_USAGE%s 120.5", "DCGM_FI_DEV_FB_FREE%s 12288",
        "DCGM_FI_DEV_FB_USED%s 4096"};
    for (size_t i = 0; i < COUNT(WANTED); i++) {
        const char *rest = strstr(WANTED[i], "%s");
        snprintf(
            line, sizeof line, "%.*s%s%s", (int)(rest - WANTED[i]), WANTED[i], marks, rest + 2);
        CHECK(has(text, line));
    }
    CHECK(!strstr(text, "GPU-2")); /* told nothing: left out, not zero */
    free(facts);
}

static size_t answers, answer_bytes;

static void on_answer(void *user, struct str text)
{
    (void)user;
    answers++;
    answer_bytes = text.len;
    CHECK(is_good(text));
}

TEST(this_machine_is_told_from_a_worker_and_a_cancelled_question_answers_nobody)
{
    uv_loop_t loop;
    struct telemetry_question *question;

    CHECK(uv_loop_init(&loop) == 0);
    telemetry_ask(&loop, &(struct telemetry_roots){0}, on_answer, NULL, &question);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(answers == 1 && answer_bytes > 2000);
    telemetry_ask(&loop, &(struct telemetry_roots){0}, on_answer, NULL, &question);
    telemetry_cancel(&question);
    CHECK(!question);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(answers == 1);
    CHECK(uv_loop_close(&loop) == 0);
}

TEST(past_its_limit_a_buffer_takes_no_more_and_says_so)
{
    scoped(buf_done) struct buf out = buf_of(512);

    telemetry_write(&(struct telemetry_roots){0}, clock_civil_ms(), &out);
    CHECK(out.overflowed && out.len <= 512);
}

TAP_MAIN
