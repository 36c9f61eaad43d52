-- ARGV: the next login fence; then sid, expected revision and new payload of each session. Returns
-- 1; 0 on a conflict; -2 if a session that may be live cannot be read, because it would keep its
-- old payload. With 0 and -2 nothing is written.
local now = clock()
local uses_of, wanted, heads, count = {}, {}, {}, 0
for i = 2, #ARGV, 3 do wanted[ARGV[i]] = i end
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do uses_of[all[i]] = all[i + 1] end
all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local sid = all[i]
  -- A field that another application wrote is not a session, and no list contains it.
  if uses_of[sid] and #sid <= 64 and string.match(sid, '^[%w_-]+$') then
    local revision, created, idle, absolute, chain = header(all[i + 1])
    local deadline = uses(uses_of[sid])
    if not idle or not deadline then return -2 end
    if deadline > now and absolute > now then
      local at = wanted[sid]
      if not at or ARGV[at + 1] ~= revision then return 0 end
      heads[at] = { revision + 1, created, idle, absolute, chain or false }
      count = count + 1
    end
  end
end
-- Each live session has a replacement, and the numbers are equal, so the two sets are equal.
if count * 3 + 1 ~= #ARGV then return 0 end

for at, head in pairs(heads) do
  redis.call('HSET', KEYS[1], ARGV[at], record(head[1], head[2], head[3], head[4], head[5], ARGV[at + 2]))
end
renew(ARGV[1], now)
return 1
