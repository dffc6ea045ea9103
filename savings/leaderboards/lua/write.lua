-- Write one member's new standing. KEYS: board, lease. ARGV: moment, reference ('' to leave it unchanged), number of first
-- ranks, the 10 values of apply.lua. Also writes to a leaderboard that is being rebuilt, so that no commit during the
-- rebuild is lost. Returns 1 for written, 2 for written if the first ranks may have changed, 0 if this version or a newer
-- one was there, -1 without a leaderboard.
local building = lease_holder(KEYS[2])
if building and is_whole(KEYS[1] .. ':' .. building, {}) then apply(KEYS[1] .. ':' .. building, ARGV, 4) end
local prefix = whole_board(KEYS[1], {})
if not prefix then return -1 end

-- A member outside the first ranks before and after the change cannot have moved another member into or out of them.
local function is_among_first()
  local known = redis.call('HGET', prefix .. ':members', ARGV[4])
  local name = known and string.match(known, '^%d+|%d|%-?%d+|(%x*)|')
  local score = name and name ~= '' and redis.call('ZSCORE', prefix .. ':saved', name)
  return score and redis.call('ZCOUNT', prefix .. ':saved', '(' .. score, '+inf') < tonumber(ARGV[3])
end

local was_among_first = is_among_first()
if apply(prefix, ARGV, 4) == 0 then return 0 end
redis.call('HINCRBY', KEYS[1], 'version', '1')
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'at', ARGV[1], 'reference', ARGV[2]) end
return (was_among_first or is_among_first()) and 2 or 1
