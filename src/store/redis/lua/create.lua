-- ARGV: sid, idle TTL, lifetime, payload. Answers the time of creation, or 0 when the sid is taken.
local now = clock()
local sid, idle, lifetime = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

-- Ended fields go first: no other place prunes a user that keeps logging in.
local seen = redis.call('HGETALL', KEYS[2])
local known = {}
for i = 1, #seen, 2 do
  local deadline = uses(seen[i + 1])
  if deadline and deadline <= now then
    redis.call('HDEL', KEYS[2], seen[i])
  else
    known[seen[i]] = true
  end
end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if known[field] then
    known[field] = nil
  else
    redis.call('HDEL', KEYS[1], field)
  end
end
for field in pairs(known) do redis.call('HDEL', KEYS[2], field) end

if redis.call('HEXISTS', KEYS[1], sid) == 1 then return 0 end
local stone = redis.call('HGET', KEYS[3], sid)
if stone then
  local till = tonumber(string.match(stone, ':(%d+)$'))
  -- An unreadable tombstone counts: what ended stays ended.
  if not till or till > now then return 0 end
end

local absolute = now + lifetime
local deadline = math.min(now + idle, absolute)
redis.call('HSET', KEYS[1], sid,
  '1 1 ' .. text(now) .. ' ' .. text(idle) .. ' ' .. text(absolute) .. '\n' .. ARGV[4])
redis.call('HSET', KEYS[2], sid, text(deadline) .. ':' .. text(now))
local target = math.min(now + 2 * idle, absolute)
keep(KEYS[1], target, idle, now)
keep(KEYS[2], target, idle, now)
return now
