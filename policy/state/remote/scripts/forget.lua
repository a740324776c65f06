-- KEYS: two of each entry: it, and what its network holds of the table, a count or the entries.
local n = 0
for i = 1, #KEYS, 2 do
  local entry, holders = KEYS[i], KEYS[i+1]
  local gone = redis.call('DEL', entry)
  n = n + gone
  if redis.call('TYPE', holders).ok == 'zset' then
    redis.call('ZREM', holders, entry)
  elseif gone == 1 and (tonumber(redis.call('GET', holders)) or 0) > 0 then
    redis.call('DECR', holders)
  end
end
return {n}
