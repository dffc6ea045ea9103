-- Take the building of a board, unless it is there or somebody else is at it: the lock and the double check in one.
-- KEYS: board, its building. ARGV: token, seconds, '1' to build although it is there, month, week. Answers 1 or 0.
local sets = ARGV[5] and {'month:' .. ARGV[4], 'then:' .. ARGV[5], 'now:' .. ARGV[5]} or {}
if whole_board(KEYS[1], sets) and ARGV[3] ~= '1' then return 0 end
if leased(KEYS[2]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
local sum = KEYS[1] .. ':' .. ARGV[1] .. ':sum'
redis.call('HSET', sum, 'built', '1', 'members', '0', 'total', '0', 'known', '0')
redis.call('EXPIRE', sum, ARGV[2])
return 1
