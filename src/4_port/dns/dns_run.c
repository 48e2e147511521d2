/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dns.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "dns/dns_ask.h"
#include "dns/dns_name.h"
#include "os/clock.h"

#define LOOK_TRIES_MAX 3 /* a zone may change while we look */
#define NOW_TEXT_BYTES_MAX 200

static void packet_done(ldns_pkt **packet)
{
    ldns_pkt_free(*packet);
}

static bool look_at_name(struct dns_peer *peer, struct str name, struct str zone,
    struct dns_found *found, struct err *err)
{
    for (size_t i = 0; i < DNS_TYPE_COUNT; i++)
        if (!dns_ask_records(peer, name, DNS_TYPE_LIST[i], zone, found, err))
            return false;
    /* other data that a CNAME must not stand beside; a server may answer ANY in part */
    return dns_ask_records(peer, name, LDNS_RR_TYPE_ANY, zone, found, err);
}

static bool not_its_zone(const struct err *err)
{
    return strcmp(err->code, "refused") == 0 || strcmp(err->code, "delegated") == 0 ||
           strcmp(err->code, "not_zone") == 0;
}

/* Is there a wildcard above `name` that could have made up what was found? A name of another zone
 * is followed up to where the server's authority ends. */
static bool wildcard_above(
    struct dns_peer *peer, struct str name, struct str zone, bool *ret_there, struct err *err)
{
    bool within = dns_name_within(name, zone);
    size_t top = within ? zone.len : 0;

    *ret_there = false;
    while (name.len > top && !*ret_there) {
        scoped(dns_found_done) struct dns_found found = {0};
        scoped(buf_done) struct buf wildcard = buf_of(DNS_NAME_BYTES_MAX);
        (void)str_cut(name, '.', &name);
        if (name.len == 0)
            return true;
        buf_printf(&wildcard, "*.%.*s", STR(name));
        if (wildcard.overflowed)
            continue; /* such a name cannot be there */
        dns_found_init(&found);
        struct err why = {0};
        if (!dns_ask_records(peer, buf_str(&wildcard), LDNS_RR_TYPE_ANY, zone, &found, &why)) {
            if (!within && not_its_zone(&why))
                return true;
            *err = why;
            return false;
        }
        *ret_there = found.records > 0;
    }
    return true;
}

static ldns_pkt *update_packet(struct str zone)
{
    ldns_pkt *packet = dns_question(zone, LDNS_RR_TYPE_SOA, false);
    ldns_pkt_set_opcode(packet, LDNS_PACKET_UPDATE);
    return packet;
}

/* A query cannot tell a record from one that a wildcard made up; a prerequisite can. The message
 * carries no update, so it changes nothing. A server that does not let us ask leaves the name as it
 * was found. */
static bool name_is_there(
    struct dns_peer *peer, struct str name, struct str zone, bool *ret_there, struct err *err)
{
    scoped(packet_done) ldns_pkt *packet = update_packet(zone);
    scoped(dns_reply_done) struct dns_reply reply = {0};

    check(ldns_pkt_push_rr(
        packet, LDNS_SECTION_ANSWER, dns_rr_new(name, LDNS_RR_TYPE_ANY, LDNS_RR_CLASS_ANY)));
    if (!dns_peer_ask(peer, packet, &reply, err))
        return false;
    *ret_there = ldns_pkt_get_rcode(reply.packet) != LDNS_RCODE_NXDOMAIN;
    return true;
}

static bool look_at_names(
    struct dns_peer *peer, const struct dns_job *job, struct dns_found *found, struct err *err)
{
    json_t *name_json, *rrset;
    size_t i, k;

    json_array_foreach(job->names, i, name_json) {
        struct str name = {json_string_value(name_json), json_string_length(name_json)};
        scoped(dns_found_done) struct dns_found here = {0};
        bool made_up = false, there = true;
        dns_found_init(&here);
        if (!look_at_name(peer, name, job->zone, &here, err))
            return false;
        if (here.records > 0 && !wildcard_above(peer, name, job->zone, &made_up, err))
            return false;
        if (made_up && !name_is_there(peer, name, job->zone, &there, err))
            return false;
        if (!there)
            continue;
        found->records += here.records;
        found->bytes += here.bytes;
        json_array_foreach(here.rrsets, k, rrset)
            json_array_append(found->rrsets, rrset);
        if (found->records > DNS_RECORDS_MAX || found->bytes > DNS_ANSWER_BYTES_MAX)
            return err_code(err, ERR_LIMIT, "too_many_records", "names",
                "more than %d records or %d bytes of them; look at fewer names", DNS_RECORDS_MAX,
                DNS_ANSWER_BYTES_MAX);
    }
    return true;
}

