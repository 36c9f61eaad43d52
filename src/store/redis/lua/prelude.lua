-- Shared by all scripts. KEYS: live, seen, gone (see keys.rs). Milliseconds since 1970 on this server's clock; they are
-- exact in a double, and '%.0f' writes them without an exponent.
local DAY = 86400000
local TOMBSTONES = 64
-- The fields of `gone` that are no tombstones.
local OTHERS = { ['#'] = true, ['+'] = true, ['@'] = true }
-- With so many sessions a login looks at each and prunes what has ended.
local FEW = 128

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function text(number)
  return string.format('%.0f', number)
end

-- revision, created, idle TTL, absolute deadline, and the chain of refresh tokens if there is one: counter, since when,
-- salt. nil when this version cannot read the record.
local function header(record)
  local revision, created, idle, absolute, chain = string.match(record, '^1 (%d+) (%d+) (%d+) (%d+)\n')
  if not revision then
    revision, created, idle, absolute, chain =
      string.match(record, '^2 (%d+) (%d+) (%d+) (%d+) (%d+ %d+ [%w_-]+)\n')
  end
  return revision, created, tonumber(idle), tonumber(absolute), chain
end

-- A record as `header` reads it.
local function record(revision, created, idle, absolute, chain, payload)
  local head = text(revision) .. ' ' .. created .. ' ' .. text(idle) .. ' ' .. text(absolute)
  if chain then return '2 ' .. head .. ' ' .. chain .. '\n' .. payload end
  return '1 ' .. head .. '\n' .. payload
end

-- idle deadline, last activity, and the greatest rotation that was used if there is one; nil when unreadable.
local function uses(seen)
  local deadline, last = string.match(seen, '^(%d+):(%d+)$')
  local rotation
  if not deadline then deadline, last, rotation = string.match(seen, '^(%d+):(%d+):(%d+)$') end
  if deadline then return tonumber(deadline), tonumber(last), tonumber(rotation) end
end

-- When a field of `gone` has served its time. What cannot be read counts for ever: what ended stays ended.
local function till(value)
  return tonumber(string.match(value, ':(%d+)$')) or math.huge
end

-- The first `n` of a list in the order of `before`. Mostly one is asked for: then nothing is sorted.
local function foremost(list, n, before)
  if n > 1 then table.sort(list, before) end
  local first = {}
  for i = 1, n do first[i] = list[i] end
  if n == 1 then
    for _, other in ipairs(list) do
      if before(other, first[1]) then first[1] = other end
    end
  end
  return first
end

-- Removes fields by `call`, as many at a time as its stack takes.
local function drop(call, key, fields)
  for i = 1, #fields, 500 do
    call('HDEL', key, unpack(fields, i, math.min(i + 499, #fields)))
  end
end

-- The user's sessions: the last activity of each (false where it cannot be read), how many those are, and what is left
-- of others, as fields of `live` and of `seen`. A session without its other half has ended.
local function survey(now)
  local uses_of, living, count, live, seen = {}, {}, 0, {}, {}
  local all = redis.call('HGETALL', KEYS[2])
  for i = 1, #all, 2 do
    local deadline, last = uses(all[i + 1])
    if deadline and deadline <= now then
      seen[#seen + 1] = all[i]
    else
      uses_of[all[i]] = last or false
    end
  end
  for _, sid in ipairs(redis.call('HKEYS', KEYS[1])) do
    local last = uses_of[sid]
    if last == nil then
      live[#live + 1] = sid
    else
      living[sid], uses_of[sid] = last, nil
      if last then count = count + 1 end
    end
  end
  for sid in pairs(uses_of) do seen[#seen + 1] = sid end
  return living, count, live, seen
end

-- Raises the TTL of `live` or `seen`, and only when it runs low: any EXPIRE of a tracked key invalidates it everywhere.
local function keep(key, target, idle, now)
  local left = redis.call('PTTL', key)
  if left == -1 then
    -- Fresh, or somebody took its TTL away: then no session in it may be cut short.
    for _, seen in ipairs(redis.call('HVALS', KEYS[2])) do
      target = math.max(target, uses(seen) or 0)
    end
    redis.call('PEXPIREAT', key, text(target))
  elseif left < idle and now + left < target then
    redis.call('PEXPIREAT', key, text(target))
  end
end

-- Raises the TTL of `gone`, so that a field of it is known for its time.
local function remember(last, now)
  local left = redis.call('PTTL', KEYS[3])
  if left == -1 then
    -- As in `keep`.
    for _, value in ipairs(redis.call('HVALS', KEYS[3])) do
      local known = till(value)
      last = math.max(last, known < math.huge and known or now + DAY)
    end
  elseif now + left >= last then
    return
  end
  redis.call('PEXPIREAT', KEYS[3], text(last))
end

-- Replaces the login guard, the field '#' of `gone`.
local function renew(guard, now)
  redis.call('HSET', KEYS[3], '#', guard .. ':' .. text(now + DAY))
  remember(now + DAY, now)
end

-- Replaces the password epoch, the field '@' of `gone`. It is kept for as long as `PASSWORD_EPOCH_LIFE` says.
local function renew_password_epoch(epoch, now)
  local known = now + 181 * DAY
  redis.call('HSET', KEYS[3], '@', epoch .. ':' .. text(known))
  remember(known, now)
end

-- Remembers why sessions ended: `ended` is a list of {sid, absolute deadline}. Guard, counter and password
-- epoch are no tombstones.
local function bury(ended, reason, now)
  local key, last, fresh = KEYS[3], 0, {}
  for _, session in ipairs(ended) do
    local known = math.min(session[2], now + DAY)
    redis.call('HSET', key, session[1], reason .. ':' .. text(known))
    fresh[session[1]] = true
    last = math.max(last, known)
  end
  local others = 0
  for field in pairs(OTHERS) do others = others + redis.call('HEXISTS', key, field) end
  local excess = redis.call('HLEN', key) - others - TOMBSTONES
  if excess > 0 then
    local all, order = redis.call('HGETALL', key), {}
    for i = 1, #all, 2 do
      if not OTHERS[all[i]] then
        local known = tonumber(string.match(all[i + 1], ':(%d+)$') or 0)
        order[#order + 1] = { sid = all[i], till = known, fresh = fresh[all[i]] or false }
      end
    end
    local oldest = foremost(order, excess, function(a, b)
      if a.fresh ~= b.fresh then return b.fresh end
      return a.till < b.till
    end)
    for _, stone in ipairs(oldest) do redis.call('HDEL', key, stone.sid) end
  end
  remember(last, now)
end
