-- ARGV: sid, reason. Answers 1 when it lived until now, else 0. An unreadable record goes, and did not live.
local now = clock()
local sid = ARGV[1]
local record = redis.call('HGET', KEYS[1], sid)
local seen = redis.call('HGET', KEYS[2], sid)
-- Removal comes before any HSET: a script that has written is not stopped by a full memory, so logout works then too.
redis.call('HDEL', KEYS[1], sid)
redis.call('HDEL', KEYS[2], sid)
if not record or not seen then
  -- Written once more, for who waits for replicas: since 7.2 Redis lets nobody wait for what has changed nothing.
  local stone = redis.call('HGET', KEYS[3], sid)
  if stone then redis.pcall('HSET', KEYS[3], sid, stone) end
  return 0
end
local _, _, _, absolute = header(record)
local deadline = uses(seen)
if not absolute or not deadline or deadline <= now or absolute <= now then return 0 end
bury({ { sid, absolute } }, ARGV[2], now)
return 1
