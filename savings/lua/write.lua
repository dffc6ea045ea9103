-- One member's new standing. KEYS: board, its building. ARGV: moment, reference ('' to keep it), the word.
-- A board that is being built hears it too, so that nothing is lost between its first row and its last.
-- Answers 1 for written, 0 for known already, -1 where there is no board.
local live, building = redis.call('HGET', KEYS[1], 'token'), redis.call('GET', KEYS[2])
if building then apply(KEYS[1] .. ':' .. building, ARGV, 3) end
if not live then return -1 end
if apply(KEYS[1] .. ':' .. live, ARGV, 3) == 0 then return 0 end
redis.call('HINCRBY', KEYS[1], 'version', '1')
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'at', ARGV[1], 'reference', ARGV[2]) end
return 1
