%   SPDX-License-Identifier: Apache-2.0

:- module(metric_words,
          [ metric/5,                   % ?Metric, ?Unit, ?Min, ?Max, ?StaleS
            metric_from/3,              % ?Metric, ?Name, ?Options
            metric_named/2,             % +Text, -Metric
            metric_words/2,             % +Metric, -Words
            trend_metric/3,             % ?Metric, ?WindowS, ?Points
            part_text/1                 % +Text
          ]).
:- use_module(library(lists), [member/2, memberchk/2]).

/** <module> The numbers that a house tells about its machines

A metric is a word of ours with one unit, always whole numbers, and the range in which a value can
be true; beyond it a reading is refused. StaleS: older than this it is unknown. What exporters call
it stands in metric_from/3: the names of node_exporter 1.5 (the agent says the same), of the usual
GPU exporters, smartctl_exporter and llama-server.

Options of metric_from/3 (docs/senses.md §4.1 says what the sensor makes of them):

    how(How)        value (default) · rate · delta · ratio · rest · less · ratio_rate · ahead · ago
    scale(N), divide(N)         1 (default): times the one, by the other
    part([Label])   the labels that make the part; [] (default): of the whole node
    labels([Label=[Pattern]])   patterns: "abc", "abc*", "!abc", "!abc*"
    many(How)       sum (default) · max · min · count, of several samples with one part
    of([Name-Labels])           the other side of ratio, rest, less and ratio_rate
    join(Name, On, Take)        label Take is that of the sample of Name with the same label On
    keep(nonzero)   zero is not told before the series was once something else
    untaken(true)   only a sample that no row before it took
*/

%!  metric(?Metric, ?Unit, ?Min, ?Max, ?StaleS) is nondet.

%   processor and load
metric(cpu_busy,            permille,      0,       1000, 60).
metric(cpu_iowait,          permille,      0,       1000, 60).
metric(cpu_steal,           permille,      0,       1000, 60).
metric(cpu_cores,           count,         1,       4096, 300).
metric(cpu_throttles,       per_hour,      0, 1000000000, 60).
metric(load_1,              milli,         0,  100000000, 60).
metric(load_5,              milli,         0,  100000000, 60).
metric(load_15,             milli,         0,  100000000, 60).
metric(processes_running,   count,         0,    4194304, 60).
metric(processes_blocked,   count,         0,    4194304, 60).
metric(cpu_pressure,        permille,      0,       1000, 60).
metric(io_pressure,         permille,      0,       1000, 60).
metric(memory_pressure,     permille,      0,       1000, 60).
%   memory
metric(memory_total,        bytes,         1, 1125899906842624, 300).
metric(memory_available,    bytes,         0, 1125899906842624, 60).
metric(memory_available_share, permille,   0,       1000, 60).
metric(swap_total,          bytes,         0, 1125899906842624, 300).
metric(swap_used_share,     permille,      0,       1000, 60).
metric(swap_in,             pages_per_s,   0, 1000000000, 60).
metric(swap_out,            pages_per_s,   0, 1000000000, 60).
metric(oom_kills,           count,         0,    1000000, 60).
%   heat and power
metric(cpu_temperature,     millicelsius, -50000, 150000, 60).
metric(disk_temperature,    millicelsius, -50000, 150000, 180).
metric(gpu_temperature,     millicelsius, -50000, 150000, 60).
metric(board_temperature,   millicelsius, -50000, 150000, 60).
metric(fan_speed,           rpm,           0,     100000, 60).
metric(power_draw,          milliwatt,     0,   50000000, 60).
%   disks and file systems
metric(disk_size,           bytes,         1, 9007199254740991, 300).
metric(disk_free,           bytes,         0, 9007199254740991, 120).
metric(disk_used_share,     permille,      0,       1000, 120).
metric(inodes_used_share,   permille,      0,       1000, 120).
metric(filesystem_readonly, bool,          0,          1, 120).
metric(filesystem_error,    bool,          0,          1, 120).
metric(disk_read,           bytes_per_s,   0, 1000000000000, 60).
metric(disk_written,        bytes_per_s,   0, 1000000000000, 60).
metric(disk_busy,           permille,      0,       1100, 60).
metric(disk_healthy,        bool,          0,          1, 3600).
metric(disk_reallocated,    count,         0, 1000000000, 3600).
metric(raid_missing,        count,         0,       1024, 120).
metric(raid_failed,         count,         0,       1024, 120).
metric(zpool_online,        bool,          0,          1, 120).
metric(zfs_arc_size,        bytes,         0, 1125899906842624, 60).
metric(zfs_arc_hits,        permille,      0,       1000, 60).
%   network
metric(network_received,    bytes_per_s,   0, 1000000000000, 60).
metric(network_sent,        bytes_per_s,   0, 1000000000000, 60).
metric(network_errors,      per_hour,      0, 1000000000000, 60).
metric(network_drops,       per_hour,      0, 1000000000000, 60).
metric(network_carrier,     bool,          0,          1, 60).
metric(network_speed,       mbit,          1,   10000000, 300).
metric(conntrack_share,     permille,      0,       1000, 60).
%   the system
metric(uptime,              seconds,       0, 10000000000, 120).
metric(clock_ahead,         ms,     -4102444800000, 4102444800000, 60).
metric(clock_synchronised,  bool,          0,          1, 120).
metric(unit_failed,         bool,          0,          1, 120).
metric(files_open_share,    permille,      0,       1000, 60).
metric(exporter_memory,     bytes,         0, 1125899906842624, 120).
metric(source_ok,           bool,          0,          1, 60).
%   the backup of a logic node
metric(backup_age,          seconds,       0, 10000000000, 300).
metric(backup_known,        bool,          0,          1, 300).
%   GPU
metric(gpu_busy,            permille,      0,       1000, 60).
metric(gpu_memory_used,     bytes,         0, 1125899906842624, 60).
metric(gpu_memory_total,    bytes,         1, 1125899906842624, 300).
metric(gpu_memory_share,    permille,      0,       1000, 60).
metric(gpu_power,           milliwatt,     0,    5000000, 60).
metric(gpu_fan,             permille,      0,       1000, 60).
metric(gpu_throttled,       bool,          0,          1, 60).
%   an engine of models
metric(engine_busy_slots,   count,         0,       4096, 60).
metric(engine_waiting,      count,         0,    1000000, 60).
metric(engine_kv_share,     permille,      0,       1000, 60).
metric(engine_tokens,       milli_per_s,   0, 1000000000, 60).
%   who uses it, as its agent tells
metric(inhibitors,          count,         0,       1024, 60).
metric(full_screen,         bool,          0,          1, 60).
metric(person_idle,         seconds,       0, 10000000000, 60).

