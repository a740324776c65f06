-- KEYS: passed; the client's passed, where the client is known.
local now, kept, step = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
for _, key in ipairs(KEYS) do
  local last = tonumber(redis.call('GET', key))
  if last and now - last <= kept and last - now <= step then return {1} end
end
return {0}
