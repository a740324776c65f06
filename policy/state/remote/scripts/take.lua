-- KEYS: three of each draw: bucket, the network's bucket, what the network holds.
-- ARGV: now and the clock's step (µs), share, slack (s), whether to take, the longest
-- debt (µs); of each draw count, per (µs), burst, tokens. Returns the number of the first
-- draw whose bucket has too few tokens, or 0, and what is left in each, in millionths.
local now, step, share = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local slack, take, debt = tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6])
local function bucket(i)
  local key, holders = KEYS[3*i-2], KEYS[3*i]
  local d = {count = tonumber(ARGV[4*i+3]), per = tonumber(ARGV[4*i+4]), burst = tonumber(ARGV[4*i+5]), n = tonumber(ARGV[4*i+6])}
  local b = redis.call('HMGET', key, 't', 'a')
  d.new = not b[1]
  if d.new and full(holders, share) then
    key, d.new = KEYS[3*i-1], false
    b = redis.call('HMGET', key, 't', 'a')
  end
  d.key, d.tokens, d.at = key, tonumber(b[1]), tonumber(b[2])
  if not d.tokens or not d.at or d.at - now > step then
    d.tokens, d.at = d.burst, now
  elseif now > d.at then
    d.tokens, d.at = d.tokens + (now - d.at) * d.count / d.per, now
  end
  d.tokens = math.min(d.tokens, d.burst)
  return d
end
local function millionths(tokens) return math.floor(tokens * 1000000) end
local draws, answer = #KEYS / 3, {0}
for i = 1, draws do
  local d = bucket(i)
  answer[i+1] = millionths(d.tokens)
  local need = take and math.min(d.n, d.burst) or d.n
  if d.tokens < need and answer[1] == 0 then answer[1] = i end
end
if not take or answer[1] ~= 0 then return answer end
for i = 1, draws do
  local d = bucket(i)
  d.tokens = math.max(d.tokens - d.n, -d.count * debt / d.per)
  answer[i+1] = millionths(d.tokens)
  redis.call('HSET', d.key, 't', d.tokens, 'a', d.at)
  local full_in = d.at - now + (d.burst - d.tokens) / d.count * d.per
  local ms = math.ceil(full_in / 1000) + slack * 1000
  redis.call('PEXPIRE', d.key, string.format('%.0f', ms))
  redis.call('HSETNX', d.key, 'w', string.match(KEYS[3*i], '[^:]*$')) -- whose it is, to be forgotten with it
  if d.new then hold(KEYS[3*i], math.max(3600, math.ceil(ms / 1000))) end
end
return answer
