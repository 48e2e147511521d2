/* SPDX-License-Identifier: Apache-2.0 */
#include "sense_for_test.h"

#include "tap.h"

#include <stdlib.h>

#define TOLD(p, later_ms, text, wanted)                                                            \
    do {                                                                                           \
        CHECK(probe_read(p, later_ms, text));                                                      \
        CHECK_STR(str_from(probe_told(p)), wanted);                                                \
    } while (0)

TEST(gauges_are_scaled_rounded_and_named_by_their_part)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "load1 1.2344\n", "load=1234");
    TOLD(&p, 1000, "load1 1.2345\n", "load=1235"); /* halves away from zero: 1234.5 */
    TOLD(&p, 1000, "speed_bytes 125000000\n", "speed=1000");
    TOLD(&p, 1000, "avail{mount=\"/\",dev=\"a\"} 25\nsize{mount=\"/\",dev=\"a\"} 100\n",
        "used[/]=750 free[/]=25");
    TOLD(&p, 1000, "avail{mount=\"/mnt/my disk\\\\\"} 3\n", "free[/mnt/my_disk_]=3");
    TOLD(&p, 1000, "what_nobody_asks_for{a=\"b\"} 1\n", "-");
    CHECK(p.result.samples == 1 && p.result.refused[SENSE_OUT_OF_RANGE] == 0);
    TOLD(&p, 1000, "", "-");
    probe_done(&p);
}

TEST(rows_are_read_as_the_contract_says)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "disks{state=\"active\"} 2\ndisks{state=\"spare\"} 9\nrequired 3\n", "missing=1");
    TOLD(&p, 1000, "disks{state=\"active\"} 2\n", "-"); /* the other side is missing */
    TOLD(&p, 1000, "avail{mount=\"/\"} 5\nsize{mount=\"/\"} 0\n", "free[/]=5");
    TOLD(&p, 1000,
        "temp{chip=\"cpu_0\",sensor=\"t1\"} 40\ntemp{chip=\"pci_3\",sensor=\"t1\"} 50\n"
        "temp{chip=\"x\",sensor=\"t1\"} 30\nchip_names{chip=\"pci_3\",chip_name=\"k10temp\"} 1\n",
        "heat[cpu_0/t1]=40000 heat[pci_3/t1]=50000 board[x/t1]=30000");
    TOLD(&p, 1000, "temp{chip=\"cpu_0\",sensor=\"a b\"} 1\ntemp{chip=\"cpu_0\",sensor=\"a_b\"} 2\n",
        "heat[cpu_0/a_b]=2000");                           /* one part, the greater */
    TOLD(&p, 1000, "time_s 1700000008.5\n", "ahead=3500"); /* 1700000005 by our clock */
    TOLD(&p, 1000, "boot_s 1699999006\n", "uptime=1000");
    TOLD(&p, 1000, "cpu{cpu=\"0\",mode=\"idle\"} 1\ncpu{cpu=\"1\",mode=\"idle\"} 1\n", "cores=2");
    probe_done(&p);
}

TEST(a_zero_is_told_only_of_what_was_once_something_else)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "unit{name=\"a\"} 0\nunit{name=\"b\"} 1\n", "failed[b]=1");
    TOLD(&p, 1000, "unit{name=\"a\"} 0\nunit{name=\"b\"} 0\n", "failed[b]=0");
    CHECK(sense_state_series(p.state) == 1);
    probe_done(&p);
}

TEST(what_is_no_number_or_absurd_is_refused_by_reason)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "load1 NaN\n", "-");
    CHECK(p.result.refused[SENSE_NOT_A_NUMBER] == 1);
    TOLD(&p, 1000, "load1 +Inf\n", "-");
    CHECK(p.result.refused[SENSE_INFINITE] == 1);
    TOLD(&p, 1000, "load1 -0.001\n", "-");
    CHECK(p.result.refused[SENSE_OUT_OF_RANGE] == 1);
    TOLD(&p, 1000, "load1 1e300\n", "-");
    CHECK(p.result.refused[SENSE_OUT_OF_RANGE] == 1);
    TOLD(&p, 1000, "load1 100.0001\n", "load=100000");
    TOLD(&p, 1000, "load1 100.001\n", "-");
    TOLD(&p, 1000, "avail{mount=\"/\"} 9007199254740992\n", "-");
    CHECK(p.result.refused[SENSE_OUT_OF_RANGE] == 1);
    TOLD(&p, 1000, "avail{mount=\"/\"} NaN\nsize{mount=\"/\"} 5\n", "-");
    CHECK(p.result.refused[SENSE_NOT_A_NUMBER] == 1); /* once, though two rows want it */
    CHECK(sense_state_series(p.state) == 1);          /* what was refused keeps no place */
    probe_done(&p);
}

