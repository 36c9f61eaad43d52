-- ARGV: sid, age of the use, extend below, the used rotation (0: not recorded). Returns the idle
-- deadline, 0 if the session is not live, -1 if it cannot be read.
local now = clock()
local sid = ARGV[1]
local record = redis.call('HGET', KEYS[1], sid)
local seen = redis.call('HGET', KEYS[2], sid)
if not record or not seen then return 0 end
local _, _, idle, absolute = header(record)
local deadline, last, rotation = uses(seen)
if not idle or not deadline then return -1 end
if deadline <= now or absolute <= now then return 0 end

local used = now - tonumber(ARGV[2])
local later = deadline
if deadline - now < tonumber(ARGV[3]) then
  later = math.max(deadline, math.min(absolute, used + idle))
end
local latest = math.max(last, used)
-- Earlier versions cannot read a third number, so it is written only if a rotation was recorded.
local greatest = math.max(rotation or 0, tonumber(ARGV[4]))
if later ~= deadline or latest ~= last or greatest ~= (rotation or 0) then
  local third = greatest > 0 and ':' .. text(greatest) or ''
  redis.call('HSET', KEYS[2], sid, text(later) .. ':' .. text(latest) .. third)
end
local target = math.min(now + 2 * idle, absolute)
keep(KEYS[1], target, idle, now)
keep(KEYS[2], target, idle, now)
return later