static bool look(
    struct dns_peer *peer, const struct dns_job *job, json_t **ret_result, struct err *err)
{
    uint32_t before, after;

    if (!dns_ask_serial(peer, job->zone, &before, err))
        return false;
    for (int tries = 0; tries < LOOK_TRIES_MAX; tries++, before = after) {
        scoped(dns_found_done) struct dns_found found = {0};
        dns_found_init(&found);
        if (!look_at_names(peer, job, &found, err) || !dns_ask_serial(peer, job->zone, &after, err))
            return false;
        if (before != after)
            continue; /* what was seen is of two moments */
        *ret_result = json_pack("{s:o, s:I, s:{s:I, s:i, s:i, s:i}}", "rrsets",
            dns_found_take(&found), "zone_serial", (json_int_t)after, "coverage", "ok",
            (json_int_t)json_array_size(job->names), "changed", 0, "skipped", 0, "unsupported", 0);
        check(*ret_result);
        return true;
    }
    return err_code(err, ERR_PEER, "moving", "zone",
        "the zone '%.*s' changed during each of %d looks; ask again", STR(job->zone),
        LOOK_TRIES_MAX);
}

static bool lookup(
    struct dns_peer *peer, const struct dns_job *job, json_t **ret_result, struct err *err)
{
    scoped(dns_found_done) struct dns_found found = {0};
    scoped(dns_reply_done) struct dns_reply reply = {0};
    enum dns_type type;

    check(dns_type_read(job->type, "type", &type, err));
    scoped(packet_done) ldns_pkt *question = dns_question(job->name, type, true);
    if (!dns_peer_ask(peer, question, &reply, err))
        return false;
    unsigned rcode = ldns_pkt_get_rcode(reply.packet);
    if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
        return dns_reply_refused(peer, &reply, job->name, err);
    dns_found_init(&found);
    for (size_t i = 0; i < ldns_rr_list_rr_count(ldns_pkt_answer(reply.packet)); i++)
        if (!dns_found_add(&found, ldns_rr_list_rr(ldns_pkt_answer(reply.packet), i), err))
            return false;
    *ret_result = json_pack("{s:o, s:s}", "rrsets", dns_found_take(&found), "rcode",
        rcode == LDNS_RCODE_NOERROR ? "NOERROR" : "NXDOMAIN");
    check(*ret_result);
    return true;
}

/* What of a zone a list is about. */
static bool listed(const struct dns_job *job, const ldns_rr *rr)
{
    enum dns_type type = DNS_TYPE_A;

    if (job->type.at)
        check(dns_type_read(job->type, "type", &type, &(struct err){0}));
    return (!job->type.at || ldns_rr_get_type(rr) == (ldns_rr_type)type) &&
           (!job->name.at || dns_same_name(ldns_rr_owner(rr), job->name));
}

/* One message of a transfer; the SOA stands at its beginning and at its end. */
static bool gather(const struct dns_peer *peer, const struct dns_job *job,
    const struct dns_reply *reply, unsigned *soas, struct dns_found *found, struct err *err)
{
    const ldns_rr_list *answer = ldns_pkt_answer(reply->packet);

    for (size_t i = 0; i < ldns_rr_list_rr_count(answer); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(answer, i);
        bool is_soa = ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA;
        if ((*soas == 0 && !is_soa) || *soas == 2)
            return err_code(err, ERR_PEER, "bad_reply", "server",
                "name server %s:%d sent a transfer without order; it is not used", peer->host,
                peer->port);
        *soas += is_soa;
        if (listed(job, rr) && !dns_found_add(found, rr, err))
            return false;
    }
    return true;
}

static bool list(
    struct dns_peer *peer, const struct dns_job *job, json_t **ret_result, struct err *err)
{
    scoped(packet_done) ldns_pkt *question = dns_question(job->zone, LDNS_RR_TYPE_AXFR, false);
    scoped(dns_found_done) struct dns_found found = {0};
    unsigned soas = 0;

