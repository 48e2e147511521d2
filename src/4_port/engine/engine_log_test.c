/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_log.h"

#include "engine/inside.h"
#include "tap.h"

#include <string.h>

#define MIB (1 << 20)

/* The lines of llama.cpp 0.7 (build 11669) for a GPU; prefixes as with --log-prefix. */
static const char GPU_LOG[] =
    "0.00.011.750 I load_tensors: loading model tensors, this can take a while... (mmap)\n"
    "load_tensors: offloading output layer to GPU\n"
    "load_tensors: offloaded 33/33 layers to GPU\n"
    "0.00.011.948 I load_tensors:   CPU_Mapped model buffer size =   281.81 MiB\n"
    "load_tensors:        CUDA0 model buffer size =  4403.49 MiB\n"
    "..........................................................................................."
    ".........\n"
    "llama_context:  CUDA_Host  output buffer size =     0.49 MiB\n"
    "llama_kv_cache:      CUDA0 KV buffer size =  1024.00 MiB\n"
    "sched_reserve:      CUDA0 compute buffer size =   258.50 MiB\n"
    "sched_reserve:  CUDA_Host compute buffer size =    24.01 MiB\n";

static struct engine_log *read_all(const char *text)
{
    static struct engine_log log;

    engine_log_init(&log);
    engine_log_add(&log, str_from(text));
    return &log;
}

TEST(buffers_of_a_gpu_are_summed_without_the_hosts)
{
    struct engine_log *log = read_all(GPU_LOG);

    engine_buffers_sum(&log->buffers, "CUDA");
    CHECK_INT(log->buffers.count, 6);
    CHECK_INT(log->buffers.weights_bytes, 4403LL * MIB + 49 * MIB / 100);
    CHECK_INT(log->buffers.kv_bytes, 1024LL * MIB);
    CHECK_INT(log->buffers.compute_bytes, 258LL * MIB + MIB / 2);
    CHECK_INT(log->buffers.other_bytes, 0);
    CHECK_TEXT(log->buffers.device, "CUDA0");
    CHECK(log->buffers.offloaded_known);
    CHECK_INT(log->buffers.offloaded, 33);
    CHECK_INT(log->buffers.layers, 33);
    CHECK(log->fraction > 0.99 && log->fraction <= 1.0);
}

TEST(pieces_of_any_size_give_the_same_facts)
{
    struct engine_log whole = *read_all(GPU_LOG), split;

    for (size_t step = 1; step < 90; step += 7) {
        engine_log_init(&split);
        for (size_t at = 0; at < sizeof GPU_LOG - 1; at += step) {
            size_t left = sizeof GPU_LOG - 1 - at;
            engine_log_add(&split, (struct str){GPU_LOG + at, left < step ? left : step});
        }
        CHECK(memcmp(&split.buffers, &whole.buffers, sizeof whole.buffers) == 0);
        CHECK_INT(split.lines, whole.lines);
    }
}

TEST(dots_are_the_fraction_while_the_line_grows)
{
    struct engine_log log;

    engine_log_init(&log);
    CHECK(log.fraction < 0);
    engine_log_add(&log, S("load_tensors: x\n.........."));
    CHECK(log.fraction > 0.09 && log.fraction < 0.11);
    engine_log_add(&log, S(".........."));
    CHECK(log.fraction > 0.19 && log.fraction < 0.21);
}

TEST(numbers_that_cannot_be_are_no_buffers)
{
    CHECK_INT(read_all("CPU model buffer size = 99999999999999 MiB\n")->buffers.count, 0);
    CHECK_INT(read_all("CPU model buffer size = -1.00 MiB\n")->buffers.count, 0);
    CHECK_INT(read_all("CPU model buffer size = 1.00 GiB\n")->buffers.count, 0);
    CHECK_INT(read_all("CPU model buffer size =\n")->buffers.count, 0);
    CHECK_INT(read_all(" model buffer size = 1.00 MiB\n")->buffers.count, 0);
    CHECK_INT(read_all("offloaded 99999999999/1 layers\n")->buffers.offloaded_known, 0);
    CHECK_INT(read_all("offloaded 1/\n")->buffers.offloaded_known, 0);
    CHECK_INT(read_all("a_device_with_a_name_of_more_than_32_bytes model buffer size = 1.00 MiB\n")
                  ->buffers.count,
        0);
}

TEST(too_many_buffers_are_counted)
{
    struct engine_log log;

    engine_log_init(&log);
    for (int i = 0; i < ENGINE_BUFFERS_MAX + 3; i++)
        engine_log_add(&log, S("CPU KV buffer size = 1.00 MiB\n"));
    CHECK_INT(log.buffers.count, ENGINE_BUFFERS_MAX);
    CHECK_INT(log.buffers.beyond, 3);
}

TEST(a_line_of_ten_megabytes_is_cut_and_the_next_one_read)
{
    static char piece[65536];
    struct engine_log log;

    memset(piece, 'x', sizeof piece);
    engine_log_init(&log);
    for (int i = 0; i < 160; i++)
        engine_log_add(&log, (struct str){piece, sizeof piece});
    engine_log_add(&log, S("\nCPU KV buffer size = 1.00 MiB\n"));
    CHECK_INT(log.long_lines, 1);
    CHECK_INT(log.lines, 2);
    CHECK_INT(log.buffers.count, 1);
}

