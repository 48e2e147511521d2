/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/dns_ask.h"

#include "base/panic.h"
#include "base/scoped.h"
#include "dns/dns_name.h"

#include <ctype.h>

#define TYPE_SOA 6
#define KEY_BYTES_MAX (4 * DNS_NAME_WIRE_BYTES_MAX + 32)

void dns_found_init(struct dns_found *found)
{
    *found = (struct dns_found){.rrsets = json_array(), .index = json_object()};
    check(found->rrsets && found->index);
}

void dns_found_done(struct dns_found *found)
{
    json_decref(found->rrsets);
    json_decref(found->index);
    *found = (struct dns_found){0};
}

static int compare_values(const void *a, const void *b)
{
    return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

static void sort_values(json_t *rrset)
{
    json_t *values = json_object_get(rrset, "values");
    size_t count = json_array_size(values);
    json_t **order = calloc(count ? count : 1, sizeof *order);
    json_t *sorted = json_array();

    check(order && sorted);
    for (size_t i = 0; i < count; i++)
        order[i] = json_array_get(values, i);
    qsort(order, count, sizeof *order, compare_values);
    for (size_t i = 0; i < count; i++)
        json_array_append(sorted, order[i]);
    json_object_set_new(rrset, "values", sorted);
    free(order);
}

json_t *dns_found_take(struct dns_found *found)
{
    json_t *rrset, *rrsets = json_incref(found->rrsets);
    size_t i;

    json_array_foreach(rrsets, i, rrset)
        sort_values(rrset);
    dns_found_done(found);
    return rrsets;
}

static bool belongs_to_dnssec_or_zone(unsigned type)
{
    return type == TYPE_SOA || type == LDNS_RR_TYPE_RRSIG || type == LDNS_RR_TYPE_NSEC ||
           type == LDNS_RR_TYPE_NSEC3 || type == LDNS_RR_TYPE_NSEC3PARAM ||
           type == LDNS_RR_TYPE_TSIG;
}

static bool print_data(const ldns_rr *rr, unsigned type, struct buf *out)
{
    scoped(buf_done) struct buf rdata = buf_of(LDNS_MAX_PACKETLEN);

    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *part = ldns_rr_rdf(rr, i);
        if (dns_type_word(type)) {
            buf_add(&rdata, (struct str){(const char *)ldns_rdf_data(part), ldns_rdf_size(part)});
            continue;
        }
        scoped(free_done) char *text = ldns_rdf2str(part);
        if (i > 0)
            buf_add_char(out, ' ');
        buf_add(out, str_from(text));
    }
    return !dns_type_word(type) || dns_value_print((enum dns_type)type, buf_str(&rdata), out);
}

static bool print_owner(const ldns_rr *rr, struct buf *out)
{
    const ldns_rdf *owner = ldns_rr_owner(rr);
    size_t used;

    if (!dns_name_print(
            (struct str){(const char *)ldns_rdf_data(owner), ldns_rdf_size(owner)}, out, &used))
        return false;
    for (size_t i = 0; i < out->len; i++)
        out->at[i] = (char)tolower((unsigned char)out->at[i]);
    return true;
}

static json_t *rrset_of(
    struct dns_found *found, struct buf *owner, const char *type, uint32_t ttl_s)
{
    scoped(buf_done) struct buf key = buf_of(KEY_BYTES_MAX);

    buf_printf(&key, "%s %s", buf_text(owner), type);
    json_t *rrset = json_object_get(found->index, buf_text(&key));
    if (rrset)
        return rrset;
    rrset = json_pack("{s:s, s:s, s:I, s:[]}", "name", buf_text(owner), "type", type, "ttl",
        (json_int_t)ttl_s, "values");
    check(rrset);
    json_object_set(found->index, buf_text(&key), rrset);
    json_array_append_new(found->rrsets, rrset);
    return rrset;
}

/* What a record takes in a message: JSON escapes quotes and backslashes. */
static size_t bytes_in_json(struct str value)
{
    size_t bytes = value.len;

    for (size_t i = 0; i < value.len; i++)
        bytes += value.at[i] == '"' || value.at[i] == '\\';
    return bytes;
}

