-- KEYS: one counter, which belongs to no user. ARGV: attempts, window, in a row (0: no such limit),
-- attempts after a wait, longest wait, forget after. Returns {1, start of the period} if the
-- attempt was counted, else {0, remaining wait}. Times are in milliseconds.
-- Fields: s (start of the period), c (count), t (total), w (waits), u (end of the wait, or 0).
local now = clock()
local room, window, row, after = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local fields = redis.call('HMGET', KEYS[1], 's', 'c', 't', 'w', 'u')
local start, count, total, waits, till =
  tonumber(fields[1]) or now, tonumber(fields[2]) or 0, tonumber(fields[3]) or 0, tonumber(fields[4]) or 0, tonumber(fields[5]) or 0
local function wait(before) return math.min(window * 2 ^ math.min(before, 30), math.max(tonumber(ARGV[5]), window)) end
-- A counter that starts later than now is not usable: the clock was set back.
if start > now then start, count, total, waits, till = now, 0, 0, 0, 0 end
if till > now then
  -- If the clock was set back, the wait is shortened to the rule's wait. The shortened wait is
  -- stored, so that a later answer never names a longer wait.
  local left = math.min(till - now, wait(math.max(waits - 1, 0)))
  if now + left < till then redis.call('HSET', KEYS[1], 'u', text(now + left)) end
  return { 0, left }
end

if till > 0 or start + window <= now then start, count, till = now, 0, 0 end
count, total = count + 1, total + 1
if waits > 0 then room = after end
if count >= room or (waits == 0 and row > 0 and total >= row) then
  till = now + wait(waits)
  waits = waits + 1
end
local forgotten = start + window
if waits > 0 or row > 0 then forgotten = math.max(till, now) + tonumber(ARGV[6]) end
redis.call('HSET', KEYS[1], 's', text(start), 'c', count, 't', total, 'w', waits, 'u', text(till))
redis.call('PEXPIREAT', KEYS[1], text(forgotten))
return { 1, start }
