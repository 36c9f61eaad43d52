-- Shared by all scripts. KEYS: live, seen, gone (see keys.rs). Milliseconds since 1970 on this server's clock; they are
-- exact in a double, and '%.0f' writes them without an exponent.
local DAY = 86400000
local TOMBSTONES = 64

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function text(number)
  return string.format('%.0f', number)
end

-- revision, created, idle TTL, absolute deadline; nil when this version cannot read the record.
local function header(record)
  local revision, created, idle, absolute = string.match(record, '^1 (%d+) (%d+) (%d+) (%d+)\n')
  return revision, created, tonumber(idle), tonumber(absolute)
end

-- idle deadline, last activity; nil when unreadable.
local function uses(seen)
  local deadline, last = string.match(seen, '^(%d+):(%d+)$')
  if deadline then return tonumber(deadline), tonumber(last) end
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

-- Remembers why sessions ended: `ended` is a list of {sid, absolute deadline}. The field '#' is no tombstone.
local function bury(ended, reason, now)
  local key, last, fresh = KEYS[3], 0, {}
  for _, session in ipairs(ended) do
    local till = math.min(session[2], now + DAY)
    redis.call('HSET', key, session[1], reason .. ':' .. text(till))
    fresh[session[1]] = true
    last = math.max(last, till)
  end
  local guard = redis.call('HEXISTS', key, '#')
  local excess = redis.call('HLEN', key) - guard - TOMBSTONES
  if excess > 0 then
    local all, order = redis.call('HGETALL', key), {}
    for i = 1, #all, 2 do
      if all[i] ~= '#' then
        local till = tonumber(string.match(all[i + 1], ':(%d+)$') or 0)
        order[#order + 1] = { sid = all[i], till = till, fresh = fresh[all[i]] or false }
      end
    end
    table.sort(order, function(a, b)
      if a.fresh ~= b.fresh then return b.fresh end
      return a.till < b.till
    end)
    for i = 1, excess do redis.call('HDEL', key, order[i].sid) end
  end
  local left = redis.call('PTTL', key)
  if left == -1 and guard == 1 then last = math.max(last, now + DAY) end
  if left == -1 or (left >= 0 and now + left < last) then
    redis.call('PEXPIREAT', key, text(last))
  end
end
