/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/cluster.h"

#include "base/buf.h"
#include "base/panic.h"
#include "base/scoped.h"
#include "os/clock.h"
#include "json/json_read.h"
#include "json/json_take.h"

#include <ctype.h>
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#define PATH_BYTES 256
#define NAME_BYTES 64
#define PIN_BYTES 65
#define VALUE_BYTES 64

bool cluster_job_read(const json_t *json, struct cluster_job *ret_job, struct err *err)
{
    struct str hand, op;
    json_t *pin = NULL;
    struct cluster_job job = {0};
    const struct json_field fields[] = {
        JSON_TAKE_TEXT("hand", &hand, 1, 16),
        JSON_TAKE_TEXT("op", &op, 1, 16),
        JSON_TAKE_TEXT("cluster", &job.cluster, 1, 64),
        JSON_TAKE_TEXT("url", &job.url, 9, 240),
        JSON_TAKE_TEXT("secret", &job.secret, 8, 160),
        JSON_TAKE_ANY("pin", &pin),
    };

    if (!json_take(json, fields, COUNT(fields), err))
        return false;
    job.pin = json_is_string(pin) ? str_from(json_string_value(pin)) : (struct str){"", 0};
    bool good = json_is_null(pin) || job.pin.len == PIN_BYTES - 1;
    for (size_t i = 0; i < job.pin.len; i++)
        good = good && memchr("0123456789abcdef", job.pin.at[i], 16);
    if (!str_eq(op, S("guests")) || strncmp(job.url.at, "https://", 8) != 0 || !good)
        return err_code(err, ERR_INPUT, "bad_job", "op",
            "a job of hand cluster is op guests, an https url and a pin of 64 hex digits or null");
    if (!secret_handle_check(job.secret, err))
        return false;
    *ret_job = job;
    return true;
}

/* --- parsers ------------------------------------------------------------------------------------
 */

/* What may stand in a path. */
static bool is_name(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
    return len > 0 && len < NAME_BYTES && !text[len];
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

bool cluster_guest_path(const json_t *row, char *path, size_t size, char *name, size_t name_size)
{
    const char *node = text_of(row, "node"), *type = text_of(row, "type");
    json_int_t number = json_integer_value(json_object_get(row, "vmid"));
    const char *called = text_of(row, "name");

    if (!is_name(node) || number < 1 || number > 999999999 ||
        (strcmp(type, "qemu") != 0 && strcmp(type, "lxc") != 0))
        return false;
    snprintf(path, size, "/api2/json/nodes/%s/%s/%lld/config", node, type, (long long)number);
    if (*called && strlen(called) < name_size)
        snprintf(name, name_size, "%s", called);
    else
        snprintf(name, name_size, "vm-%lld", (long long)number);
    return true;
}

static void add_mark(json_t *guests, const char *name, const char *kind, struct str value)
{
    char text[VALUE_BYTES];

    if (value.len >= sizeof text || json_array_size(guests) >= CLUSTER_MARKS_MAX)
        return;
    for (size_t i = 0; i < value.len; i++)
        text[i] = (char)tolower((unsigned char)value.at[i]);
    text[value.len] = '\0';
    json_array_append_new(
        guests, json_pack("{s:s, s:s, s:s}", "guest", name, "kind", kind, "value", text));
}

/* Six pairs of hex digits: bare metal's own check is the rules'. */
static bool looks_like_mac(struct str value)
{
    if (value.len != 17)
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (i % 3 == 2 ? value.at[i] != ':' : !isxdigit((unsigned char)value.at[i]))
            return false;
    return true;
}

/* "virtio=BC:24:11:…,bridge=vmbr0", "name=eth0,hwaddr=BC:24:11:…": each value that is a card's. */
void cluster_guest_marks(const char *name, const json_t *config, json_t *guests)
{
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)config, key, value) {
        struct str rest = str_from(json_is_string(value) ? json_string_value(value) : "");
        bool smbios = strcmp(key, "smbios1") == 0;
        bool card = strncmp(key, "net", 3) == 0 && isdigit((unsigned char)key[3]);
        while ((smbios || card) && rest.len) {
            struct str is, pair = str_cut(rest, ',', &rest), word = str_cut(pair, '=', &is);
            if (smbios && str_eq(word, S("uuid")) && is.len == 36)
                add_mark(guests, name, "uuid", is);
            else if (card && looks_like_mac(is))
                add_mark(guests, name, "mac", is);
        }
    }
}

/* --- asking -------------------------------------------------------------------------------------
 */

struct ask {
    const struct cluster_job *job;
    struct curl_slist *headers;
    int64_t end_ms; /* steady */
    bool wrong;     /* the certificate is not the pinned one */
    struct buf reply;
};

static size_t on_bytes(char *at, size_t size, size_t count, void *user)
{
    struct ask *ask = user;

    buf_add(&ask->reply, (struct str){at, size * count});
    return ask->reply.overflowed ? 0 : size * count;
}

