-- SPDX-License-Identifier: Apache-2.0
-- wrk: POST the lines of the file BENCH_BODIES in turn; the result as one JSON object. A line is a
-- body, or a path, a blank and a body.

local requests, at = {}, 0

function init()
    local headers = {["Content-Type"] = "application/json"}
    if os.getenv("BENCH_TOKEN") then headers["Authorization"] = "Bearer " .. os.getenv("BENCH_TOKEN") end
    for line in io.lines(os.getenv("BENCH_BODIES")) do
        local path, body = line:match("^(/%S*) (.*)$")
        requests[#requests + 1] =
            wrk.format("POST", path, headers, body or line)
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function done(summary, latency)
    local e = summary.errors
    io.write(string.format(
        '{"requests":%d,"seconds":%.6f,"refused":%d,"failed":%d,"p50_us":%.1f,"p99_us":%.1f}\n',
        summary.requests, summary.duration / 1e6,
        e.status, e.connect + e.read + e.write + e.timeout,
        latency:percentile(50), latency:percentile(99)))
end
