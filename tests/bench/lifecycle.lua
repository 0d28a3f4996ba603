-- Leads events through their whole life, each request of a life after the answer to the one before.
-- wrk … -s lifecycle.lua URL -- FILE SALT START
-- FILE returns lives; a life is a list of requests; a request is a list of texts by turns with numbers, which stand for
-- 1 a new id of 36 characters, 2 the event's id, 3 its number. The title of an event ends with the place of its life in
-- the list; so an answer, which comes on any of the connections, is known for the one to its report.
local lives, salt, at, made = nil, nil, 0, 0
done_lives, wrong = 0, 0
local ready, first, last, running = {}, 1, 0, {}
local thread_of_all

function setup(thread)
  thread_of_all = thread
end

function init(args)
  lives = dofile(args[1])
  salt = args[2]
  at = tonumber(args[3]) or 0
end

local function said(parts, life)
  local texts = {}
  for n, part in ipairs(parts) do
    if part == 1 then
      made = made + 1
      part = salt .. string.format("%012d", made)
    elseif part == 2 then
      part = life.id
    elseif part == 3 then
      part = life.number
    end
    texts[n] = part
  end
  return table.concat(texts)
end

function request()
  if first <= last then
    local life = ready[first]
    ready[first] = nil
    first = first + 1
    return said(life.requests[life.step], life)
  end
  at = at + 1
  if at > #lives then at = 1 end
  return said(lives[at][1], nil)
end

function response(status, _, body)
  local id = string.match(body, '"id":"([^"]+)"')
  if status ~= 200 or id == nil or string.find(body, '"errors"', 1, true) then
    wrong = wrong + 1
    return
  end
  local life = running[id]
  if life == nil then
    local number, place = string.match(body, '"number":"([^"]+)","title":"[^"]- (%d+)"')
    if number == nil then
      wrong = wrong + 1
      return
    end
    life = { id = id, number = number, step = 1, requests = lives[tonumber(place)] }
    running[id] = life
  end
  life.step = life.step + 1
  if life.step > #life.requests then
    running[id] = nil
    done_lives = done_lives + 1
  else
    last = last + 1
    ready[last] = life
  end
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"lives": %d, "requests": %d, "seconds": %.6f, "failed": %d, "lost": %d, "median_ms": %.3f, "p99_ms": %.3f}\n',
    thread_of_all:get("done_lives"), summary.requests, summary.duration / 1e6,
    errors.status + thread_of_all:get("wrong"), errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
