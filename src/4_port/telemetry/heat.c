/* SPDX-License-Identifier: Apache-2.0
 *
 * Temperatures, fans, powers: hwmon, thermal zones, RAPL. */
#include "telemetry/telemetry_inside.h"

#include <ctype.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 96

/* --- hwmon --------------------------------------------------------------------------------------
 */

/* Small letters and digits, all else one '_', none at the ends: node_exporter's way. */
static void clean(const char *text, char *ret, size_t bytes)
{
    size_t len = 0;

    for (; *text && len + 1 < bytes; text++)
        if (isalnum((unsigned char)*text))
            ret[len++] = (char)tolower((unsigned char)*text);
        else if (len > 0 && ret[len - 1] != '_')
            ret[len++] = '_';
    while (len > 0 && ret[len - 1] == '_')
        len--;
    ret[len] = '\0';
}

/* The last name of where a link leads; "" if it leads nowhere. */
static void leads_to(const char *root, const char *tail, char *ret, size_t bytes)
{
    char path[PATH_MAX], whole[PATH_MAX];

    *ret = '\0';
    if (snprintf(path, sizeof path, "%s/%s", root, tail) < PATH_MAX && realpath(path, whole))
        snprintf(ret, bytes, "%.*s", (int)bytes - 1, basename(whole));
}

/* "pci0000_00_0000_00_18_3"; "platform_coretemp_0": stable over boots, as hwmon3 is not. */
static void chip_of(const struct page *page, const char *name, char ret[NAME_BYTES])
{
    char tail[300], device[64], bus[64], both[NAME_BYTES + 64];

    snprintf(tail, sizeof tail, "class/hwmon/%.200s/device", name);
    leads_to(page->sys, tail, device, sizeof device);
    snprintf(tail, sizeof tail, "class/hwmon/%.200s/device/subsystem", name);
    leads_to(page->sys, tail, bus, sizeof bus);
    if (device[0] && bus[0]) {
        snprintf(both, sizeof both, "%s_%s", bus, device);
        clean(both, ret, NAME_BYTES);
        return;
    }
    snprintf(tail, sizeof tail, "class/hwmon/%.200s/name", name);
    if (page_line(page->sys, tail, both, sizeof both))
        clean(both, ret, NAME_BYTES);
    else
        snprintf(ret, NAME_BYTES, "%.64s", name);
}

static const struct sensor_kind {
    const char *sensor, *attribute; /* "temp" and "input" of temp3_input */
    double scale;
    const char *family, *help;
} SENSOR_KINDS[] = {
    {"temp", "input", 0.001, "node_hwmon_temp_celsius", "Hardware monitor for temperature (input)"},
    {"temp", "max", 0.001, "node_hwmon_temp_max_celsius", "Hardware monitor for temperature (max)"},
    {"temp", "crit", 0.001, "node_hwmon_temp_crit_celsius",
        "Hardware monitor for temperature (crit)"},
    {"fan", "input", 1, "node_hwmon_fan_rpm", "Hardware monitor for fan revolutions per minute"},
    {"power", "average", 1e-6, "node_hwmon_power_average_watt",
        "Hardware monitor for power usage in watts (average)"},
    {"power", "input", 1e-6, "node_hwmon_power_input_watt",
        "Hardware monitor for power usage in watts (input)"},
};

/* Is it "temp3_input"? Then *ret_sensor is "temp3". */
static bool is_of(const struct sensor_kind *kind, const char *file, char ret_sensor[32])
{
    size_t len = strlen(kind->sensor), digits;

    if (strncmp(file, kind->sensor, len) != 0)
        return false;
    digits = strspn(file + len, "0123456789");
    if (!digits || digits > 4 || file[len + digits] != '_' ||
        strcmp(file + len + digits + 1, kind->attribute) != 0)
        return false;
    snprintf(ret_sensor, 32, "%.*s", (int)(len + digits), file);
    return true;
}

struct chips {
    struct dirent **names;
    int count;
    char (*labels)[NAME_BYTES];
};

static void sensors_of(struct page *page, const struct chips *chips, const struct sensor_kind *kind)
{
    bool begun = false;
    int told = 0;

    for (int i = 0; i < chips->count; i++) {
        char tail[600], sensor[32];
        double value;
        struct dirent **files;
        snprintf(tail, sizeof tail, "class/hwmon/%.200s", chips->names[i]->d_name);
        int count = page_names(page->sys, tail, &files);
        for (int k = 0; k < count; k++) {
            snprintf(tail, sizeof tail, "class/hwmon/%.200s/%.200s", chips->names[i]->d_name,
                files[k]->d_name);
            if (told < TELEMETRY_SENSORS_MAX && is_of(kind, files[k]->d_name, sensor) &&
                page_number(page->sys, tail, &value)) {
                if (!begun)
                    page_family(page, kind->family, "gauge", kind->help);
                begun = true;
                told++;
                page_sample(page, MARKS({"chip", chips->labels[i]}, {"sensor", sensor}),
                    value * kind->scale);
            }
            free(files[k]);
        }
        if (count)
            free(files);
    }
}