TEST(trouble_is_told_by_the_surest_line)
{
    CHECK_TEXT(engine_trouble_code(read_all("I all is well\n")->trouble), "");
    CHECK_TEXT(engine_trouble_code(
                   read_all("ggml_backend_cuda_buffer_type_alloc_buffer: allocating 9000.00 MiB on "
                            "device 0: cudaMalloc failed: out of memory\nfailed to load model\n")
                       ->trouble),
        "out_of_memory");
    CHECK_TEXT(engine_trouble_code(
                   read_all("error loading model: unknown model architecture: 'zebra'\n")->trouble),
        "unknown_architecture");
    CHECK_TEXT(engine_trouble_code(
                   read_all("gguf_init_from_reader: invalid magic characters: '#!/b'\n")->trouble),
        "model_broken");
    CHECK_TEXT(engine_trouble_code(read_all("error: invalid argument: --bogus\n")->trouble),
        "engine_arguments");
    CHECK_TEXT(engine_trouble_code(read_all("E srv start: couldn't bind HTTP\n")->trouble),
        "engine_address");
    CHECK_TEXT(
        engine_trouble_code(read_all("failed to load model\nno CUDA-capable device\n")->trouble),
        "driver_not_ready");
    CHECK_TEXT(read_all("failed to load model \x1b[31m'\xff\xfe'\n")->trouble_line,
        "failed to load model [31m'");
}

static bool passes(enum engine_kind kind, const char *text, const char *code)
{
    struct engine_buffers buffers = read_all(text)->buffers;
    struct engine_expected expected = {.weights_bytes = 4000LL * MIB};
    struct err err = {0};

    if (engine_check_buffers(kind, &expected, &buffers, &err))
        return *code == '\0';
    if (strcmp(err.code, code) != 0)
        printf("# %s: %s\n", err.code, err.message);
    return strcmp(err.code, code) == 0;
}

TEST(a_gpu_pool_on_the_cpu_is_refused)
{
    CHECK(passes(ENGINE_CUDA, GPU_LOG, ""));
    CHECK(passes(ENGINE_ROCM, GPU_LOG, "engine_on_cpu"));
    CHECK(passes(ENGINE_VULKAN, GPU_LOG, "engine_on_cpu"));
    CHECK(passes(ENGINE_CPU, GPU_LOG, "engine_on_gpu"));
    CHECK(passes(ENGINE_CUDA,
        "offloaded 3/3 layers to GPU\nCPU_Mapped model buffer size = 4000.00 MiB\n"
        "CPU KV buffer size = 1.00 MiB\n",
        "engine_on_cpu"));
    CHECK(passes(ENGINE_CUDA, "", "engine_on_cpu"));
    CHECK(passes(ENGINE_CUDA,
        "offloaded 33/33 layers to GPU\nCUDA0 model buffer size = 4403.49 MiB\n"
        "CPU KV buffer size = 1024.00 MiB\n",
        "engine_on_cpu"));
    CHECK(passes(ENGINE_CUDA,
        "offloaded 20/33 layers to GPU\nCUDA0 model buffer size = 4403.49 MiB\n",
        "engine_not_offloaded"));
    CHECK(passes(ENGINE_CUDA, "CUDA0 model buffer size = 4403.49 MiB\n", "engine_not_offloaded"));
    CHECK(passes(ENGINE_CUDA,
        "offloaded 33/33 layers to GPU\nCUDA0 model buffer size = 2000.00 MiB\n", "engine_vram"));
    CHECK(passes(ENGINE_CUDA,
        "offloaded 33/33 layers to GPU\nCUDA0 model buffer size = 2202.00 MiB\n"
        "CUDA1 model buffer size = 2202.00 MiB\n",
        "engine_vram"));
}

TEST(a_cpu_pool_must_be_seen_on_the_cpu)
{
    CHECK(passes(ENGINE_CPU, "CPU_Mapped model buffer size = 0.49 MiB\n", ""));
    CHECK(passes(ENGINE_CPU, "CPU_REPACK model buffer size = 0.49 MiB\n", ""));
    CHECK(passes(ENGINE_CPU, "", "engine_unverified"));
    CHECK(passes(ENGINE_CPU, "RPC[127.0.0.1:1] model buffer size = 1.00 MiB\n", "engine_on_gpu"));
}

TEST(vram_that_nvidia_smi_does_not_show_is_refused)
{
    struct engine_buffers buffers = {.weights_bytes = 1000LL * MIB};
    struct gpu_facts facts = {
        .process_count = 1, .processes = {{.uuid = "GPU-x", .pid = 7, .used_bytes = 900LL * MIB}}};
    struct gpu gpu = {.uuid = "GPU-x", .free_bytes = 5000LL * MIB};
    struct err err = {0};

    CHECK(engine_check_vram(&buffers, &facts, &gpu, -1, 7, &err));
    facts.processes[0].used_bytes = 300LL * MIB;
    CHECK(!engine_check_vram(&buffers, &facts, &gpu, -1, 7, &err));
    CHECK_TEXT(err.code, "engine_vram");
    CHECK(engine_check_vram(&buffers, &facts, &gpu, -1, 8, &err)); /* nothing to compare with */
    CHECK(engine_check_vram(&buffers, &facts, &gpu, 6000LL * MIB, 8, &err));
    CHECK(!engine_check_vram(&buffers, &facts, &gpu, 5001LL * MIB, 8, &err));
}

TEST(a_version_is_what_was_said_or_that_and_a_build)
{
    CHECK(engine_version_matches("0.7.0 (build 1)", "0.7.0 (build 1)"));
    CHECK(engine_version_matches("1 (abc) src-0123", "1 (abc)"));
    CHECK(!engine_version_matches("10 (abc)", "1"));
    CHECK(!engine_version_matches("0.7.0", "0.7.1"));
}

TAP_MAIN
