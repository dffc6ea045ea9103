-- Read a leaderboard's own counters, to compare them with SQL. KEYS: board. ARGV: month, week. Returns its version, the
-- number of known members, the number of current members, and their total; nothing without a complete leaderboard.
local prefix = whole_board(KEYS[1], {'month:' .. ARGV[1], 'then:' .. ARGV[2], 'now:' .. ARGV[2]})
if not prefix then return {} end
local sum = redis.call('HMGET', prefix .. ':sum', 'known', 'members', 'total')
return {redis.call('HGET', KEYS[1], 'version'), unpack(sum)}
