-- KEYS: two of each entry: it, and what its network holds of the table.
local n = 0
for i = 1, #KEYS, 2 do
  if redis.call('DEL', KEYS[i]) == 1 then
    n = n + 1
    if (tonumber(redis.call('GET', KEYS[i+1])) or 0) > 0 then redis.call('DECR', KEYS[i+1]) end
  end
end
return {n}