%!  metric_from(?Metric, ?Name, ?Options) is nondet.
%
%   In this order: of one metric's rows the first that fits a sample takes it; what several rows
%   of a metric tell of one part is one reading (many). source_ok is the sensor's own.

metric_from(cpu_busy, "node_cpu_seconds_total",
            [ how(ratio_rate), scale(1000), labels([mode=["!idle", "!iowait"]]),
              of(["node_cpu_seconds_total"-[]]) ]).
metric_from(cpu_iowait, "node_cpu_seconds_total",
            [ how(ratio_rate), scale(1000), labels([mode=["iowait"]]),
              of(["node_cpu_seconds_total"-[]]) ]).
metric_from(cpu_steal, "node_cpu_seconds_total",
            [ how(ratio_rate), scale(1000), labels([mode=["steal"]]),
              of(["node_cpu_seconds_total"-[]]) ]).
metric_from(cpu_cores, "node_cpu_seconds_total", [ many(count), labels([mode=["idle"]]) ]).
metric_from(cpu_throttles, "node_cpu_package_throttles_total", [ how(rate), scale(3600) ]).
metric_from(load_1, "node_load1", [ scale(1000) ]).
metric_from(load_5, "node_load5", [ scale(1000) ]).
metric_from(load_15, "node_load15", [ scale(1000) ]).
metric_from(processes_running, "node_procs_running", []).
metric_from(processes_blocked, "node_procs_blocked", []).
metric_from(cpu_pressure, "node_pressure_cpu_waiting_seconds_total", [ how(rate), scale(1000) ]).
metric_from(io_pressure, "node_pressure_io_waiting_seconds_total", [ how(rate), scale(1000) ]).
metric_from(memory_pressure, "node_pressure_memory_waiting_seconds_total",
            [ how(rate), scale(1000) ]).

metric_from(memory_total, "node_memory_MemTotal_bytes", []).
metric_from(memory_available, "node_memory_MemAvailable_bytes", []).
metric_from(memory_available_share, "node_memory_MemAvailable_bytes",
            [ how(ratio), scale(1000), of(["node_memory_MemTotal_bytes"-[]]) ]).