TEST(time_travel_is_refused)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "load1 1 1700000060000\n", "load=1000"); /* as far ahead as may be */
    TOLD(&p, 0, "load1 1 1700000060001\n", "-");
    CHECK(p.result.refused[SENSE_FUTURE] == 1);
    TOLD(&p, 0, "load1 1 1700000060000\n", "-"); /* said again */
    CHECK(p.result.refused[SENSE_OLD] == 1);
    TOLD(&p, 0, "load1 1\n", "-"); /* now is before it */
    CHECK(p.result.refused[SENSE_OLD] == 1);
    TOLD(&p, 0, "avail{mount=\"/\"} 1 1699999939999\n", "-");
    CHECK(p.result.refused[SENSE_STALE] == 1);
    TOLD(&p, 0, "avail{mount=\"/\"} 1 -9000000000000\n", "-");
    CHECK(p.result.refused[SENSE_STALE] == 1);
    TOLD(&p, 70000, "load1 2\n", "load=2000");
    p.now.civil_ms -= 3600000; /* somebody set the clock back: we do not go blind for an hour */
    TOLD(&p, 1000, "load1 3\n", "load=3000");
    probe_done(&p);
}

TEST(a_text_counts_whole_or_not_at_all)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "kills_total 1\n", "-");
    CHECK(!probe_read(&p, 10000, "load1 1\nkills_total 5\n<html>\n"));
    CHECK(p.result.readings_count == 0 && p.err.kind == ERR_INPUT);
    CHECK(!probe_read(&p, 1000, "load1 1"));      /* cut */
    TOLD(&p, 1000, "kills_total 6\n", "kills=5"); /* since the last that was good */
    probe_done(&p);
}

TEST(a_series_that_comes_twice_counts_once_however_its_labels_stand)
{
    struct probe p;

    probe_init(&p);
    TOLD(&p, 0, "load1 1\nload1 2\n", "load=1000");
    CHECK(p.result.refused[SENSE_DUPLICATE] == 1);
    TOLD(&p, 1000, "avail{mount=\"/\",x=\"1\"} 1\navail{x=\"1\",mount=\"/\"} 2\n", "free[/]=1");
    CHECK(p.result.refused[SENSE_DUPLICATE] == 1);
    probe_done(&p);
}

TEST(parts_and_series_have_limits)
{
    struct probe p;
    static char text[64 * 1024];
    size_t len = 0;

    probe_init(&p);
    snprintf(text, sizeof text, "avail{mount=\"%064d\"} 1\navail{mount=\"%065d\"} 1\n", 0, 0);
    CHECK(probe_read(&p, 0, text));
    CHECK(p.result.readings_count == 1 && p.result.refused[SENSE_BAD_PART] == 2); /* two rows */
    for (int i = 0; i < SENSE_SERIES_MAX + 100; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "avail{mount=\"/%d\"} 1\n", i);
    CHECK(probe_read(&p, 1000, text));
    CHECK(p.result.readings_count == SENSE_SERIES_MAX - 1);
    CHECK(p.result.refused[SENSE_TOO_MANY_SERIES] == 101);
    CHECK(sense_state_series(p.state) == SENSE_SERIES_MAX);
    CHECK(p.left == SENSE_SERIES_ALL_MAX - SENSE_SERIES_MAX);
    TOLD(&p, 1000, "load1 1\n", "-");
    TOLD(&p, SENSE_FORGET_MS + 1, "load1 1\n", "load=1000"); /* the old ones made room */
    CHECK(sense_state_series(p.state) == 1 && p.left == SENSE_SERIES_ALL_MAX - 1);
    p.left = 0;
    TOLD(&p, 1000, "load1 1\nboot_s 1\n", "load=1000"); /* what is there goes on */
    CHECK(p.result.refused[SENSE_TOO_MANY_SERIES] == 1);
    probe_done(&p);
}

