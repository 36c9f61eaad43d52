-- KEYS: a probe key. ARGV: a value, and its time to live in milliseconds. DEL comes first: Redis
-- does not stop a script for full memory once it has written, so connections can be compared with
-- full memory.
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
