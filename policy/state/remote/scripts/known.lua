-- KEYS: habit. ARGV: day, days that it lasts unused.
return {known(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])) and 1 or 0}
