-- KEYS: three of each draw: bucket, the network's bucket, what the network holds.
-- ARGV: now and the clock's step (µs), share, slack (s), whether to take; of each draw
-- count, per (µs), burst. Returns the number of the draw whose bucket is empty, or 0.
local now, step, share = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local slack, take = tonumber(ARGV[4]), ARGV[5] == '1'
local function bucket(i)
  local key, holders = KEYS[3*i-2], KEYS[3*i]
  local count, per, burst = tonumber(ARGV[3*i+3]), tonumber(ARGV[3*i+4]), tonumber(ARGV[3*i+5])
  local b = redis.call('HMGET', key, 't', 'a')
  local new = not b[1]
  if new and full(holders, share) then
    key, new = KEYS[3*i-1], false
    b = redis.call('HMGET', key, 't', 'a')
  end
  local tokens, at = tonumber(b[1]), tonumber(b[2])
  if not tokens or not at or at - now > step then
    tokens, at = burst, now
  elseif now > at then
    tokens, at = tokens + (now - at) * count / per, now
  end
  return key, math.min(tokens, burst), at, new, count, per, burst
end
local draws = #KEYS / 3
for i = 1, draws do
  local _, tokens = bucket(i)
  if tokens < 1 then return {i} end
end
if not take then return {0} end
for i = 1, draws do
  local key, tokens, at, new, count, per, burst = bucket(i)
  tokens = tokens - 1
  redis.call('HSET', key, 't', tokens, 'a', at)
  local full_in = at - now + (burst - tokens) / count * per
  local ms = math.ceil(full_in / 1000) + slack * 1000
  redis.call('PEXPIRE', key, string.format('%.0f', ms))
  redis.call('HSETNX', key, 'w', string.match(KEYS[3*i], '[^:]*$')) -- whose it is, to be forgotten with it
  if new then hold(KEYS[3*i], math.max(3600, math.ceil(ms / 1000))) end
end
return {0}