bool dns_found_add(struct dns_found *found, const ldns_rr *rr, struct err *err)
{
    scoped(buf_done) struct buf owner = buf_of(KEY_BYTES_MAX);
    scoped(buf_done) struct buf value = buf_of(4 * LDNS_MAX_PACKETLEN);
    unsigned type = ldns_rr_get_type(rr);
    json_t *seen;
    size_t i;

    if (belongs_to_dnssec_or_zone(type))
        return true;
    scoped(free_done) char *other = dns_type_word(type) ? NULL : ldns_rr_type2str(type);
    if (!print_owner(rr, &owner) || !print_data(rr, type, &value) || !str_is_utf8(buf_str(&value)))
        return err_code(err, ERR_PEER, "bad_reply", "server",
            "the name server sent a record of type %u that is torn", type);
    json_t *rrset = rrset_of(found, &owner, other ? other : dns_type_word(type), ldns_rr_ttl(rr));
    json_t *values = json_object_get(rrset, "values");
    json_array_foreach(values, i, seen)
        if (strcmp(json_string_value(seen), buf_text(&value)) == 0)
            return true; /* seen by its type and again by ANY */
    found->bytes += bytes_in_json(buf_str(&value)) + bytes_in_json(buf_str(&owner)) + 64;
    if (++found->records > DNS_RECORDS_MAX || found->bytes > DNS_ANSWER_BYTES_MAX)
        return err_code(err, ERR_LIMIT, "too_many_records", "zone",
            "more than %d records or %d bytes of them; ask for single names instead",
            DNS_RECORDS_MAX, DNS_ANSWER_BYTES_MAX);
    json_array_append_new(values, json_string(buf_text(&value)));
    return true;
}

ldns_rr *dns_rr_new(struct str name, unsigned type, unsigned class_number)
{
    scoped(buf_done) struct buf wire = buf_of(DNS_NAME_WIRE_BYTES_MAX);
    ldns_rr *rr = ldns_rr_new();

    dns_name_add_wire(name, &wire);
    ldns_rdf *owner = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, wire.len, wire.at);
    check(rr && owner && !wire.overflowed);
    ldns_rr_set_owner(rr, owner);
    ldns_rr_set_type(rr, (ldns_rr_type)type);
    ldns_rr_set_class(rr, (ldns_rr_class)class_number);
    ldns_rr_set_ttl(rr, 0);
    return rr;
}

ldns_pkt *dns_question(struct str name, unsigned type, bool recursive)
{
    ldns_pkt *packet = ldns_pkt_new();
    ldns_rr *question = dns_rr_new(name, type, LDNS_RR_CLASS_IN);

    check(packet);
    ldns_rr_set_question(question, true);
    check(ldns_pkt_push_rr(packet, LDNS_SECTION_QUESTION, question));
    ldns_pkt_set_rd(packet, recursive);
    return packet;
}

static void packet_done(ldns_pkt **packet)
{
    ldns_pkt_free(*packet);
}

bool dns_same_name(const ldns_rdf *owner, struct str name)
{
    scoped(buf_done) struct buf wire = buf_of(DNS_NAME_WIRE_BYTES_MAX);

    dns_name_add_wire(name, &wire);
    return str_eq_nocase(
        (struct str){(const char *)ldns_rdf_data(owner), ldns_rdf_size(owner)}, buf_str(&wire));
}

/* The zone cut that a referral points to, NULL if the reply is none. */
static const ldns_rdf *referred_to(const ldns_pkt *reply)
{
    const ldns_rr *first = ldns_rr_list_rr(ldns_pkt_authority(reply), 0);

    if (ldns_pkt_aa(reply) || !first || ldns_rr_get_type(first) != LDNS_RR_TYPE_NS)
        return NULL;
    return ldns_rr_owner(first);
}

/* A reply with authority over `name`, or the referral at the very name, or an error. */
static bool ask_authority(struct dns_peer *peer, struct str name, unsigned type, struct str zone,
    struct dns_reply *ret_reply, struct err *err)
{
    scoped(packet_done) ldns_pkt *question = dns_question(name, type, false);
    struct dns_reply reply;

    if (!dns_peer_ask(peer, question, &reply, err))
        return false;
    unsigned rcode = ldns_pkt_get_rcode(reply.packet);
    const ldns_rdf *cut = referred_to(reply.packet);
    bool fine = rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN;
    if (fine && (ldns_pkt_aa(reply.packet) || (cut && dns_same_name(cut, name)))) {
        *ret_reply = reply;
        return true;
    }
    if (!fine)
        dns_reply_refused(peer, &reply, zone, err);
    else
        err_code(err, ERR_PEER, "delegated", "name",
            "name server %s:%d is not the authority for '%.*s' (zone '%.*s')", peer->host,
            peer->port, STR(name), STR(zone));
    dns_reply_done(&reply);
    return false;
}

