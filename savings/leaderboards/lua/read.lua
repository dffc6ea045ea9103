-- All that a page of a board shows, in one round trip. Ranks count higher scores, never positions.
-- KEYS: board, its building, whether somebody asked for one. ARGV: order (the set's name), member id ('' for none),
-- first position, length, neighbours, week, month. Answers {1} to the first who finds no board, {0} to everybody else.
local sets = {'month:' .. ARGV[7], 'then:' .. ARGV[6], 'now:' .. ARGV[6]}
local prefix = whole_board(KEYS[1], sets)
local known = prefix and ARGV[2] ~= '' and redis.call('HGET', prefix .. ':members', ARGV[2])
local name = known and string.match(known, '^%d+|%d|%-?%d+|(%x*)|')
if known and not name then
  drop(KEYS[1], redis.call('HGET', KEYS[1], 'token'), sets)
  prefix = false
end
if not prefix then
  if leased(KEYS[2]) or leased(KEYS[3]) then return {0} end
  redis.call('SET', KEYS[3], '1', 'EX', '5')
  return {1}
end
local set = prefix .. ':' .. ARGV[1]
local now, before = prefix .. ':now:' .. ARGV[6], prefix .. ':then:' .. ARGV[6]

local function above(key, score) return redis.call('ZCOUNT', key, '(' .. score, '+inf') end

local has_moved = ARGV[1] == 'saved' and redis.call('EXISTS', now) == 1

-- The place at the start of the week: among the sums of now, less those that changed since, and those as they were.
local function rank_before(name, score, rank)
  if ARGV[1] ~= 'saved' then return '' end
  if not has_moved then return rank end
  local id = string.sub(name, 17)
  local was = redis.call('ZSCORE', before, id)
  if was then return 1 + above(set, was) - above(now, was) + above(before, was) end
  if redis.call('ZSCORE', now, id) then return '' end
  return rank - above(now, score) + above(before, score)
end

local function rows(first, last)
  -- No lines asked for: to ZRANGE a last position of -1 would mean all of them.
  if last < first then return {} end
  local found, pairs_, seen, rank = {}, redis.call('ZRANGE', set, first, last, 'REV', 'WITHSCORES'), nil, nil
  for i = 1, #pairs_, 2 do
    local name, score = pairs_[i], pairs_[i + 1]
    if score ~= seen then seen, rank = score, 1 + above(set, score) end
    local saved = ARGV[1] == 'saved' and score or redis.call('ZSCORE', prefix .. ':saved', name)
    found[#found + 1] = {name, score, rank, saved, rank_before(name, score, rank)}
  end
  return found
end

local first = tonumber(ARGV[3])
local answer = {
  redis.call('HMGET', KEYS[1], 'version', 'at', 'reference'),
  redis.call('HMGET', prefix .. ':sum', 'members', 'total'),
  redis.call('ZCARD', set), rows(first, first + tonumber(ARGV[4]) - 1), {}, {},
}
local at = name and name ~= '' and redis.call('ZREVRANK', set, name)
if at then
  answer[5] = rows(math.max(0, at - ARGV[5]), at + ARGV[5])
  local higher = '(' .. redis.call('ZSCORE', set, name)
  answer[6] = redis.call('ZRANGE', set, higher, '+inf', 'BYSCORE', 'LIMIT', '0', '1', 'WITHSCORES')
end
return answer
