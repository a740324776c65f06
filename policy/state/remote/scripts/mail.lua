-- KEYS: habit, the network's habit, what the network holds, campaigns, the sender's habit; three of each template.
-- ARGV: now, share, days, network, asn, window, hosts, hold, step, slack, systems; each template.
-- Returns whether the habit is known, whether the sender is; seven numbers of each template, zeros of none.
local answer, day, share, days = {0, 0}, math.floor(now / 86400), tonumber(ARGV[2]), tonumber(ARGV[3])
for i = 3, 16 do answer[i] = 0 end
if known(KEYS[5], day, days) then answer[2] = 1 end
if habit(KEYS[1], KEYS[2], KEYS[3], day, share, days) then
  answer[1] = 1
  return answer
end
for i = 1, #ARGV - 11 do
  local of = seen(ARGV[11+i], KEYS[3*i+3], KEYS[3*i+4], KEYS[3*i+5])
  for j = 1, 7 do answer[7*i-5+j] = of[j] end
end
return answer
