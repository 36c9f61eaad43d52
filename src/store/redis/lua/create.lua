-- ARGV: sid, idle TTL, lifetime, payload, session limit (0: none), 'evict' or 'refuse', login fence
-- ('': no check, '-': none, or '=' and the value), counting window (0: none), salt of the refresh
-- tokens ('': none), number of logins for which a full user makes room.
-- Returns {time of creation, creations in the window, evicted sids}. Or writes nothing and returns
-- 0: the sid is in use, -1: the login fence differs, -2: the session limit is reached.
local now = clock()
local sid, idle, lifetime = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local limit, room = tonumber(ARGV[5]), tonumber(ARGV[10])
-- A survey finds sessions to prune and counts live sessions. Its time grows with the number of
-- sessions, so the script makes one only if there are few, or if the limit is reached.
local held = redis.call('HLEN', KEYS[1])
local surveyed = held <= FEW or (limit > 0 and held >= limit)
local living, count, live, seen = {}, 0, {}, {}
if surveyed then living, count, live, seen = survey(now) end

local function taken()
  if surveyed then return living[sid] ~= nil end
  local use = redis.call('HGET', KEYS[2], sid)
  if not use or redis.call('HEXISTS', KEYS[1], sid) == 0 then return false end
  return (uses(use) or math.huge) > now
end
if taken() then return 0 end

local stone, guard, counter = unpack(redis.call('HMGET', KEYS[3], sid, '#', '+'))
if stone and till(stone) > now then return 0 end

if ARGV[7] ~= '' then
  -- A fence whose time has passed is treated as no fence.
  local function known(value) return value and till(value) > now and value or '' end
  if known(guard) ~= known(string.sub(ARGV[7], 1, 1) == '=' and string.sub(ARGV[7], 2)) then return -1 end
end

local surplus = {}
if limit > 0 and count >= limit then
  if ARGV[6] == 'refuse' then return -2 end
  local order, heads = {}, {}
  local function head(other)
    if not heads[other] then
      local _, created, _, absolute = header(redis.call('HGET', KEYS[1], other))
      heads[other] = { created = tonumber(created) or 0, absolute = absolute or now + DAY }
    end
    return heads[other]
  end
  for other, last in pairs(living) do
    if last then order[#order + 1] = other end
  end
  local oldest = foremost(order, math.min(count - limit + room, count), function(a, b)
    if living[a] ~= living[b] then return living[a] < living[b] end
    if head(a).created ~= head(b).created then return head(a).created < head(b).created end
    return a < b
  end)
  for i, other in ipairs(oldest) do surplus[i] = { other, head(other).absolute } end
end

local absolute = now + lifetime
local deadline = math.min(now + idle, absolute)
-- HSET comes before any HDEL, so that a server without free memory refuses the creation. Once a
-- script has written, Redis does not refuse its HSET for full memory.
local chain = ARGV[9] ~= '' and '0 ' .. text(now) .. ' ' .. ARGV[9] or nil
redis.call('HSET', KEYS[1], sid, record(1, text(now), idle, absolute, chain, ARGV[4]))
redis.call('HSET', KEYS[2], sid, text(deadline) .. ':' .. text(now))
-- Prunes sessions that are over. A user who keeps logging in has no other pruning.
local answer = { now, 0 }
for i, session in ipairs(surplus) do
  live[#live + 1], seen[#seen + 1], answer[i + 2] = session[1], session[1], session[1]
end
local function others(fields)
  local rest = {}
  for _, field in ipairs(fields) do
    if field ~= sid then rest[#rest + 1] = field end
  end
  return rest
end
drop(redis.call, KEYS[1], others(live))
drop(redis.call, KEYS[2], others(seen))
local target = math.min(now + 2 * idle, absolute)
keep(KEYS[1], target, idle, now)
keep(KEYS[2], target, idle, now)
if #surplus > 0 then bury(surplus, 'evicted', now) end

local window = tonumber(ARGV[8])
if window > 0 then
  local before, start = string.match(counter or '', '^(%d+):(%d+):')
  start = tonumber(start)
  if not start or start > now or start + window <= now then before, start = 0, now end
  answer[2] = before + 1
  redis.call('HSET', KEYS[3], '+', text(answer[2]) .. ':' .. text(start) .. ':' .. text(start + window))
  remember(start + window, now)
end
return answer
