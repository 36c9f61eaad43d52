-- ARGV: sid, reason. Returns 1 if the session was live, else 0. Also removes an unreadable record:
-- it is treated as not live.
local now = clock()
local sid = ARGV[1]
local record = redis.call('HGET', KEYS[1], sid)
local seen = redis.call('HGET', KEYS[2], sid)
-- Removal comes before any HSET: Redis does not stop a script for full memory once it has written,
-- so logout works with full memory.
redis.call('HDEL', KEYS[1], sid)
redis.call('HDEL', KEYS[2], sid)
if not record or not seen then
  -- Writes the tombstone again, for a caller that waits for replicas: since version 7.2, WAIT does
  -- not wait for a script that changed nothing.
  local stone = redis.call('HGET', KEYS[3], sid)
  if stone then redis.pcall('HSET', KEYS[3], sid, stone) end
  return 0
end
local _, _, _, absolute = header(record)
local deadline = uses(seen)
if not absolute or not deadline or deadline <= now or absolute <= now then return 0 end
bury({ { sid, absolute } }, ARGV[2], now)
return 1