bool dns_ask_records(struct dns_peer *peer, struct str name, unsigned type, struct str zone,
    struct dns_found *found, struct err *err)
{
    scoped(dns_reply_done) struct dns_reply reply = {0};

    if (!ask_authority(peer, name, type, zone, &reply, err))
        return false;
    /* at a zone cut the NS records themselves come as a referral */
    const ldns_rr_list *records = referred_to(reply.packet) ? ldns_pkt_authority(reply.packet)
                                                            : ldns_pkt_answer(reply.packet);
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(records, i);
        bool wanted = type == LDNS_RR_TYPE_ANY || ldns_rr_get_type(rr) == type;
        /* the rest of a CNAME's chain belongs to other names */
        if (wanted && dns_same_name(ldns_rr_owner(rr), name) && !dns_found_add(found, rr, err))
            return false;
    }
    return true;
}

bool dns_ask_serial(struct dns_peer *peer, struct str zone, uint32_t *ret_serial, struct err *err)
{
    scoped(dns_reply_done) struct dns_reply reply = {0};

    if (!ask_authority(peer, zone, TYPE_SOA, zone, &reply, err)) {
        /* a server that does not serve the zone refuses or refers */
        if (strcmp(err->code, "delegated") == 0 ||
            (strcmp(err->code, "refused") == 0 && peer->tsig == NULL))
            return err_code(err, ERR_PEER, "not_served", "zone",
                "name server %s:%d does not serve the zone '%.*s'", peer->host, peer->port,
                STR(zone));
        return false;
    }
    const ldns_rr *soa = ldns_rr_list_rr(ldns_pkt_answer(reply.packet), 0);
    if (!soa || ldns_rr_get_type(soa) != TYPE_SOA || !dns_same_name(ldns_rr_owner(soa), zone) ||
        ldns_rr_rd_count(soa) < 3)
        return err_code(err, ERR_PEER, "not_served", "zone",
            "name server %s:%d does not serve the zone '%.*s': '%.*s' is no zone of its own",
            peer->host, peer->port, STR(zone), STR(zone));
    *ret_serial = ldns_rdf2native_int32(ldns_rr_rdf(soa, 2));
    return true;
}

static bool value_among(enum dns_type type, const json_t *value, const json_t *values)
{
    scoped(buf_done) struct buf one = buf_of(DNS_VALUE_BYTES_MAX);
    struct str text = {json_string_value(value), json_string_length(value)};
    struct err ignored;
    json_t *other;
    size_t i;

    if (!dns_value_read(type, text, &one, &ignored))
        return false;
    json_array_foreach(values, i, other)
    {
        scoped(buf_done) struct buf two = buf_of(DNS_VALUE_BYTES_MAX);
        struct str other_text = {json_string_value(other), json_string_length(other)};
        if (dns_value_read(type, other_text, &two, &ignored) &&
            dns_value_equal(type, buf_str(&one), buf_str(&two)))
            return true;
    }
    return false;
}

static bool same_values(enum dns_type type, const json_t *a, const json_t *b)
{
    json_t *value;
    size_t i;

    json_array_foreach(a, i, value)
        if (!value_among(type, value, b))
            return false;
    json_array_foreach(b, i, value)
        if (!value_among(type, value, a))
            return false;
    return true;
}

bool dns_condition_holds(struct dns_peer *peer, const struct dns_condition *condition,
    struct str zone, bool *ret_holds, json_t **ret_found, struct err *err)
{
    scoped(dns_found_done) struct dns_found found = {0};
    bool of_name = condition->kind == DNS_NAME_IN_USE || condition->kind == DNS_NAME_ABSENT;

    dns_found_init(&found);
    if (!dns_ask_records(peer, condition->name,
            of_name ? (unsigned)LDNS_RR_TYPE_ANY : (unsigned)condition->type, zone, &found, err))
        return false;
    *ret_found = dns_found_take(&found);
    bool there = json_array_size(*ret_found) > 0;
    switch (condition->kind) {
    case DNS_RRSET_EQUALS:
        *ret_holds = there && same_values(condition->type, condition->values,
            json_object_get(json_array_get(*ret_found, 0), "values"));
        break;
    case DNS_RRSET_EXISTS:
    case DNS_NAME_IN_USE:
        *ret_holds = there;
        break;
    case DNS_RRSET_ABSENT:
    case DNS_NAME_ABSENT:
        *ret_holds = !there;
        break;
    }
    return true;
}
