-- wrk ... -- TOKENS [NAME VALUE]...: asks with one token of the file after the other, and these headers.
local requests, at = {}, 0

function init(args)
  local headers = { ["Host"] = "api.example.com" }
  for place = 2, #args - 1, 2 do
    headers[args[place]] = args[place + 1]
  end
  for token in io.lines(args[1]) do
    headers["Authorization"] = "Bearer " .. token
    requests[#requests + 1] = wrk.format(nil, nil, headers)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"per_second": %.1f, "p50_ms": %.3f, "p99_ms": %.3f, "errors": %d}\n',
    summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
