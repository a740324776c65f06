-- seen notes a message of a template. few: its first two networks; of more: when each
-- was last seen (sorted set), and each one's ASN beside l(ast) u(ntil) s(ince) n
-- (messages). campaigns are those declared (sorted set), by their end.
local network, asn, now = ARGV[4], ARGV[5], tonumber(ARGV[1])
local window, hosts, keep = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local step, slack, systems = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local since = now - window
local campaigns, most = KEYS[4], 4096
local function seen(template, few, members, run)
  if redis.call('EXISTS', run) == 0 then
    local f = redis.call('HMGET', few, 'an', 'aa', 'al', 'bn', 'ba', 'bl', 'n')
    local function free(i)
      local last = tonumber(f[i+2])
      return not last or last < since or last - now > step
    end
    -- a network has one place
    local place = f[1] == network and 'a' or f[4] == network and 'b' or free(1) and 'a' or free(4) and 'b'
    if place then
      redis.call('HSET', few, place .. 'n', network, place .. 'a', asn, place .. 'l', now,
        'n', (tonumber(f[7]) or 0) + 1)
      redis.call('EXPIRE', few, window + slack)
      return {0, 0, 0, 0, 0, 0, 0}
    end
    redis.call('DEL', few, members)
    redis.call('ZADD', members, f[3], f[1], f[6], f[4])
    redis.call('HSET', run, f[1], f[2], f[4], f[5], 'n', f[7])
  end

  local r = redis.call('HMGET', run, 'l', 'u', 's', 'n')
  local last, till, from, messages = tonumber(r[1]) or 0, tonumber(r[2]) or 0, tonumber(r[3]) or 0, tonumber(r[4]) or 0
  if last - now > step then -- the clock was set back: what is of the future tells nothing
    redis.call('DEL', members, run)
    last, till, from, messages = 0, 0, 0, 0
  end
  messages, last = messages + 1, math.max(last, now)
  local score = tonumber(redis.call('ZSCORE', members, network))
  if not score then
    local over = redis.call('ZCARD', members) - 4 * hosts
    if over >= 0 then
      for _, old in ipairs(redis.call('ZRANGE', members, 0, over)) do
        redis.call('ZREM', members, old)
        redis.call('HDEL', run, old)
      end
    end
  end
  redis.call('ZADD', members, math.max(score or now, now), network)

  local function wide()
    if redis.call('ZCOUNT', members, since, now + step) < hosts then return false end
    local unknown, distinct, met = 0, 0, {}
    for _, m in ipairs(redis.call('ZRANGEBYSCORE', members, since, now + step)) do
      local of = redis.call('HGET', run, m)
      if not of or of == '0' then
        unknown = unknown + 1
      elseif not met[of] then
        met[of], distinct = true, distinct + 1
      end
    end
    return distinct >= systems or unknown >= hosts
  end
  redis.call('HSET', run, network, asn)
  local began = 0
  if till <= now and wide() then from, began, till = now, 1, now + 1 end
  if till > now then till = math.max(till, now + keep) end
  redis.call('HSET', run, 'l', last, 'u', till, 's', from, 'n', messages)
  local ttl = math.max(window, till - now) + slack
  if till > now then
    redis.call('ZADD', campaigns, till, template)
    if redis.call('TTL', campaigns) < ttl then redis.call('EXPIRE', campaigns, ttl) end
  end
  if began == 1 then
    redis.call('ZREMRANGEBYSCORE', campaigns, '-inf', now)
    redis.call('ZREMRANGEBYRANK', campaigns, 0, -most - 1)
  end
  redis.call('EXPIRE', members, ttl)
  redis.call('EXPIRE', run, ttl)
  return {1, till > now and 1 or 0, began, redis.call('ZCARD', members), messages, from, last}
end
