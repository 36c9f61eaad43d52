-- ARGV: reason, the next login fence, the sid to keep ('': none). Returns the sids that were live.
-- Also removes unreadable records and values of a wrong type.
local now = clock()
local ended, sids, others, kept = {}, {}, {}, false
local fields = redis.pcall('HKEYS', KEYS[1])
if not fields.err then
  for _, sid in ipairs(fields) do
    local lives = false
    local seen = redis.pcall('HGET', KEYS[2], sid)
    if type(seen) == 'string' then
      local _, _, _, absolute = header(redis.call('HGET', KEYS[1], sid))
      local deadline = uses(seen)
      lives = absolute and deadline and deadline > now and absolute > now
      if lives and sid ~= ARGV[3] then
        ended[#ended + 1] = { sid, absolute }
        sids[#sids + 1] = sid
      end
    end
    if lives and sid == ARGV[3] then
      kept = true
    else
      others[#others + 1] = sid
    end
  end
end
-- Removal comes before any HSET, even if there is nothing to remove: Redis does not stop a script
-- for full memory once it has written, so logout works with full memory. '#' is never a sid. It is
-- in the list so that the list is never empty.
if kept then
  others[#others + 1] = '#'
  drop(redis.call, KEYS[1], others)
  drop(redis.call, KEYS[2], others)
else
  redis.call('DEL', KEYS[1], KEYS[2])
end
if type(redis.pcall('HLEN', KEYS[3])) == 'table' then redis.call('DEL', KEYS[3]) end
renew(ARGV[2], now)
if ARGV[1] == 'password_change' then renew_password_epoch(ARGV[2], now) end
if #ended > 0 then bury(ended, ARGV[1], now) end
return sids
