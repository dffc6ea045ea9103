-- Read the leaderboard at some positions, for its daily history. KEYS: board. ARGV: month, week, positions from 0 in
-- ascending order. Returns the number of ranked members and, for each position that is taken and for the last one, its
-- score and rank; nothing without a leaderboard.
local prefix = whole_board(KEYS[1], {'month:' .. ARGV[1], 'then:' .. ARGV[2], 'now:' .. ARGV[2]})
if not prefix then return {} end
local set, marks = prefix .. ':saved', {}
local size = redis.call('ZCARD', set)

local function mark(at)
  local score = redis.call('ZRANGE', set, at, at, 'REV', 'WITHSCORES')[2]
  marks[#marks + 1] = {score, 1 + redis.call('ZCOUNT', set, '(' .. score, '+inf')}
end

for at = 3, #ARGV do
  if tonumber(ARGV[at]) >= size - 1 then break end
  mark(tonumber(ARGV[at]))
end
if size > 0 then mark(size - 1) end
return {size, marks}
