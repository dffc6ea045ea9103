-- One member's new standing. KEYS: board, its building. ARGV: moment, reference ('' to keep it), how many places are
-- first ones, the word. A board that is being built hears it too, so that nothing is lost between its first row and
-- its last. Answers 1 for written, 2 for written where it may have changed who has the first places, 0 for known
-- already, -1 where there is no board.
local building = leased(KEYS[2])
if building and is_whole(KEYS[1] .. ':' .. building, {}) then apply(KEYS[1] .. ':' .. building, ARGV, 4) end
local prefix = whole_board(KEYS[1], {})
if not prefix then return -1 end

-- Who has none of the first places before and after has moved nobody in or out of them: all between stood lower too.
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
