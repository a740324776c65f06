-- KEYS: tries, what the network holds.
local now, share, over = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local step, slack = tonumber(ARGV[4]), tonumber(ARGV[5])
local t = redis.call('HMGET', KEYS[1], 'f', 'n')
local first, n = tonumber(t[1]), tonumber(t[2])
local new = not first
if new and full(KEYS[2], share) then return {1} end
if new or now - first >= over or first - now > step then first, n = now, 0 end
first, n = math.min(first, now), n + 1
redis.call('HSET', KEYS[1], 'f', first, 'n', n)
redis.call('EXPIRE', KEYS[1], over + slack)
if new then hold(KEYS[2], over + slack) end
return {n}
