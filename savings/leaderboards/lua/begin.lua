-- Take the lease to rebuild a leaderboard, unless it exists or another process has the lease.
-- KEYS: board, lease. ARGV: token, lease in seconds, '1' to rebuild an existing one, month, week. Returns 1 or 0.
local sets = ARGV[5] and {'month:' .. ARGV[4], 'then:' .. ARGV[5], 'now:' .. ARGV[5]} or {}
if whole_board(KEYS[1], sets) and ARGV[3] ~= '1' then return 0 end
if lease_holder(KEYS[2]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
local sum = KEYS[1] .. ':' .. ARGV[1] .. ':sum'
redis.call('HSET', sum, 'built', '1', 'members', '0', 'total', '0', 'known', '0')
redis.call('EXPIRE', sum, ARGV[2])
return 1
