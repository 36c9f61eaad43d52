-- ARGV: reason. Answers the sids that lived until now. Unreadable records and values of a wrong type go as well.
local now = clock()
local ended, sids = {}, {}
local fields = redis.pcall('HKEYS', KEYS[1])
if not fields.err then
  for _, sid in ipairs(fields) do
    local record = redis.call('HGET', KEYS[1], sid)
    local seen = redis.pcall('HGET', KEYS[2], sid)
    if type(seen) == 'string' then
      local _, _, _, absolute = header(record)
      local deadline = uses(seen)
      if absolute and deadline and deadline > now and absolute > now then
        ended[#ended + 1] = { sid, absolute }
        sids[#sids + 1] = sid
      end
    end
  end
end
redis.call('DEL', KEYS[1], KEYS[2])
if #ended > 0 then bury(ended, ARGV[1], now) end
return sids
