-- What a board says of itself, to be held against SQL. KEYS: board. ARGV: month, week. Answers its version, how many
-- members it knows, how many of them are in the circle, and what those saved; nothing without a whole board.
local prefix = whole_board(KEYS[1], {'month:' .. ARGV[1], 'then:' .. ARGV[2], 'now:' .. ARGV[2]})
if not prefix then return {} end
local sum = redis.call('HMGET', prefix .. ':sum', 'known', 'members', 'total')
return {redis.call('HGET', KEYS[1], 'version'), unpack(sum)}
