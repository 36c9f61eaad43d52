-- Returns sid, record and uses of each session in one flat list. It contains the live sessions, and
-- sessions that cannot be read. Prunes sessions that are over. Ignores a failure of the pruning, so
-- that a server that accepts no writes still lists. With ARGV[1] = 'heads', a payload ends with the
-- line feed before the application's data.
local function head(record)
  local header_end = string.find(record, '\n', 1, true)
  local head_end = header_end and string.find(record, '\n', header_end + 1, true)
  if head_end and string.sub(record, head_end + 1, head_end + 7) == '"data":' then
    return string.sub(record, 1, head_end)
  end
  return record
end
local heads = ARGV[1] == 'heads'
local now = clock()
local answer, uses_of, live, seen = {}, {}, {}, {}
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do uses_of[all[i]] = all[i + 1] end
all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local sid, use = all[i], uses_of[all[i]]
  local _, _, _, absolute = header(all[i + 1])
  local deadline = use and uses(use)
  if use and (deadline or math.huge) > now and (absolute or math.huge) > now then
    answer[#answer + 1], answer[#answer + 2], answer[#answer + 3] = sid, heads and head(all[i + 1]) or all[i + 1], use
    uses_of[sid] = nil
  else
    live[#live + 1] = sid
  end
end
for sid in pairs(uses_of) do seen[#seen + 1] = sid end
drop(redis.pcall, KEYS[1], live)
drop(redis.pcall, KEYS[2], seen)
return answer
