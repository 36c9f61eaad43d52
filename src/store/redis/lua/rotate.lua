-- ARGV: sid, salt, the token's counter, grace, retry. Returns {record, uses, status}. Status 1: the
-- token was the current one, and the counter moved on. 0: the token was replaced within the grace
-- period. 2: it was replaced after the grace period and within retry, and its successor is unused.
-- Or returns 0: the session has no such counter or salt, -1: it is not live, -2: it cannot be read,
-- -3: the token was replaced before, and the session is now revoked. Only 1 and -3 write.
local now = clock()
local sid, grace, retry = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5])
local old = redis.call('HGET', KEYS[1], sid)
local seen = redis.call('HGET', KEYS[2], sid)
if not old or not seen then return -1 end
local revision, created, idle, absolute, chain = header(old)
local deadline, last, used = uses(seen)
if not idle or not deadline then return -2 end
if deadline <= now or absolute <= now then return -1 end
if not chain then return 0 end

local counter, since, salt = string.match(chain, '^(%d+) (%d+) (.+)$')
local behind = tonumber(counter) - tonumber(ARGV[3])
if salt ~= ARGV[2] or behind < 0 then return 0 end
if behind == 1 and grace > 0 and now - since <= grace then return { old, seen, 0 } end
if behind == 1 and retry > 0 and now - since <= retry and (used or 0) < tonumber(counter) then return { old, seen, 2 } end
if behind > 0 then
  -- Removal comes before any HSET, as in every script that revokes sessions.
  redis.call('HDEL', KEYS[1], sid)
  redis.call('HDEL', KEYS[2], sid)
  bury({ { sid, absolute } }, 'refresh_reuse', now)
  return -3
end

chain = text(counter + 1) .. ' ' .. text(now) .. ' ' .. salt
local payload = string.sub(old, string.find(old, '\n', 1, true) + 1)
local new = record(revision + 1, created, idle, absolute, chain, payload)
local later = math.max(deadline, math.min(absolute, now + idle))
local used_now = text(later) .. ':' .. text(math.max(last, now))
redis.call('HSET', KEYS[1], sid, new)
redis.call('HSET', KEYS[2], sid, used_now)
local target = math.min(now + 2 * idle, absolute)
keep(KEYS[1], target, idle, now)
keep(KEYS[2], target, idle, now)
return { new, used_now, 1 }