    dns_found_init(&found);
    for (bool first = true; soas < 2; first = false) {
        scoped(dns_reply_done) struct dns_reply reply = {0};
        if (!(first ? dns_peer_ask(peer, question, &reply, err) : dns_peer_next(peer, &reply, err)))
            return false;
        if (ldns_pkt_get_rcode(reply.packet) != LDNS_RCODE_NOERROR)
            return dns_reply_refused(peer, &reply, job->zone, err);
        if (ldns_rr_list_rr_count(ldns_pkt_answer(reply.packet)) == 0)
            return err_code(err, ERR_PEER, "bad_reply", "server",
                "name server %s:%d sent an empty part of a transfer", peer->host, peer->port);
        if (!gather(peer, job, &reply, &soas, &found, err))
            return false;
    }
    *ret_result = json_pack("{s:o}", "rrsets", dns_found_take(&found));
    check(*ret_result);
    return true;
}

static void add_record(ldns_pkt *packet, ldns_pkt_section section, struct str name, unsigned type,
    unsigned class_number, int64_t ttl_s, struct str value)
{
    ldns_rr *rr = dns_rr_new(name, type, class_number);

    ldns_rr_set_ttl(rr, (uint32_t)ttl_s);
    if (value.at) {
        scoped(buf_done) struct buf rdata = buf_of(DNS_VALUE_BYTES_MAX);
        struct err err = {0};
        if (!dns_value_read((enum dns_type)type, value, &rdata, &err))
            panic("a job was not read: %s", err.message);
        ldns_rdf *data = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_UNKNOWN, rdata.len, rdata.at);
        check(data && ldns_rr_push_rdf(rr, data));
    }
    check(ldns_pkt_push_rr(packet, section, rr));
}

/* RFC 2136 2.4 */
static void add_prerequisite(ldns_pkt *packet, const struct dns_condition *is)
{
    const struct str none = {0};
    json_t *value;
    size_t i;

    switch (is->kind) {
    case DNS_RRSET_EQUALS:
        json_array_foreach(is->values, i, value)
            add_record(packet, LDNS_SECTION_ANSWER, is->name, is->type, LDNS_RR_CLASS_IN, 0,
                (struct str){json_string_value(value), json_string_length(value)});
        return;
    case DNS_RRSET_EXISTS:
        add_record(packet, LDNS_SECTION_ANSWER, is->name, is->type, LDNS_RR_CLASS_ANY, 0, none);
        return;
    case DNS_RRSET_ABSENT:
        add_record(packet, LDNS_SECTION_ANSWER, is->name, is->type, LDNS_RR_CLASS_NONE, 0, none);
        return;
    case DNS_NAME_IN_USE:
        add_record(
            packet, LDNS_SECTION_ANSWER, is->name, LDNS_RR_TYPE_ANY, LDNS_RR_CLASS_ANY, 0, none);
        return;
    case DNS_NAME_ABSENT:
        add_record(
            packet, LDNS_SECTION_ANSWER, is->name, LDNS_RR_TYPE_ANY, LDNS_RR_CLASS_NONE, 0, none);
        return;
    }
}

/* RFC 2136 2.5 */
static void add_update(ldns_pkt *packet, const struct dns_update *do_it)
{
    const struct str none = {0};

    switch (do_it->kind) {
    case DNS_ADD:
        add_record(packet, LDNS_SECTION_AUTHORITY, do_it->name, do_it->type, LDNS_RR_CLASS_IN,
            do_it->ttl_s, do_it->value);
        return;
    case DNS_DELETE_RRSET:
        add_record(
            packet, LDNS_SECTION_AUTHORITY, do_it->name, do_it->type, LDNS_RR_CLASS_ANY, 0, none);
        return;
    case DNS_DELETE_VALUE:
        add_record(packet, LDNS_SECTION_AUTHORITY, do_it->name, do_it->type, LDNS_RR_CLASS_NONE, 0,
            do_it->value);
        return;
    case DNS_DELETE_NAME:
        add_record(packet, LDNS_SECTION_AUTHORITY, do_it->name, LDNS_RR_TYPE_ANY, LDNS_RR_CLASS_ANY,
            0, none);
        return;
    }
}

static ldns_pkt *packet_of(const struct dns_job *job)
{
    ldns_pkt *packet = update_packet(job->zone);
    struct dns_condition condition;
    struct dns_update update;
    struct err err;
    json_t *part;
    size_t i;

    json_array_foreach(job->prerequisites, i, part) {
        check(dns_condition_read(part, job->zone, &condition, &err));
        add_prerequisite(packet, &condition);
    }
    json_array_foreach(job->updates, i, part) {
        check(dns_update_read(part, job->zone, &update, &err));
        add_update(packet, &update);
    }
    return packet;
}

