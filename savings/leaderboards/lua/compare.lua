-- Compare a batch of members with what the board says of them. KEYS: board. ARGV: '1' to heal it, then for each a word and
-- the version that the board had of them at an earlier look ('' at the first). Answers, of those it has wrong, the ids and
-- the versions that it has ('' for none): an older version, the same one with another sum or place, or a newer one.
-- A newer one may be a commit since the word was read. It is wrong where the board had it before that: what is written
-- here was committed first, so the word would know of it. Such a board remembers what a restored database has lost.
local prefix = whole_board(KEYS[1], {})
local wrong = {}
if not prefix then return wrong end
for at = 2, #ARGV, 11 do
  local id, version, saved, name, seen = ARGV[at], ARGV[at + 1], ARGV[at + 3], ARGV[at + 4], ARGV[at + 10]
  local known = redis.call('HGET', prefix .. ':members', id)
  local has = known and string.match(known, WORD)
  local word = table.concat({version, ARGV[at + 2], saved, name, ARGV[at + 6], ARGV[at + 8]}, '|')
  local score = name ~= '' and redis.call('ZSCORE', prefix .. ':saved', name)
  local is_placed = name == '' or (score and tonumber(score) == tonumber(saved))
  local is_since = ARGV[1] == '1' and has and tonumber(has) > tonumber(version) and has ~= seen
  if not is_since and (known ~= word or not is_placed) then
    wrong[#wrong + 1] = id
    wrong[#wrong + 1] = has or ''
    if ARGV[1] == '1' then
      if has then
        forget(prefix, known)
        count(prefix, 'known', -redis.call('HDEL', prefix .. ':members', id))
      end
      apply(prefix, ARGV, at)
      redis.call('HINCRBY', KEYS[1], 'version', '1')
    end
  end
end
return wrong
