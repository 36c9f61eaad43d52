-- KEYS: one counter. ARGV: the start of the period to take one attempt from, or '' to remove all.
if ARGV[1] == '' then return redis.call('DEL', KEYS[1]) end
local fields = redis.call('HMGET', KEYS[1], 's', 'c', 't', 'w', 'u')
if fields[1] ~= ARGV[1] then return 0 end
local count, total, waits = tonumber(fields[2]) or 0, tonumber(fields[3]) or 0, tonumber(fields[4]) or 0
count, total = math.max(count - 1, 0), math.max(total - 1, 0)
-- This period started the wait, so the wait is taken back too.
if (tonumber(fields[5]) or 0) > 0 then waits = math.max(waits - 1, 0) end
if total == 0 and waits == 0 then return redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'c', count, 't', total, 'w', waits, 'u', 0)
return 1
