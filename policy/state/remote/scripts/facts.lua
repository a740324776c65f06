-- KEYS: two of each record: it, and those that its network holds, by their end (sorted set).
-- ARGV: share, how long one may last (s); of each record the text, now, for how long it holds.
local share, longest = tonumber(ARGV[1]), tonumber(ARGV[2])
for i = 1, #KEYS / 2 do
  local key, holders = KEYS[2*i-1], KEYS[2*i]
  local record, now, life = ARGV[3*i], tonumber(ARGV[3*i+1]), tonumber(ARGV[3*i+2])
  redis.call('ZREMRANGEBYSCORE', holders, '-inf', now)
  redis.call('ZREMRANGEBYSCORE', holders, now + longest + 1, '+inf') -- the clock was set back
  if life <= 0 then
    redis.call('DEL', key)
    redis.call('ZREM', holders, key)
  elseif redis.call('ZSCORE', holders, key) or redis.call('ZCARD', holders) < share then
    redis.call('SET', key, record, 'EX', life)
    redis.call('ZADD', holders, now + life, key)
    redis.call('EXPIRE', holders, longest)
  end
end
return {#KEYS / 2}