/* "A 192.168.1.7, 192.168.1.8 TXT "x"" or "nothing". */
static void print_found(const json_t *rrsets, struct buf *out)
{
    json_t *rrset, *value;
    size_t i, k;

    if (json_array_size(rrsets) == 0)
        buf_add(out, S("nothing"));
    json_array_foreach(rrsets, i, rrset) {
        buf_printf(out, "%s%s ", i ? " " : "", json_string_value(json_object_get(rrset, "type")));
        json_array_foreach(json_object_get(rrset, "values"), k, value)
            buf_printf(out, "%s%s", k ? ", " : "", json_string_value(value));
    }
    if (out->overflowed)
        buf_printf(out, "…");
}

/* Walk conditions until one does not hold: then *ret_failed is its place and `ret_found` what is
 * there. */
static bool first_untrue(struct dns_peer *peer, const json_t *conditions,
    bool (*read)(const json_t *, struct str, struct dns_condition *, struct err *), struct str zone,
    struct dns_condition *ret_untrue, bool *ret_all_hold, json_t *ret_found, struct err *err)
{
    json_t *part;
    size_t i;

    json_array_foreach(conditions, i, part) {
        scoped(json_done) json_t *now = NULL;
        check(read(part, zone, ret_untrue, err));
        if (!dns_condition_holds(peer, ret_untrue, zone, ret_all_hold, &now, err))
            return false;
        if (!*ret_all_hold) {
            json_array_clear(ret_found);
            json_array_extend(ret_found, now);
            return true;
        }
        json_array_extend(ret_found, now);
    }
    *ret_all_hold = true;
    return true;
}

/* The server refused a prerequisite: find out which, and what is there now. */
static void tell_what_moved(struct dns_peer *peer, const struct dns_job *job, struct err *err)
{
    scoped(json_done) json_t *found = json_array();
    scoped(buf_done) struct buf now = buf_of(NOW_TEXT_BYTES_MAX);
    struct dns_condition untrue;
    struct err ignored;
    bool all_hold;

    if (!first_untrue(peer, job->prerequisites, dns_condition_read, job->zone, &untrue, &all_hold,
            found, &ignored) ||
        all_hold)
        return; /* it moved back meanwhile, or cannot be asked: the server's own words stand */
    print_found(found, &now);
    err_code(err, ERR_PEER, "world_moved", "name",
        "the world moved: %.*s now has %s, which is not what the plan was made for; nothing was "
        "changed, ask for a new plan",
        STR(untrue.name), buf_text(&now));
}

/* Values may be as planned while the TTL is still the old one. */
static bool ttl_is_planned(const struct dns_job *job, const json_t *found, struct str *ret_name)
{
    json_t *rrset, *part;
    size_t i, k;

    json_array_foreach(found, i, rrset) {
        struct str name = str_from(json_string_value(json_object_get(rrset, "name")));
        const char *type = json_string_value(json_object_get(rrset, "type"));
        json_array_foreach(job->updates, k, part) {
            struct dns_update update;
            struct err ignored;
            check(dns_update_read(part, job->zone, &update, &ignored));
            *ret_name = update.name;
            if (update.kind == DNS_ADD && str_eq_nocase(update.name, name) &&
                strcmp(dns_type_word(update.type), type) == 0 &&
                update.ttl_s != json_integer_value(json_object_get(rrset, "ttl")))
                return false;
        }
    }
    return true;
}

static bool verify(
    struct dns_peer *peer, const struct dns_job *job, json_t **ret_result, struct err *err)
{
    scoped(json_done) json_t *found = json_array();
    scoped(buf_done) struct buf now = buf_of(NOW_TEXT_BYTES_MAX);
    struct dns_condition untrue;
    bool all_hold;

    if (!first_untrue(
            peer, job->expect, dns_expectation_read, job->zone, &untrue, &all_hold, found, err))
        return false;
    if (!all_hold) {
        print_found(found, &now);
        return err_code(err, ERR_PEER, "not_verified", "name",
            "%.*s has %s, which is not what was planned", STR(untrue.name), buf_text(&now));
    }
    if (!ttl_is_planned(job, found, &untrue.name))
        return err_code(err, ERR_PEER, "not_verified", "name",
            "%.*s has the values that were planned, but another TTL", STR(untrue.name));
    *ret_result = json_pack("{s:b, s:O}", "verified", 1, "rrsets", found);
    check(*ret_result);
    return true;
}

