-- ARGV: the part whose key was found, 'live' or 'seen'. Returns the number of removed sessions. A
-- user with both keys is handled once, when 'live' is found.
if ARGV[1] == 'seen' and redis.call('HLEN', KEYS[1]) > 0 then return 0 end
local _, _, live, seen = survey(clock())
local freed, count = {}, 0
for _, fields in ipairs({ live, seen }) do
  for _, sid in ipairs(fields) do
    if not freed[sid] then freed[sid], count = true, count + 1 end
  end
end
drop(redis.call, KEYS[1], live)
drop(redis.call, KEYS[2], seen)
return count
