/* SPDX-License-Identifier: Apache-2.0
 *
 * remote_write — samples as the body of a Prometheus remote write (protocol 0.1.0): a protobuf
 * WriteRequest (proto/remote_write.proto) in one snappy block.
 *
 * The request with it has Content-Type: application/x-protobuf, Content-Encoding: snappy and
 * X-Prometheus-Remote-Write-Version: 0.1.0. A server answers 204 (VictoriaMetrics) or 200.
 *
 * threads  any: no state
 * source   prometheus.io/docs/concepts/remote_write_spec, snappy's format_description.txt
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define REMOTE_WRITE_SERIES_MAX 100000
#define REMOTE_WRITE_SAMPLES_MAX 100000 /* of all series together */
#define REMOTE_WRITE_LABELS_MAX 32
#define REMOTE_WRITE_LABEL_BYTES_MAX 1024
#define REMOTE_WRITE_BYTES_MAX (16u << 20) /* before compression */

struct remote_write_label {
    struct str name, value;
};

struct remote_write_sample {
    double value;
    int64_t at_ms; /* since 1970 */
};

struct remote_write_series {
    const struct remote_write_label *labels; /* by name, ascending; with __name__ */
    size_t labels_count;
    const struct remote_write_sample *samples; /* by time, ascending: the caller's care */
    size_t samples_count;
};

/* Append the compressed body; after an error `out` is as it was.
 * errors  ERR_INPUT bad_labels: not in order, twice, no or a bad __name__, a name that is none, an
 *         empty value, no UTF-8; no_samples: a series without · ERR_LIMIT too_large, also where
 *         out->bytes_max is too little */
bool remote_write_encode(
    const struct remote_write_series *series, size_t count, struct buf *out, struct err *err);
