-- KEYS: one counter, not a user's keys. ARGV: attempts, window, in a row (0: any number), room after a wait, longest wait,
-- forget after. Answers {1, beginning of the period} when the attempt was counted, else {0, what is left of the wait}.
-- The fields: s(tart of the period), c(ount), t(otal), w(aits), u(ntil when to wait, or 0).
local now = clock()
local room, window, row, after = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local fields = redis.call('HMGET', KEYS[1], 's', 'c', 't', 'w', 'u')
local start, count, total, waits, till =
  tonumber(fields[1]) or now, tonumber(fields[2]) or 0, tonumber(fields[3]) or 0, tonumber(fields[4]) or 0, tonumber(fields[5]) or 0
local function wait(before) return math.min(window * 2 ^ math.min(before, 30), math.max(tonumber(ARGV[5]), window)) end
-- What began later than now is of no use: the clock was set back.
if start > now then start, count, total, waits, till = now, 0, 0, 0, 0 end
if till > now then
  -- A clock that was set back makes no wait longer than the rule does; a wait that was cut stays so.
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
