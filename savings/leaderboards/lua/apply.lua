-- What every script that changes a board goes on with: one member's standing, written into the board at a prefix.
-- A board is the sorted sets `saved`, `share` and `month:<month>` (named by moment and member, best first), the hash
-- `members` (the last word about each), the hash `sum` (how many members, what they saved, and how much each of the
-- other parts holds), and for the moves of a week `now:<week>` and `then:<week>`, which hold only the members whose sum
-- has changed in it.
local WEEK_LIVES, MONTH_LIVES = '1296000', '3456000'

-- A word about a member is 10 values: id, version, '1' for a current member, sum, name in the sets ('' for no place),
-- share of the target ('' for none), month, saved in it, week, sum at its start.
local WORD = '^(%d+)|([01])|(%-?%d+)|(%x*)|([%d%-]*)|([%d%-]*)$'

local function count(prefix, part, change)
  if change ~= 0 then redis.call('HINCRBY', prefix .. ':sum', part, change) end
end

local function add(prefix, set, score, name, seconds)
  local key = prefix .. ':' .. set
  count(prefix, set, redis.call('ZADD', key, score, name))
  if seconds and redis.call('TTL', key) == -1 then redis.call('EXPIRE', key, seconds) end
end

local function remove(prefix, set, name)
  count(prefix, set, -redis.call('ZREM', prefix .. ':' .. set, name))
end

local function forget(prefix, known)
  local _, current, saved, name, month, week = string.match(known, WORD)
  if current == '1' then
    redis.call('HINCRBY', prefix .. ':sum', 'members', '-1')
    -- From nought, since the minus of nought is written -0, which is no number to Redis.
    redis.call('HINCRBY', prefix .. ':sum', 'total', string.format('%.0f', 0 - tonumber(saved)))
  end
  if name == '' then return end
  remove(prefix, 'saved', name)
  remove(prefix, 'share', name)
  remove(prefix, 'month:' .. month, name)
  remove(prefix, 'then:' .. week, string.sub(name, 17))
  remove(prefix, 'now:' .. week, string.sub(name, 17))
end

local function place(prefix, saved, name, share, month, in_month, week, week_start)
  add(prefix, 'saved', saved, name)
  if share ~= '' then add(prefix, 'share', share, name) end
  if month ~= '' and tonumber(in_month) > 0 then
    add(prefix, 'month:' .. month, in_month, name, MONTH_LIVES)
  end
  if week ~= '' then
    add(prefix, 'now:' .. week, saved, string.sub(name, 17), WEEK_LIVES)
    if tonumber(week_start) > 0 then
      add(prefix, 'then:' .. week, week_start, string.sub(name, 17), WEEK_LIVES)
    end
  end
end

-- Answers 1 for written, 0 where the board knows this word or a newer one.
local function apply(prefix, words, at)
  local id, version, current, saved, name = words[at], words[at + 1], words[at + 2], words[at + 3], words[at + 4]
  local known = redis.call('HGET', prefix .. ':members', id)
  if known then
    local known_version = string.match(known, WORD)
    if not known_version then
      -- What it was in the sets is not known any more: the board is to be built anew.
      redis.call('HDEL', prefix .. ':sum', 'built')
      return 0
    end
    if tonumber(known_version) >= tonumber(version) then return 0 end
    forget(prefix, known)
  end
  if current == '1' then
    redis.call('HINCRBY', prefix .. ':sum', 'members', '1')
    redis.call('HINCRBY', prefix .. ':sum', 'total', saved)
  end
  if name ~= '' then place(prefix, saved, name, unpack(words, at + 5, at + 9)) end
  local word = {version, current, saved, name, words[at + 6], words[at + 8]}
  count(prefix, 'known', redis.call('HSET', prefix .. ':members', id, table.concat(word, '|')))
  return 1
end
