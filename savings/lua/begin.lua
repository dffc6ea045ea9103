-- Take the building of a board, unless it is there or somebody else is at it: the lock and the double check in one.
-- KEYS: board, its building. ARGV: token, seconds, '1' to build although it is there. Answers 1 or 0.
local live = redis.call('HGET', KEYS[1], 'token')
local is_whole = live and redis.call('EXISTS', KEYS[1] .. ':' .. live .. ':sum') == 1
if ARGV[3] ~= '1' and is_whole then return 0 end
if not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'EX', ARGV[2]) then return 0 end
local sum = KEYS[1] .. ':' .. ARGV[1] .. ':sum'
redis.call('HSET', sum, 'members', '0', 'total', '0')
redis.call('EXPIRE', sum, ARGV[2])
return 1