metric_from(swap_total, "node_memory_SwapTotal_bytes", []).
metric_from(swap_used_share, "node_memory_SwapFree_bytes",
            [ how(rest), scale(1000), of(["node_memory_SwapTotal_bytes"-[]]) ]).
metric_from(swap_in, "node_vmstat_pswpin", [ how(rate) ]).
metric_from(swap_out, "node_vmstat_pswpout", [ how(rate) ]).
metric_from(oom_kills, "node_vmstat_oom_kill", [ how(delta) ]).

%   Which chip it is says node_hwmon_chip_names; the labels of Intel's and of NVMe say it too.
metric_from(cpu_temperature, "node_hwmon_temp_celsius",
            [ scale(1000), part([chip, sensor]), labels([chip=["platform_coretemp_*"]]),
              many(max) ]).
metric_from(cpu_temperature, "node_hwmon_temp_celsius",
            [ scale(1000), part([chip, sensor]), many(max),
              join("node_hwmon_chip_names", chip, chip_name),
              labels([chip_name=[ "coretemp", "k10temp", "zenpower", "cpu_thermal" ]]) ]).
metric_from(cpu_temperature, "node_thermal_zone_temp",
            [ scale(1000), part([type, zone]), many(max),
              labels([type=[ "x86_pkg_temp", "cpu*", "soc*" ]]) ]).
metric_from(disk_temperature, "node_hwmon_temp_celsius",
            [ scale(1000), part([chip, sensor]), labels([chip=["nvme_*"]]), many(max) ]).
metric_from(disk_temperature, "node_hwmon_temp_celsius",
            [ scale(1000), part([chip, sensor]), many(max),
              join("node_hwmon_chip_names", chip, chip_name),
              labels([chip_name=["nvme", "drivetemp"]]) ]).
metric_from(disk_temperature, "smartctl_device_temperature",
            [ scale(1000), part([device]), many(max), labels([temperature_type=["current"]]) ]).
metric_from(gpu_temperature, "node_hwmon_temp_celsius",
            [ scale(1000), part([chip, sensor]), many(max),
              join("node_hwmon_chip_names", chip, chip_name),
              labels([chip_name=["amdgpu", "nouveau", "radeon", "xe", "i915"]]) ]).
metric_from(gpu_temperature, "node_gpu_temperature_celsius",
            [ scale(1000), part([gpu]), many(max) ]).
metric_from(gpu_temperature, "DCGM_FI_DEV_GPU_TEMP", [ scale(1000), part([gpu]), many(max) ]).
metric_from(gpu_temperature, "nvidia_smi_temperature_gpu",
            [ scale(1000), part([uuid]), many(max) ]).
metric_from(board_temperature, "node_hwmon_temp_celsius",
            [ scale(1000), part([chip, sensor]), many(max), untaken(true) ]).
metric_from(fan_speed, "node_hwmon_fan_rpm", [ part([chip, sensor]) ]).
metric_from(power_draw, "node_rapl_package_joules_total",
            [ how(rate), scale(1000), part([index]) ]).
metric_from(power_draw, "node_hwmon_power_average_watt", [ scale(1000), part([chip, sensor]) ]).
metric_from(power_draw, "node_hwmon_power_input_watt", [ scale(1000), part([chip, sensor]) ]).

metric_from(disk_size, "node_filesystem_size_bytes", Options) :-
    of_mounts([many(max)], Options).
metric_from(disk_free, "node_filesystem_avail_bytes", Options) :-
    of_mounts([many(max)], Options).
metric_from(disk_used_share, "node_filesystem_avail_bytes", Options) :-
    of_mounts([how(rest), scale(1000), of(["node_filesystem_size_bytes"-[]])], Options).
metric_from(inodes_used_share, "node_filesystem_files_free", Options) :-
    of_mounts([how(rest), scale(1000), of(["node_filesystem_files"-[]])], Options).
metric_from(filesystem_readonly, "node_filesystem_readonly", Options) :-
    of_mounts([many(max)], Options).
metric_from(filesystem_error, "node_filesystem_device_error", Options) :-
    of_mounts([many(max)], Options).
metric_from(disk_read, "node_disk_read_bytes_total", Options) :-
    of_disks([how(rate)], Options).
metric_from(disk_written, "node_disk_written_bytes_total", Options) :-
    of_disks([how(rate)], Options).
metric_from(disk_busy, "node_disk_io_time_seconds_total", Options) :-
    of_disks([how(rate), scale(1000)], Options).
