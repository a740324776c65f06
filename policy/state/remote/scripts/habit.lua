-- seen_on are the days of a habit: the first, the next after it, and the last.
local function seen_on(entry, day, days)
  local first, second, last
  if entry then
    first, second, last = string.match(entry, '^(%d+) (%d+) (%d+)$')
    first, second, last = tonumber(first), tonumber(second), tonumber(last)
  end
  if not last or day - last > days or last - day > 1 then
    first, second, last = day, 0, day
  end
  return first, second, last
end
-- known tells whether a habit was there on two earlier days.
local function known(key, day, days)
  local _, second = seen_on(redis.call('GET', key), day, days)
  return second ~= 0 and second < day
end
-- habit notes a day, too.
local function habit(key, wide, holders, day, share, days)
  local entry = redis.call('GET', key)
  local new = not entry
  if new and full(holders, share) then
    key, new = wide, false
    entry = redis.call('GET', key)
  end
  local first, second, last = seen_on(entry, day, days)
  if second == 0 and day > first then second = day end
  local ttl = (days + 2) * 86400
  redis.call('SET', key, string.format('%d %d %d', first, second, math.max(last, day)), 'EX', ttl)
  if new then hold(holders, ttl) end
  return second ~= 0 and second < day
end
