-- Sends prepared requests round and round. wrk … -s load.lua URL -- FILE SALT
-- FILE returns a list; a request is a list of texts, with a new id of 36 characters between each two.
local requests, salt, at, made = nil, nil, 0, 0

function init(args)
  requests = dofile(args[1])
  salt = args[2]
  at = tonumber(args[3]) or 0
end

function request()
  at = at + 1
  if at > #requests then at = 1 end
  local chosen = requests[at]
  if chosen[2] == nil then return chosen[1] end
  made = made + 1
  return table.concat(chosen, salt .. string.format("%012d", made))
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.6f, "bytes": %d, "failed": %d, "lost": %d, "median_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
