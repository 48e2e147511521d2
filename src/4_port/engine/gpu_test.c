/* SPDX-License-Identifier: Apache-2.0
 *
 * What nvidia-smi says: the programs here are FAKES, scripts of a few lines.
 */
#include "engine/gpu.h"

#include "base/buf.h"
#include "base/scoped.h"
#include "os/file.h"
#include "scratch.h"
#include "tap.h"

#include <string.h>

#define MIB (1LL << 20)

static struct gpu_facts seen_facts;
static struct err gpu_why;

static void on_gpus(void *user, const struct gpu_facts *facts, const struct err *err)
{
    (void)user;
    seen_facts = *facts;
    gpu_why = err ? *err : (struct err){0};
}

static void ask_gpus(const char *program, int64_t limit_ms)
{
    struct gpu_question *question;
    uv_loop_t loop;

    uv_loop_init(&loop);
    gpu_ask(&loop, program, limit_ms, on_gpus, NULL, &question);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(uv_loop_close(&loop), 0);
}

static const char *fake_smi(const char *script)
{
    static char path[128];
    struct err err;

    snprintf(path, sizeof path, "%s/nvidia-smi", scratch_folder());
    if (!file_replace(path, str_from(script), 0700, &err))
        abort();
    return path;
}

static const char SMI_OF_ONE[] =
    "#!/bin/sh\n# a FAKE nvidia-smi\ncase \"$1\" in\n"
    "--query-gpu*) echo '0, GPU-11112222-3333, NVIDIA GeForce RTX 5080, 16303, 1203, 14800, 7, 41, "
    "35.20, "
    "580.65.06';;\n"
    "*) echo 'GPU-11112222-3333, 4242, 900'; echo 'GPU-11112222-3333, 4343, [N/A]';;\nesac\n";

TEST(gpus_and_their_processes_are_read)
{
    ask_gpus(fake_smi(SMI_OF_ONE), 20000);
    CHECK_TEXT(gpu_why.message, "");
    CHECK(seen_facts.present);
    REQUIRE(seen_facts.count == 1 && seen_facts.process_count == 2);
    const struct gpu *gpu = gpu_find(&seen_facts, S("0"));
    REQUIRE(gpu != NULL);
    CHECK_TEXT(gpu->name, "NVIDIA GeForce RTX 5080");
    CHECK_INT(gpu->free_bytes, 14800 * MIB);
    CHECK_INT(gpu->util_percent, 7);
    CHECK(gpu->watts > 35.1 && gpu->watts < 35.3);
    CHECK_TEXT(seen_facts.driver, "580.65.06");
    CHECK(gpu_find(&seen_facts, S("GPU-1111")) == gpu);
    CHECK(gpu_find(&seen_facts, S("1")) == NULL);
    CHECK_INT(gpu_foreign_bytes(&seen_facts, gpu, NULL, 0), 900 * MIB);
    const pid_t own[] = {4242};
    CHECK_INT(gpu_foreign_bytes(&seen_facts, gpu, own, 1), 0);
}

TEST(no_nvidia_smi_is_no_error)
{
    ask_gpus("/nonexistent/nvidia-smi", 1000);
    CHECK(!seen_facts.present);
    CHECK_TEXT(gpu_why.code, "");
}

TEST(an_nvidia_smi_that_fails_hangs_or_floods_is_a_driver_that_is_not_ready)
{
    ask_gpus(fake_smi("#!/bin/sh\necho \"NVIDIA-SMI has failed because it couldn't communicate\"\n"
                      "exit 9\n"),
        20000);
    CHECK_TEXT(gpu_why.code, "driver_not_ready");
    CHECK(strstr(gpu_why.message, "couldn't communicate") != NULL);
    ask_gpus(fake_smi("#!/bin/sh\nsleep 600\n"), 100);
    CHECK_TEXT(gpu_why.code, "driver_not_ready");
    ask_gpus(fake_smi("#!/bin/sh\nyes\n"), 20000);
    CHECK_TEXT(gpu_why.code, "driver_not_ready");
    ask_gpus(fake_smi("#!/bin/sh\nexit 0\n"), 20000);
    CHECK_TEXT(gpu_why.code, "driver_not_ready");
    CHECK(!seen_facts.present);
}

TEST(hostile_text_of_nvidia_smi_is_refused)
{
    static const char *const BAD[] = {"x", "0, u, n, 2, 1, 1, 0, 0, 0",
        "0, u, n, 1, 2, 0, 0, 0, 0, d", "0, u, n, 2, 1, 2, 0, 0, 0, d",
        "0, u, n, 99999999999999999999, 0, 0, 0, 0, 0, d", "-1, u, n, 2, 1, 1, 0, 0, 0, d",
        "0, , n, 2, 1, 1, 0, 0, 0, d", "0, u, n\x1b[31m, 2, 1, 1, 0, 0, 0, d",
        "0, u, n, 2, 1, 1, 101, 0, 0, d", "0, u, n, 2, 1, 1, 0, 0, 0x10, d",
        "0, u, n, 2, 1, 1, 0, 0, 0, d, e"};
    static struct gpu_facts facts;
    struct err err;

    for (size_t i = 0; i < COUNT(BAD); i++)
        CHECK(!gpu_read_list(str_from(BAD[i]), &facts, &err));
    CHECK(gpu_read_list(S("0, u, n, 2, 1, 1, [N/A], N/A, [Not Supported], d\r\n\n"), &facts, &err));
    CHECK_INT(facts.gpus[0].util_percent, -1);
    CHECK(gpu_read_list(S("0, u, n, [N/A], [N/A], [N/A], 0, 0, 0, d"), &facts, &err));
    CHECK_INT(facts.gpus[0].total_bytes, 0);
    scoped(buf_done) struct buf many = buf_of(4096);
    for (int i = 0; i <= GPUS_MAX; i++)
        buf_printf(&many, "%d, u, n, 2, 1, 1, 0, 0, 0.5, d\n", i);
    CHECK(!gpu_read_list(buf_str(&many), &facts, &err));
    CHECK(!gpu_read_processes(S("u, -4, 1"), &facts, &err));
    CHECK(!gpu_read_processes(S("u, 4"), &facts, &err));
}

TAP_MAIN
