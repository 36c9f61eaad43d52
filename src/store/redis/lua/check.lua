-- KEYS: one key that belongs to no user; it is deleted at the end. Returns the name and the error
-- of each command that failed. Tries all commands that the other scripts call, because a refusal by
-- an ACL inside a script is visible nowhere else.
local failed = {}
local function try(name, ...)
  local answer = redis.pcall(name, ...)
  if type(answer) == 'table' and answer.err then
    failed[#failed + 1] = name
    failed[#failed + 1] = answer.err
  end
end
try('TIME')
try('DEL', KEYS[1])
try('SET', KEYS[1], '')
try('DEL', KEYS[1])
try('HSET', KEYS[1], 'f', 'v')
try('PEXPIREAT', KEYS[1], '4102444800000')
try('PTTL', KEYS[1])
try('HGET', KEYS[1], 'f')
try('HMGET', KEYS[1], 'f')
try('HGETALL', KEYS[1])
try('HKEYS', KEYS[1])
try('HVALS', KEYS[1])
try('HLEN', KEYS[1])
try('HEXISTS', KEYS[1], 'f')
try('HDEL', KEYS[1], 'f')
try('DEL', KEYS[1])
return failed