metric_from(disk_healthy, "smartctl_device_smart_status", [ part([device]), many(min) ]).
metric_from(disk_healthy, "smartmon_device_smart_healthy", [ part([disk]), many(min) ]).
metric_from(disk_reallocated, "smartmon_reallocated_sector_ct_raw_value", [ part([disk]) ]).
metric_from(raid_missing, "node_md_disks",
            [ how(less), part([device]), labels([state=["active"]]),
              of(["node_md_disks_required"-[]]) ]).
metric_from(raid_failed, "node_md_disks", [ part([device]), labels([state=["failed"]]) ]).
metric_from(zpool_online, "node_zfs_zpool_state", [ part([zpool]), labels([state=["online"]]) ]).
metric_from(zfs_arc_size, "node_zfs_arc_size", []).
metric_from(zfs_arc_hits, "node_zfs_arc_hits",
            [ how(ratio_rate), scale(1000),
              of(["node_zfs_arc_hits"-[], "node_zfs_arc_misses"-[]]) ]).

metric_from(network_received, "node_network_receive_bytes_total", Options) :-
    of_cards([how(rate)], Options).
metric_from(network_sent, "node_network_transmit_bytes_total", Options) :-
    of_cards([how(rate)], Options).
metric_from(network_errors, "node_network_receive_errs_total", Options) :-
    of_cards([how(rate), scale(3600)], Options).
metric_from(network_errors, "node_network_transmit_errs_total", Options) :-
    of_cards([how(rate), scale(3600)], Options).
metric_from(network_drops, "node_network_receive_drop_total", Options) :-
    of_cards([how(rate), scale(3600)], Options).
metric_from(network_carrier, "node_network_carrier", Options) :-
    of_cards([], Options).
metric_from(network_speed, "node_network_speed_bytes", Options) :-
    of_cards([scale(8), divide(1000000)], Options).
metric_from(conntrack_share, "node_nf_conntrack_entries",
            [ how(ratio), scale(1000), of(["node_nf_conntrack_entries_limit"-[]]) ]).

metric_from(uptime, "node_boot_time_seconds", [ how(ago) ]).
metric_from(clock_ahead, "node_time_seconds", [ how(ahead), scale(1000) ]).
metric_from(clock_synchronised, "node_timex_sync_status", []).
metric_from(unit_failed, "node_systemd_unit_state",
            [ part([name]), labels([state=["failed"]]), many(max), keep(nonzero) ]).
metric_from(files_open_share, "node_filefd_allocated",
            [ how(ratio), scale(1000), of(["node_filefd_maximum"-[]]) ]).
metric_from(exporter_memory, "process_resident_memory_bytes", []).

metric_from(backup_age, "logic_backup_age_seconds", []).
metric_from(backup_known, "logic_backup_known", []).

metric_from(gpu_busy, "node_gpu_utilization_ratio", [ scale(1000), part([gpu]) ]).
metric_from(gpu_busy, "node_drm_gpu_busy_percent", [ scale(10), part([card]) ]).
metric_from(gpu_busy, "DCGM_FI_DEV_GPU_UTIL", [ scale(10), part([gpu]) ]).
metric_from(gpu_busy, "nvidia_smi_utilization_gpu_ratio", [ scale(1000), part([uuid]) ]).
metric_from(gpu_memory_used, "node_gpu_memory_used_bytes", [ part([gpu]) ]).
metric_from(gpu_memory_used, "node_drm_memory_vram_used_bytes", [ part([card]) ]).
metric_from(gpu_memory_used, "DCGM_FI_DEV_FB_USED", [ scale(1048576), part([gpu]) ]).
metric_from(gpu_memory_used, "nvidia_smi_memory_used_bytes", [ part([uuid]) ]).
metric_from(gpu_memory_total, "node_gpu_memory_total_bytes", [ part([gpu]) ]).
metric_from(gpu_memory_total, "node_drm_memory_vram_size_bytes", [ part([card]) ]).
metric_from(gpu_memory_total, "DCGM_FI_DEV_FB_USED", [ scale(1048576), part([gpu]) ]).
metric_from(gpu_memory_total, "DCGM_FI_DEV_FB_FREE", [ scale(1048576), part([gpu]) ]).
metric_from(gpu_memory_total, "nvidia_smi_memory_total_bytes", [ part([uuid]) ]).
metric_from(gpu_memory_share, "node_gpu_memory_used_bytes",
            [ how(ratio), scale(1000), part([gpu]), of(["node_gpu_memory_total_bytes"-[]]) ]).
