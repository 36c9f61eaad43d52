-- KEYS: a probe key. ARGV: a value, and for how many milliseconds it stays. The removal comes first: a script that has
-- written is not stopped by a full memory, so that connections can be compared then too.
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