static void chip_names(struct page *page, const struct chips *chips)
{
    bool begun = false;

    for (int i = 0; i < chips->count; i++) {
        char tail[300], name[NAME_BYTES];
        snprintf(tail, sizeof tail, "class/hwmon/%.200s/name", chips->names[i]->d_name);
        if (!page_line(page->sys, tail, name, sizeof name))
            continue;
        if (!begun)
            page_family(page, "node_hwmon_chip_names", "gauge",
                "Annotation metric for human-readable chip names");
        begun = true;
        page_sample(page, MARKS({"chip", chips->labels[i]}, {"chip_name", name}), 1);
    }
}

static void hwmon(struct page *page)
{
    struct chips chips = {0};

    chips.count = page_names(page->sys, "class/hwmon", &chips.names);
    chips.labels = calloc((size_t)chips.count + 1, sizeof *chips.labels);
    if (chips.labels) {
        for (int i = 0; i < chips.count; i++)
            chip_of(page, chips.names[i]->d_name, chips.labels[i]);
        chip_names(page, &chips);
        for (size_t i = 0; i < sizeof SENSOR_KINDS / sizeof *SENSOR_KINDS; i++)
            sensors_of(page, &chips, &SENSOR_KINDS[i]);
    }
    for (int i = 0; i < chips.count; i++)
        free(chips.names[i]);
    if (chips.count)
        free(chips.names);
    free(chips.labels);
}

/* --- thermal zones, RAPL ------------------------------------------------------------------------
 */

static void zone(struct page *page, const char *name, bool *begun)
{
    char tail[300], type[64];
    double milli;

    snprintf(tail, sizeof tail, "class/thermal/%.200s/type", name);
    if (!page_line(page->sys, tail, type, sizeof type))
        return;
    snprintf(tail, sizeof tail, "class/thermal/%.200s/temp", name);
    if (!page_number(page->sys, tail, &milli))
        return;
    if (!*begun)
        page_family(page, "node_thermal_zone_temp", "gauge", "Zone temperature in Celsius");
    *begun = true;
    page_sample(page, MARKS({"type", type}, {"zone", name + strlen("thermal_zone")}), milli / 1000);
}

/* "package-0" is a family node_rapl_package_joules_total with index 0. Each name is one family:
 * those of one name stand together, so all zones are looked at for each new name. */
struct rapl {
    char word[32], index[16], path[PATH_MAX];
    double joules;
    bool told;
};

static bool rapl_read(const struct page *page, const char *name, struct rapl *ret)
{
    char tail[300], word[64];
    double micro;

    snprintf(tail, sizeof tail, "class/powercap/%.200s/name", name);
    if (!page_line(page->sys, tail, word, sizeof word))
        return false;
    snprintf(tail, sizeof tail, "class/powercap/%.200s/energy_uj", name);
    if (!page_number(page->sys, tail, &micro))
        return false; /* since 2020 only root may read it */
    char *dash = strrchr(word, '-');
    const char *digits = dash ? dash + 1 : strpbrk(name, "0123456789");
    if (!digits || strspn(digits, "0123456789") == 0)
        digits = "0";
    snprintf(
        ret->index, sizeof ret->index, "%.*s", (int)(strspn(digits, "0123456789") % 16), digits);
    if (dash && dash[1] && strspn(dash + 1, "0123456789") == strlen(dash + 1))
        *dash = '\0';
    clean(word, ret->word, sizeof ret->word);
    snprintf(ret->path, sizeof ret->path, "%s/class/powercap/%.200s", page->sys, name);
    ret->joules = micro / 1e6;
    ret->told = false;
    return ret->word[0] != '\0';
}

static void rapl_tell(struct page *page, struct rapl *zones, int count)
{
    char family[96];

    for (int i = 0; i < count; i++) {
        if (zones[i].told)
            continue;
        snprintf(family, sizeof family, "node_rapl_%s_joules_total", zones[i].word);
        page_family(page, family, "counter", "Current RAPL value in joules");
        for (int k = i; k < count; k++)
            if (strcmp(zones[k].word, zones[i].word) == 0) {
                zones[k].told = true;
                page_sample(page, MARKS({"index", zones[k].index}, {"path", zones[k].path}),
                    zones[k].joules);
            }
    }
}

#define RAPL_ZONES_MAX 32

void page_heat(struct page *page)
{
    struct dirent **names;
    struct rapl *zones = calloc(RAPL_ZONES_MAX, sizeof *zones);
    int count = page_names(page->sys, "class/thermal", &names), found = 0;
    bool begun = false;

    hwmon(page);
    for (int i = 0; i < count; i++) {
        if (strncmp(names[i]->d_name, "thermal_zone", 12) == 0 && found++ < TELEMETRY_SENSORS_MAX)
            zone(page, names[i]->d_name, &begun);
        free(names[i]);
    }
    if (count)
        free(names);
    count = page_names(page->sys, "class/powercap", &names);
    found = 0;
    for (int i = 0; i < count; i++) {
        if (zones && found < RAPL_ZONES_MAX && strncmp(names[i]->d_name, "intel-rapl:", 11) == 0)
            found += rapl_read(page, names[i]->d_name, &zones[found]);
        free(names[i]);
    }
    if (count)
        free(names);
    rapl_tell(page, zones, found);
    free(zones);
}