metric_from(gpu_memory_share, "node_drm_memory_vram_used_bytes",
            [ how(ratio), scale(1000), part([card]), of(["node_drm_memory_vram_size_bytes"-[]]) ]).
metric_from(gpu_memory_share, "DCGM_FI_DEV_FB_USED",
            [ how(ratio), scale(1000), part([gpu]),
              of(["DCGM_FI_DEV_FB_USED"-[], "DCGM_FI_DEV_FB_FREE"-[]]) ]).
metric_from(gpu_memory_share, "nvidia_smi_memory_used_bytes",
            [ how(ratio), scale(1000), part([uuid]), of(["nvidia_smi_memory_total_bytes"-[]]) ]).
metric_from(gpu_power, "node_gpu_power_watts", [ scale(1000), part([gpu]) ]).
metric_from(gpu_power, "DCGM_FI_DEV_POWER_USAGE", [ scale(1000), part([gpu]) ]).
metric_from(gpu_power, "nvidia_smi_power_draw_watts", [ scale(1000), part([uuid]) ]).
metric_from(gpu_fan, "node_gpu_fan_ratio", [ scale(1000), part([gpu]) ]).
metric_from(gpu_fan, "nvidia_smi_fan_speed_ratio", [ scale(1000), part([uuid]) ]).
metric_from(gpu_throttled, "node_gpu_throttled", [ part([gpu]), many(max) ]).

metric_from(engine_busy_slots, "llamacpp:requests_processing", []).
metric_from(engine_waiting, "llamacpp:requests_deferred", []).
metric_from(engine_kv_share, "llamacpp:kv_cache_usage_ratio", [ scale(1000) ]).
metric_from(engine_tokens, "llamacpp:tokens_predicted_total", [ how(rate), scale(1000) ]).

%   The kinds are those of an agent's status: person, gpu_work, transfer, loading, serving.
metric_from(inhibitors, "logic_agent_inhibitors", [ part([kind]) ]).
metric_from(full_screen, "logic_agent_full_screen", [ many(max) ]).
metric_from(person_idle, "logic_agent_idle_seconds", [ many(min) ]).

%   File systems that hold something; what only looks like one is left out.
of_mounts(More, [ part([mountpoint]),
                  labels([fstype=[ "!tmpfs", "!ramfs", "!overlay", "!squashfs", "!fuse*",
                                   "!nsfs", "!devtmpfs", "!rpc_pipefs", "!iso9660" ]])
                | More ]).

of_disks(More, [ part([device]),
                 labels([device=["!loop*", "!ram*", "!zram*", "!dm-*", "!sr*", "!fd*", "!zd*"]])
               | More ]).

of_cards(More, [ part([device]),
                 labels([device=[ "!lo", "!veth*", "!docker*", "!br-*", "!tap*", "!fwbr*",
                                  "!fwpr*", "!fwln*", "!virbr*", "!ifb*", "!dummy*" ]])
               | More ]).

%!  metric_named(+Text, -Metric) is semidet.
%
%   Makes no atom of foreign text.

metric_named(Text, Metric) :-
    string(Text),
    metric_text(Text, Metric),
    !.

metric_text(Text, Metric) :-
    metric(Metric, _, _, _, _),
    atom_string(Metric, Text).

%!  metric_words(+Metric, -Words) is det.
%
%   As it stands in a sentence.

metric_words(Metric, Words) :-
    atomic_list_concat(Parts, '_', Metric),
    atomic_list_concat(Parts, ' ', Words).

%!  trend_metric(?Metric, ?WindowS, ?Points) is nondet.
%
%   Metrics whose direction says something: at most Points readings, over WindowS.

trend_metric(cpu_temperature,  600,   20).
trend_metric(gpu_temperature,  600,   20).
trend_metric(disk_temperature, 1800,  20).
trend_metric(board_temperature, 600,  20).
trend_metric(disk_free,        21600, 36).
trend_metric(memory_available, 1800,  20).

%!  part_text(+Text) is semidet.
%
%   What of a node a reading is of: at most 64 bytes of [A-Za-z0-9_./:-].

part_text("") :- !.
part_text(Text) :-
    string(Text),
    string_length(Text, Length),
    Length =< 64,
    string_codes(Text, Codes),
    \+ ( member(Code, Codes), \+ part_code(Code) ).

part_code(Code) :- Code < 128, code_type(Code, alnum), !.
part_code(Code) :- memberchk(Code, `_./:-`).
