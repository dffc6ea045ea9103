-- The board at some of its positions, to keep as a day's: KEYS: board. ARGV: positions from 0 on, in order.
-- Answers how many have a place and, for each position that somebody has and for the last, score and rank; nothing
-- without a board.
local token = redis.call('HGET', KEYS[1], 'token')
local prefix = token and KEYS[1] .. ':' .. token
if not token or redis.call('EXISTS', prefix .. ':sum') == 0 then return {} end
local set, found = prefix .. ':saved', {}
local size = redis.call('ZCARD', set)

local function mark(at)
  local score = redis.call('ZRANGE', set, at, at, 'REV', 'WITHSCORES')[2]
  found[#found + 1] = {score, 1 + redis.call('ZCOUNT', set, '(' .. score, '+inf')}
end

for _, at in ipairs(ARGV) do
  if tonumber(at) >= size - 1 then break end
  mark(tonumber(at))
end
if size > 0 then mark(size - 1) end
return {size, found}
