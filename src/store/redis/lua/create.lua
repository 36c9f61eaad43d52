-- ARGV: sid, idle TTL, lifetime, payload. Answers the time of creation, or 0 when the sid is taken.
local now = clock()
local sid, idle, lifetime = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

-- What has ended is pruned here, and nowhere else for a user that keeps logging in: `stale` is a list of {key, field}.
local stale, known, taken = {}, {}, false
local seen = redis.call('HGETALL', KEYS[2])
for i = 1, #seen, 2 do
  local deadline = uses(seen[i + 1])
  if deadline and deadline <= now then
    stale[#stale + 1] = { KEYS[2], seen[i] }
  else
    known[seen[i]] = true
  end
end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if known[field] then
    known[field] = nil
    taken = taken or field == sid
  else
    stale[#stale + 1] = { KEYS[1], field }
  end
end
for field in pairs(known) do stale[#stale + 1] = { KEYS[2], field } end
if taken then return 0 end

local stone = redis.call('HGET', KEYS[3], sid)
if stone then
  local till = tonumber(string.match(stone, ':(%d+)$'))
  -- An unreadable tombstone counts: what ended stays ended.
  if not till or till > now then return 0 end
end

local absolute = now + lifetime
local deadline = math.min(now + idle, absolute)
-- Before any HDEL: a script that has written is not stopped by a full memory.
redis.call('HSET', KEYS[1], sid,
  '1 1 ' .. text(now) .. ' ' .. text(idle) .. ' ' .. text(absolute) .. '\n' .. ARGV[4])
redis.call('HSET', KEYS[2], sid, text(deadline) .. ':' .. text(now))
for _, field in ipairs(stale) do
  if field[2] ~= sid then redis.call('HDEL', field[1], field[2]) end
end
local target = math.min(now + 2 * idle, absolute)
keep(KEYS[1], target, idle, now)
keep(KEYS[2], target, idle, now)
return now
