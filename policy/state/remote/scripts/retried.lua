-- KEYS: waiting, passed; the network's waiting, passed; what the network holds; the
-- client's passed, where the client is known.
local now, wait, kept = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local share, step, slack = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local waiting, passed, holders, client = KEYS[1], KEYS[2], KEYS[5], KEYS[6]
local entry = redis.call('GET', waiting)
local new = not entry
if new and full(holders, share) then
  waiting, passed, new = KEYS[3], KEYS[4], false
  entry = redis.call('GET', waiting)
end
local function pass(key, at)
  redis.call('SET', key, at, 'EX', kept + slack)
  return {1}
end
for _, key in ipairs({KEYS[2], passed, client}) do
  local last = tonumber(redis.call('GET', key))
  if last and now - last <= kept and last - now <= step then
    return pass(key, math.max(now, last))
  end
end
local first, last
if entry then
  first, last = string.match(entry, '^(%d+) (%d+)$')
  first, last = tonumber(first), tonumber(last)
end
local known = last and now - last <= kept
if not known then first = now end
first = math.min(first, now)
if known and now - first >= wait then
  redis.call('DEL', waiting)
  if waiting == KEYS[1] and tonumber(redis.call('GET', holders) or 0) > 0 then
    redis.call('DECR', holders)
  end
  if client then pass(client, now) end
  return pass(passed, now)
end
local ttl = math.min(kept, wait + 86400) + slack
redis.call('SET', waiting, string.format('%.0f %.0f', first, now), 'EX', ttl)
if new then hold(holders, ttl) end
return {0}
