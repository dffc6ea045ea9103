-- Compare a batch of members with what the board says of them. KEYS: board. ARGV: '1' to heal it, then a word for each.
-- Answers the ids of those it has wrong: an older version, or the same one with another sum or place.
local live = redis.call('HGET', KEYS[1], 'token')
local wrong = {}
if not live then return wrong end
local prefix = KEYS[1] .. ':' .. live
for at = 2, #ARGV, 10 do
  local id, version, saved, name = ARGV[at], ARGV[at + 1], ARGV[at + 3], ARGV[at + 4]
  local known = redis.call('HGET', prefix .. ':members', id)
  local word = table.concat({version, ARGV[at + 2], saved, name, ARGV[at + 6], ARGV[at + 8]}, '|')
  local is_newer = known and tonumber(string.match(known, '^%d+')) > tonumber(version)
  local score = name ~= '' and redis.call('ZSCORE', prefix .. ':saved', name)
  local is_placed = name == '' or (score and tonumber(score) == tonumber(saved))
  if not is_newer and (known ~= word or not is_placed) then
    wrong[#wrong + 1] = id
    if ARGV[1] == '1' then
      if known then forget(prefix, known) end
      redis.call('HDEL', prefix .. ':members', id)
      apply(prefix, ARGV, at)
      redis.call('HINCRBY', KEYS[1], 'version', '1')
    end
  end
end
return wrong
