-- full tells whether a network holds its share of a table, hold counts an entry of it.
local function full(holders, share)
  return (tonumber(redis.call('GET', holders)) or 0) >= share
end
local function hold(holders, seconds)
  if redis.call('INCR', holders) == 1 then redis.call('EXPIRE', holders, seconds) end
end
