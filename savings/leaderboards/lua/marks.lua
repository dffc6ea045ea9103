-- The board at some of its positions, to keep as a day's: KEYS: board. ARGV: month, week, positions from 0 on, in order.
-- Answers how many have a place and, for each position that somebody has and for the last, score and rank; nothing
-- without a board.
local prefix = whole_board(KEYS[1], {'month:' .. ARGV[1], 'then:' .. ARGV[2], 'now:' .. ARGV[2]})
if not prefix then return {} end
local set, found = prefix .. ':saved', {}
local size = redis.call('ZCARD', set)

local function mark(at)
  local score = redis.call('ZRANGE', set, at, at, 'REV', 'WITHSCORES')[2]
  found[#found + 1] = {score, 1 + redis.call('ZCOUNT', set, '(' .. score, '+inf')}
end

for at = 3, #ARGV do
  if tonumber(ARGV[at]) >= size - 1 then break end
  mark(tonumber(ARGV[at]))
end
if size > 0 then mark(size - 1) end
return {size, found}
