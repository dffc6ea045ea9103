-- Read everything that a page of a leaderboard shows. A rank is 1 + the number of higher scores, not a position.
-- KEYS: board, lease, request for a rebuild. ARGV: order (the set's name), member id ('' for none), first position,
-- length, neighbours, week, month. Without a leaderboard: {1} to the first reader in five seconds, {0} to all others.
local sets = {'month:' .. ARGV[7], 'then:' .. ARGV[6], 'now:' .. ARGV[6]}
local prefix = whole_board(KEYS[1], sets)
local known = prefix and ARGV[2] ~= '' and redis.call('HGET', prefix .. ':members', ARGV[2])
local name = known and string.match(known, '^%d+|%d|%-?%d+|(%x*)|')
if known and not name then
  delete_board(KEYS[1], redis.call('HGET', KEYS[1], 'token'), sets)
  prefix = false
end
if not prefix then
  if lease_holder(KEYS[2]) or lease_holder(KEYS[3]) then return {0} end
  redis.call('SET', KEYS[3], '1', 'EX', '5')
  return {1}
end
local set = prefix .. ':' .. ARGV[1]
local now, before = prefix .. ':now:' .. ARGV[6], prefix .. ':then:' .. ARGV[6]

local function count_above(key, score) return redis.call('ZCOUNT', key, '(' .. score, '+inf') end

local has_moved = ARGV[1] == 'saved' and redis.call('EXISTS', now) == 1

-- The rank at the start of the week. It counts the higher scores of now, without the members whose amount has changed
-- in the week, and adds the higher scores among these members at the start of the week.
local function rank_before(name, score, rank)
  if ARGV[1] ~= 'saved' then return '' end
  if not has_moved then return rank end
  local id = string.sub(name, 17)
  local was = redis.call('ZSCORE', before, id)
  if was then return 1 + count_above(set, was) - count_above(now, was) + count_above(before, was) end
  if redis.call('ZSCORE', now, id) then return '' end
  return rank - count_above(now, score) + count_above(before, score)
end

local function rows(first, last)
  -- An empty range: ZRANGE would take a last position of -1 as the end of the set and return all members.
  if last < first then return {} end
  local lines, pairs_, seen, rank = {}, redis.call('ZRANGE', set, first, last, 'REV', 'WITHSCORES'), nil, nil
  for i = 1, #pairs_, 2 do
    local name, score = pairs_[i], pairs_[i + 1]
    if score ~= seen then seen, rank = score, 1 + count_above(set, score) end
    local saved = ARGV[1] == 'saved' and score or redis.call('ZSCORE', prefix .. ':saved', name)
    lines[#lines + 1] = {name, score, rank, saved, rank_before(name, score, rank)}
  end
  return lines
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
