-- KEYS: three of each habit: it, the network's, what the network holds.
-- ARGV: share, days that one lasts unused; of each habit the day.
for i = 1, #KEYS / 3 do
  habit(KEYS[3*i-2], KEYS[3*i-1], KEYS[3*i], tonumber(ARGV[2+i]), tonumber(ARGV[1]), tonumber(ARGV[2]))
end
return {#KEYS / 3}