static bool update(struct dns_peer *peer, const struct dns_job *job, struct hand_end *end)
{
    scoped(packet_done) ldns_pkt *packet = packet_of(job);
    scoped(dns_reply_done) struct dns_reply reply = {0};

    if (!dns_peer_ask(peer, packet, &reply, &end->err)) {
        end->changed = peer->sent ? HAND_CHANGED_UNKNOWN : HAND_CHANGED_NO;
        return peer->sent ? err_wrap(&end->err, "it is unknown whether the change was made")
                          : false;
    }
    if (ldns_pkt_get_rcode(reply.packet) != LDNS_RCODE_NOERROR) {
        /* what our key did not sign may be forged; refusals of the key itself cannot be signed */
        bool of_key = reply.seen.error != 0;
        end->changed = reply.authentic || of_key ? HAND_CHANGED_NO : HAND_CHANGED_UNKNOWN;
        dns_reply_refused(peer, &reply, job->zone, &end->err);
        if (strcmp(end->err.code, "world_moved") == 0)
            tell_what_moved(peer, job, &end->err);
        return false;
    }
    end->changed = HAND_CHANGED_YES;
    return verify(peer, job, &end->result, &end->err) ||
           err_wrap(&end->err, "the server took the change, but afterwards");
}

static bool outcome(struct dns_peer *peer, const struct dns_job *job, struct hand_end *end)
{
    scoped(json_done) json_t *found = json_array();
    struct dns_condition untrue;
    bool all_hold;

    end->changed = HAND_CHANGED_UNKNOWN;
    if (verify(peer, job, &end->result, &end->err)) {
        end->changed = HAND_CHANGED_YES;
        return true;
    }
    if (strcmp(end->err.code, "not_verified") != 0)
        return false;
    if (!first_untrue(peer, job->prerequisites, dns_condition_read, job->zone, &untrue, &all_hold,
            found, &end->err))
        return false;
    if (all_hold) {
        end->changed = HAND_CHANGED_NO;
        return err_code(&end->err, ERR_PEER, "not_done", "name",
            "the change was not made: everything is as it was before");
    }
    return err_code(&end->err, ERR_PEER, "outcome_unknown", "name",
        "it is unknown whether the change was made: %.*s is neither as before nor as planned",
        STR(untrue.name));
}

static void tsig_done(struct dns_tsig *tsig)
{
    dns_tsig_done(tsig);
}

static bool converse(const struct dns_job *job, bool only_outcome, struct str secret,
    const struct dns_limits *limits, struct hand_end *end)
{
    scoped(tsig_done) struct dns_tsig tsig = {0};
    scoped(dns_peer_close) struct dns_peer peer = {.fd = -1};

    if (job->key.at && !dns_tsig_init(&tsig, job->key, secret, &end->err))
        return false;
    tsig.clock_offset_s = limits->clock_offset_s;
    if (!dns_peer_open(&peer, job->server, job->port, job->key.at ? &tsig : NULL,
            limits->timeout_ms, limits->job_ms, &end->err))
        return false;
    if (only_outcome)
        return outcome(&peer, job, end);
    switch (job->op) {
    case DNS_LOOK:
        return look(&peer, job, &end->result, &end->err);
    case DNS_UPDATE:
        return update(&peer, job, end);
    case DNS_LOOKUP:
        return lookup(&peer, job, &end->result, &end->err);
    case DNS_LIST:
        return list(&peer, job, &end->result, &end->err);
    }
    return false;
}

void dns_job_run(const struct dns_job *job, struct str secret, const struct dns_limits *limits,
    struct hand_end *ret_end)
{
    struct hand_end end = {.changed = HAND_CHANGED_NO};

    end.ok = converse(job, false, secret, limits, &end);
    *ret_end = end;
}

void dns_job_outcome(const struct dns_job *job, struct str secret, const struct dns_limits *limits,
    struct hand_end *ret_end)
{
    struct hand_end end = {.changed = HAND_CHANGED_UNKNOWN};

    check(job->op == DNS_UPDATE);
    end.ok = converse(job, true, secret, limits, &end);
    *ret_end = end;
}
