-- KEYS: the hash of the issuers that use this prefix, each with the time of its last mark. ARGV:
-- the life of a mark, then the issuers of this process. Writes their marks, and returns the number
-- of other issuers with a mark within its life. A server that accepts no writes still answers.
local now, life = clock(), tonumber(ARGV[1])
local own = {}
for i = 2, #ARGV do own[redis.sha1hex(ARGV[i])] = true end
local others, old = 0, {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if not own[all[i]] then
    if (tonumber(all[i + 1]) or 0) + life > now then
      others = others + 1
    else
      old[#old + 1] = all[i]
    end
  end
end
for issuer in pairs(own) do redis.pcall('HSET', KEYS[1], issuer, text(now)) end
drop(redis.pcall, KEYS[1], old)
redis.pcall('PEXPIREAT', KEYS[1], text(now + life))
return others
