-- KEYS: habit, the network's habit, what the network holds.
-- ARGV: day, share, days that a habit lasts unused, whether to note the day.
local day, share, days, note = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local key = KEYS[1]
local entry = redis.call('GET', key)
local new = not entry
if new and note and full(KEYS[3], share) then
  key, new = KEYS[2], false
  entry = redis.call('GET', key)
end
local first, second, last
if entry then
  first, second, last = string.match(entry, '^(%d+) (%d+) (%d+)$')
  first, second, last = tonumber(first), tonumber(second), tonumber(last)
end
if not last or day - last > days or last - day > 1 then
  first, second, last = day, 0, day
end
if second == 0 and day > first then second = day end
if note then
  local ttl = (days + 2) * 86400
  redis.call('SET', key, string.format('%d %d %d', first, second, math.max(last, day)), 'EX', ttl)
  if new then hold(KEYS[3], ttl) end
end
return {(second ~= 0 and second < day) and 1 or 0}
