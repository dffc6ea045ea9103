-- Write one member's standing to the leaderboard at a prefix. Part of every script that changes a leaderboard.
-- A leaderboard is the sorted sets `saved`, `share` and `month:<month>` (named by moment and member, best first), the
-- hash `members` (the current record of each member), the hash `sum` (the number of members, their total, and the size
-- of each other part), and for changes of rank in a week the sorted sets `now:<week>` and `then:<week>`, which hold only
-- the members whose amount has changed in that week.
local WEEK_LIVES, MONTH_LIVES = '1296000', '3456000'

-- Scripts take a member as 10 values: id, version, '1' for a current member, amount, name in the sets ('' for no rank),
-- share of the target ('' for none), month, amount saved in it, week, amount at its start.
-- The stored record is version|current|amount|name|month|week.
local RECORD = '^(%d+)|([01])|(%-?%d+)|(%x*)|([%d%-]*)|([%d%-]*)$'

local function add_to_sum(prefix, part, change)
  if change ~= 0 then redis.call('HINCRBY', prefix .. ':sum', part, change) end
end

local function add(prefix, set, score, name, seconds)
  local key = prefix .. ':' .. set
  add_to_sum(prefix, set, redis.call('ZADD', key, score, name))
  if seconds and redis.call('TTL', key) == -1 then redis.call('EXPIRE', key, seconds) end
end

local function remove(prefix, set, name)
  add_to_sum(prefix, set, -redis.call('ZREM', prefix .. ':' .. set, name))
end

local function remove_member(prefix, known)
  local _, current, saved, name, month, week = string.match(known, RECORD)
  if current == '1' then
    redis.call('HINCRBY', prefix .. ':sum', 'members', '-1')
    -- Subtracted from 0, because Lua writes the negation of 0 as -0, which Redis does not accept as a number.
    redis.call('HINCRBY', prefix .. ':sum', 'total', string.format('%.0f', 0 - tonumber(saved)))
  end
  if name == '' then return end
  remove(prefix, 'saved', name)
  remove(prefix, 'share', name)
  remove(prefix, 'month:' .. month, name)
  remove(prefix, 'then:' .. week, string.sub(name, 17))
  remove(prefix, 'now:' .. week, string.sub(name, 17))
end

local function add_to_sets(prefix, saved, name, share, month, in_month, week, week_start)
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

-- Returns 1 for written, 0 if the leaderboard has this version or a newer one.
local function apply(prefix, values, at)
  local id, version, current, saved, name = values[at], values[at + 1], values[at + 2], values[at + 3], values[at + 4]
  local known = redis.call('HGET', prefix .. ':members', id)
  if known then
    local known_version = string.match(known, RECORD)
    if not known_version then
      -- The record is damaged, so the member's entries in the sets are unknown: mark the leaderboard as incomplete.
      redis.call('HDEL', prefix .. ':sum', 'built')
      return 0
    end
    if tonumber(known_version) >= tonumber(version) then return 0 end
    remove_member(prefix, known)
  end
  if current == '1' then
    redis.call('HINCRBY', prefix .. ':sum', 'members', '1')
    redis.call('HINCRBY', prefix .. ':sum', 'total', saved)
  end
  if name ~= '' then add_to_sets(prefix, saved, name, unpack(values, at + 5, at + 9)) end
  local record = {version, current, saved, name, values[at + 6], values[at + 8]}
  add_to_sum(prefix, 'known', redis.call('HSET', prefix .. ':members', id, table.concat(record, '|')))
  return 1
end
