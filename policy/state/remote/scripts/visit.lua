-- KEYS: three of each visit: host, the hosts of its network that found no room, what it holds.
-- ARGV: share, keep, step, slack (s), classes; of each visit time (s), flag, class, device.
-- A host is stored as package state stores it on the disk.
local share, kept, step = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local slack, classes = tonumber(ARGV[4]), tonumber(ARGV[5])
local layout = '<I4I4I4I2I2I2I2I2B' .. string.rep('B', classes)
local FIRST, LAST, SHOWN, SESSIONS, SUSPECT, FLAGGED, DAYS, SHOWS, DEVICE = 1, 2, 3, 4, 5, 6, 7, 8, 9
local function day(t) return math.floor(t / 86400) end
local function note(i)
  local key, holders = KEYS[3*i-2], KEYS[3*i]
  local a = 5 + 4 * (i - 1)
  local now, flag, class, device = tonumber(ARGV[a+1]), tonumber(ARGV[a+2]), tonumber(ARGV[a+3]), tonumber(ARGV[a+4])
  local entry, wide = redis.call('GET', key), false
  local new = not entry
  if new and full(holders, share) then
    key, new, wide = KEYS[3*i-1], false, true
    entry = redis.call('GET', key)
  end
  local h
  if entry and #entry == struct.size(layout) then
    h = {struct.unpack(layout, entry)}
    h[#h] = nil -- where the next value would begin
    if now - h[LAST] > kept or h[LAST] - now > step then h = nil end
  end
  if not h then
    h = {now}
    for j = 2, DEVICE + classes do h[j] = 0 end
  end
  local function more(n) h[n] = math.min(h[n] + 1, 65535) end
  if day(now) > day(h[LAST]) then more(DAYS) end
  h[FIRST], h[LAST] = math.min(h[FIRST], now), math.max(h[LAST], now)
  more(SESSIONS)
  if flag == 1 then more(SUSPECT) elseif flag == 2 then more(FLAGGED) end
  if not wide then
    if device ~= 0 then
      if device ~= h[DEVICE] then h[DEVICE], h[SHOWS] = device, 0 end
      h[SHOWN] = math.max(h[SHOWN], now)
      more(SHOWS)
    end
    if class < classes then
      local n = DEVICE + 1 + class
      if h[n] == 255 then
        for j = DEVICE + 1, DEVICE + classes do h[j] = math.floor(h[j] / 2) end
      end
      h[n] = h[n] + 1
    end
  end
  redis.call('SET', key, struct.pack(layout, unpack(h)), 'EX', kept + slack)
  if new then hold(holders, kept + slack) end
end
for i = 1, #KEYS / 3 do note(i) end
return {#KEYS / 3}