TEST(our_own_readings_keep_the_same_rules)
{
    struct probe p;
    struct sense_reading reading;
    int metric;

    probe_init(&p);
    metric = sense_table_find(p.table, S("source_ok"));
    CHECK(metric >= 0 && sense_table_find(p.table, S("none")) == -1);
    CHECK(sense_tell(p.table, p.state, (uint16_t)metric, S("one"), 1, &p.now, &p.left, &reading));
    CHECK(reading.value == 1 && reading.at_ms == p.now.civil_ms);
    CHECK(!sense_tell(p.table, p.state, (uint16_t)metric, S("one"), 1, &p.now, &p.left, &reading));
    p.now.civil_ms++;
    CHECK(!sense_tell(p.table, p.state, (uint16_t)metric, S("one"), 2, &p.now, &p.left, &reading));
    probe_done(&p);
}

/* --- whatever comes: nothing outside its range, nothing from the future, nothing out of order ----
 */

static const char *const NAMES[] = {"cpu", "load1", "rx_total", "avail", "size", "temp",
    "chip_names", "time_s", "boot_s", "unit", "kills_total", "disks", "required", "speed_bytes",
    "stranger"};
static const char *const VALUES[] = {"0", "1", "-1", "NaN", "+Inf", "-Inf", "1e300", "-1e300",
    "1e-320", "0.5", "1700000000", "9007199254740993", "123456.789", "99999", "1e15"};
static const char *const TIMES[] = {"", "", "", " 1700000000000", " 1700000059999",
    " 1700009999999", " -5", " 1699999999000", " 253402300799999"};

static size_t some(char *text, size_t bytes)
{
    size_t len = 0;
    int lines = rand() % 40;

    for (int i = 0; i < lines; i++)
        len += (size_t)snprintf(text + len, bytes - len,
            "%s{mode=\"%s\",device=\"%d\",mount=\"/%d\",chip=\"cpu_%d\",name=\"n%d\"} %s%s\n",
            NAMES[(size_t)rand() % (sizeof NAMES / sizeof *NAMES)], rand() % 2 ? "idle" : "user",
            rand() % 3, rand() % 3, rand() % 3, rand() % 3,
            VALUES[(size_t)rand() % (sizeof VALUES / sizeof *VALUES)],
            TIMES[(size_t)rand() % (sizeof TIMES / sizeof *TIMES)]);
    text[len] = '\0';
    return len;
}

TEST(no_input_yields_a_reading_outside_its_range_or_time)
{
    static char text[32 * 1024];
    static int64_t newest[SENSE_SERIES_MAX];
    struct probe p;
    size_t told = 0;

    srand(1);
    probe_init(&p);
    memset(newest, 0, sizeof newest);
    for (int round = 0; round < 20000; round++) {
        some(text, sizeof text);
        CHECK(probe_read(&p, rand() % 20000, text));
        for (size_t i = 0; i < p.result.readings_count; i++) {
            const struct sense_reading *r = &p.result.readings[i];
            const struct sense_metric *m = sense_table_metric(p.table, r->metric);
            CHECK(r->value >= m->min && r->value <= m->max);
            CHECK(r->at_ms <= p.now.civil_ms + SENSE_FUTURE_MS);
            CHECK(r->at_ms >= p.now.civil_ms - m->stale_ms && r->at_ms > newest[r->series]);
            newest[r->series] = r->at_ms;
            told++;
        }
    }
    CHECK(told > 10000);
    probe_done(&p);
}

TEST(a_table_that_cannot_be_read_is_refused)
{
    static const char *const BAD[] = {"{}", "{\"sources\":[],\"metrics\":1}",
        "{\"sources\":[{}],\"metrics\":[]}",
        "{\"sources\":[],\"metrics\":[" METRIC("a", 2, 1, "") "]}",
        "{\"sources\":[],\"metrics\":[" METRIC("a", 0, 1, ROW("n", "guess", "")) "]}",
        "{\"sources\":[],\"metrics\":[" METRIC("a", 0, 1, ROW("n", "value", ",\"scale\":0")) "]}",
        "{\"sources\":[],\"metrics\":[" METRIC(
            "a", 0, 1, ROW("n", "value", ",\"labels\":{\"x\":1}")) "]}",
        "{\"sources\":[],\"metrics\":[" METRIC("a", 0, 1, ROW("n", "value", ",\"part\":[1]")) "]}"};
    struct sense_table *table = NULL;
    struct err err;

    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        json_t *json = json_loads(BAD[i], 0, NULL);
        err = (struct err){0};
        CHECK(json && !sense_table_read(json, &table, &err) && !table);
        CHECK(strcmp(err.code, "bad_table") == 0);
        json_decref(json);
    }
}

TAP_MAIN
