-- Compare a batch of members with the leaderboard. KEYS: board. ARGV: '1' to correct it, then for each member the 10
-- values of apply.lua and the version that the leaderboard had in an earlier comparison ('' in the first).
-- Returns the ids of members that are wrong, each with the version in the leaderboard ('' for none): an older version,
-- the same version with another amount or position, or a newer version.
-- A newer version may come from a commit after the values were read. It is wrong if the earlier comparison saw the same
-- one: standings are written after their commit, so the values would include it. This happens when the database was
-- restored from a backup and has lost what the leaderboard still has.
local prefix = whole_board(KEYS[1], {})
local wrong = {}
if not prefix then return wrong end
for at = 2, #ARGV, 11 do
  local id, version, saved, name, seen_version = ARGV[at], ARGV[at + 1], ARGV[at + 3], ARGV[at + 4], ARGV[at + 10]
  local known = redis.call('HGET', prefix .. ':members', id)
  local known_version = known and string.match(known, RECORD)
  local record = table.concat({version, ARGV[at + 2], saved, name, ARGV[at + 6], ARGV[at + 8]}, '|')
  local score = name ~= '' and redis.call('ZSCORE', prefix .. ':saved', name)
  local is_in_order = name == '' or (score and tonumber(score) == tonumber(saved))
  local is_newer_commit = ARGV[1] == '1' and known_version
    and tonumber(known_version) > tonumber(version) and known_version ~= seen_version
  if not is_newer_commit and (known ~= record or not is_in_order) then
    wrong[#wrong + 1] = id
    wrong[#wrong + 1] = known_version or ''
    if ARGV[1] == '1' then
      if known_version then
        remove_member(prefix, known)
        add_to_sum(prefix, 'known', -redis.call('HDEL', prefix .. ':members', id))
      end
      apply(prefix, ARGV, at)
      redis.call('HINCRBY', KEYS[1], 'version', '1')
    end
  end
end
return wrong
