-- ARGV: sid, expected revision, payload. Returns the new revision, 0 on a conflict, -1 if the
-- session is not live, -2 if it cannot be read.
local now = clock()
local sid = ARGV[1]
local old = redis.call('HGET', KEYS[1], sid)
local seen = redis.call('HGET', KEYS[2], sid)
if not old or not seen then return -1 end
local revision, created, idle, absolute, chain = header(old)
local deadline = uses(seen)
if not idle or not deadline then return -2 end
if deadline <= now or absolute <= now then return -1 end
if revision ~= ARGV[2] then return 0 end

revision = tonumber(revision) + 1
redis.call('HSET', KEYS[1], sid, record(revision, created, idle, absolute, chain, ARGV[3]))
return revision
