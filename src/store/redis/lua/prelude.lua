-- Shared by all scripts. KEYS: live, seen, gone (see keys.rs). Times are milliseconds since 1970 on
-- this server's clock. They are exact in a double, and '%.0f' writes them without an exponent.
local DAY = 86400000
local TOMBSTONES = 64
-- The fields of `gone` that are not tombstones: login fence, creation counter, password epoch.
local OTHERS = { ['#'] = true, ['+'] = true, ['@'] = true }
-- Up to this number of sessions, a login examines each session and prunes sessions that are over.
local FEW = 128

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function text(number)
  return string.format('%.0f', number)
end

-- Returns revision, created, idle TTL, absolute deadline and, if there are refresh tokens, their
-- state: counter, time of the last rotation, salt. Returns nil if this version cannot read the
-- record.
local function header(record)
  local revision, created, idle, absolute, chain = string.match(record, '^1 (%d+) (%d+) (%d+) (%d+)\n')
  if not revision then
    revision, created, idle, absolute, chain =
      string.match(record, '^2 (%d+) (%d+) (%d+) (%d+) (%d+ %d+ [%w_-]+)\n')
  end
  return revision, created, tonumber(idle), tonumber(absolute), chain
end

-- Returns a record in the format that `header` reads.
local function record(revision, created, idle, absolute, chain, payload)
  local head = text(revision) .. ' ' .. created .. ' ' .. text(idle) .. ' ' .. text(absolute)
  if chain then return '2 ' .. head .. ' ' .. chain .. '\n' .. payload end
  return '1 ' .. head .. '\n' .. payload
end

-- Returns idle deadline, last activity and the greatest used rotation, if one was recorded. Returns
-- nil if the value cannot be read.
local function uses(seen)
  local deadline, last = string.match(seen, '^(%d+):(%d+)$')
  local rotation
  if not deadline then deadline, last, rotation = string.match(seen, '^(%d+):(%d+):(%d+)$') end
  if deadline then return tonumber(deadline), tonumber(last), tonumber(rotation) end
end

-- Returns when a field of `gone` expires. A value that cannot be read never expires, so that a
-- revoked session stays revoked.
local function till(value)
  return tonumber(string.match(value, ':(%d+)$')) or math.huge
end

-- Returns the first `n` elements in the order of `before`. Usually `n` is 1: then one pass replaces
-- the sort.
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

-- Removes fields with `call`, 500 at a time, because the Lua stack is limited.
local function drop(call, key, fields)
  for i = 1, #fields, 500 do
    call('HDEL', key, unpack(fields, i, math.min(i + 499, #fields)))
  end
end

-- Returns the last activity of each session (false if it cannot be read), the number of sessions
-- whose activity can be read, and the fields of `live` and of `seen` to prune. A session is over if
-- one of its two fields is missing.
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

-- Raises the TTL of `live` or `seen`, but only when it is low: an EXPIRE of a tracked key
-- invalidates the key in every process.
local function keep(key, target, idle, now)
  local left = redis.call('PTTL', key)
  if left == -1 then
    -- The key is new, or a client removed its TTL: the TTL must cover every session in it.
    for _, seen in ipairs(redis.call('HVALS', KEYS[2])) do
      target = math.max(target, uses(seen) or 0)
    end
    redis.call('PEXPIREAT', key, text(target))
  elseif left < idle and now + left < target then
    redis.call('PEXPIREAT', key, text(target))
  end
end

-- Raises the TTL of `gone`, so that each field is kept until it expires.
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

-- Replaces the login fence, field '#' of `gone`.
local function renew(guard, now)
  redis.call('HSET', KEYS[3], '#', guard .. ':' .. text(now + DAY))
  remember(now + DAY, now)
end

-- Replaces the password epoch, field '@' of `gone`. Its life is `PASSWORD_EPOCH_LIFE`.
local function renew_password_epoch(epoch, now)
  local known = now + 181 * DAY
  redis.call('HSET', KEYS[3], '@', epoch .. ':' .. text(known))
  remember(known, now)
end

-- Writes tombstones: `ended` is a list of {sid, absolute deadline}. Above the maximum, removes the
-- old tombstones that expire first, then new ones. The other fields of `gone` are not counted.
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