/* Instead of OpenSSL's own judgement: exactly this certificate, whoever signed it. */
static int on_certificate(X509_STORE_CTX *store, void *user)
{
    struct ask *ask = user;
    X509 *shown = X509_STORE_CTX_get0_cert(store);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char hex[PIN_BYTES] = "";

    if (!shown || X509_digest(shown, EVP_sha256(), digest, &len) != 1 || len != 32)
        return 0;
    for (unsigned i = 0; i < len; i++)
        snprintf(hex + (size_t)i * 2, 3, "%02x", digest[i]);
    ask->wrong = !str_eq(ask->job->pin, str_from(hex));
    return !ask->wrong;
}

static CURLcode on_tls(CURL *curl, void *context, void *user)
{
    (void)curl;
    SSL_CTX_set_cert_verify_callback(context, on_certificate, user);
    return CURLE_OK;
}

static void set_options(CURL *curl, struct ask *ask, const char *url, int64_t left_ms)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, ask->headers);
    curl_easy_setopt(
        curl, CURLOPT_TIMEOUT_MS, (long)(left_ms < CLUSTER_ASK_MS ? left_ms : CLUSTER_ASK_MS));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, ask);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "logic-node/" LOGIC_NODE_VERSION);
    if (ask->job->pin.len) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L); /* the certificate itself is known */
        curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_tls);
        curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, ask);
    }
}

/* `data` of the answer to a path. */
static bool get(CURL *curl, struct ask *ask, const char *path, json_t **ret_data, struct err *err)
{
    char url[PATH_BYTES + 256];
    scoped(json_done) json_t *answer = NULL;
    long status = 0;
    int64_t left_ms = ask->end_ms - clock_steady_ms();

    if (left_ms <= 0)
        return err_code(err, ERR_PEER, "unreachable", NULL,
            "the API of %.*s did not tell of all its guests within %d s", STR(ask->job->cluster),
            CLUSTER_ALL_MS / 1000);
    buf_clear(&ask->reply);
    snprintf(url, sizeof url, "%.*s%s", STR(ask->job->url), path);
    set_options(curl, ask, url, left_ms);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (ask->wrong)
        return err_code(err, ERR_PEER, "wrong_certificate", NULL,
            "the API of %.*s shows another certificate than cluster_pin says",
            STR(ask->job->cluster));
    if (code != CURLE_OK)
        return err_code(err, ERR_PEER, "unreachable", NULL, "the API of %.*s cannot be asked: %s",
            STR(ask->job->cluster), curl_easy_strerror(code));
    if (status != 200)
        return err_code(err, ERR_PEER, "bad_reply", NULL,
            "the API of %.*s answered %ld; its token needs the role PVEAuditor",
            STR(ask->job->cluster), status);
    if (!json_read(buf_str(&ask->reply), CLUSTER_REPLY_BYTES_MAX, &answer, err) ||
        !json_object_get(answer, "data"))
        return err_code(err, ERR_PEER, "bad_reply", NULL,
            "the API of %.*s gave no JSON with `data`", STR(ask->job->cluster));
    *ret_data = json_incref(json_object_get(answer, "data"));
    return true;
}

static bool get_guests(CURL *curl, struct ask *ask, json_t *guests, struct err *err)
{
    scoped(json_done) json_t *rows = NULL;
    char path[PATH_BYTES], name[NAME_BYTES];
    size_t i;
    json_t *row;

    if (!get(curl, ask, "/api2/json/cluster/resources?type=vm", &rows, err))
        return false;
    json_array_foreach (rows, i, row) {
        scoped(json_done) json_t *config = NULL;
        if (i == CLUSTER_GUESTS_MAX)
            break;
        if (!cluster_guest_path(row, path, sizeof path, name, sizeof name))
            continue;
        if (!get(curl, ask, path, &config, err))
            return false;
        cluster_guest_marks(name, config, guests);
    }
    return true;
}

void cluster_run(const struct cluster_job *job, struct secret_store *secrets, struct hand_end *end)
{
    struct ask ask = {.job = job,
        .end_ms = clock_steady_ms() + CLUSTER_ALL_MS,
        .reply = buf_of(CLUSTER_REPLY_BYTES_MAX)};
    scoped(json_done) json_t *guests = json_array();
    scoped(buf_done) struct buf header = buf_of(1024);
    struct str token;

    *end = (struct hand_end){.changed = HAND_CHANGED_NO};
    if (secret_get(secrets, job->secret, &token, &end->err)) {
        CURL *curl = curl_easy_init();
        check(curl);
        buf_printf(&header, "Authorization: PVEAPIToken=%.*s", STR(str_trim(token)));
        ask.headers = curl_slist_append(NULL, buf_text(&header));
        end->ok = !header.overflowed && get_guests(curl, &ask, guests, &end->err);
        curl_easy_cleanup(curl);
        curl_slist_free_all(ask.headers);
    }
    buf_done(&ask.reply);
    if (end->ok)
        end->result = json_pack(
            "{s:s%, s:O}", "cluster", job->cluster.at, job->cluster.len, "guests", guests);
}
