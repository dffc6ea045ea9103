-- What every script begins with: whether a board is whole. Redis may lose any key by itself (evicted, expired, deleted by
-- hand), and a sorted set that is gone looks like an empty one. So the hash `sum` counts what each part holds, and a
-- board of which any part holds another number, is of another kind or is not readable counts as missing.
local function ask(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then return nil end
  return answer
end

local function is_count(text) return text and #text < 19 and string.match(text, '^%d+$') ~= nil end

-- Whether the parts of a board at a prefix hold what they are said to; `sets` are those of a month and a week.
local function is_whole(prefix, sets)
  local names = {'saved', 'share'}
  for _, set in ipairs(sets) do names[#names + 1] = set end
  local said = ask('HMGET', prefix .. ':sum', 'built', 'members', 'total', 'known', unpack(names))
  if not said or said[1] ~= '1' or not is_count(said[2]) then return false end
  if not (said[3] and #said[3] < 19 and string.match(said[3], '^%-?%d+$')) then return false end
  if not is_count(said[4]) or ask('HLEN', prefix .. ':members') ~= tonumber(said[4]) then return false end
  for at, set in ipairs(names) do
    local count = said[at + 4] or '0'
    if not is_count(count) or ask('ZCARD', prefix .. ':' .. set) ~= tonumber(count) then return false end
  end
  return true
end

-- Remove a board that is not whole. Its version goes with it, so that no page is taken for current by it any more. The
-- parts are found by the token, or by the second copy of that where the first is lost or is not the one any more.
local function drop(board, token, sets)
  for _, one in ipairs({token or '', ask('GET', board .. ':live') or ''}) do
    local prefix = board .. ':' .. one .. ':'
    -- Each counted part, those of earlier months and weeks too; what cannot be named any more ends by itself.
    for _, part in ipairs(ask('HKEYS', prefix .. 'sum') or {}) do redis.call('UNLINK', prefix .. part) end
    for _, part in ipairs({'saved', 'share', 'members', 'sum'}) do redis.call('UNLINK', prefix .. part) end
    for _, part in ipairs(sets) do redis.call('UNLINK', prefix .. part) end
  end
  redis.call('UNLINK', board, board .. ':live')
end

-- Answers the prefix of the board's parts, or false where there is no board; one that is not whole goes.
local function whole_board(board, sets)
  local meta = ask('HMGET', board, 'token', 'version', 'at', 'reference')
  if meta and not meta[1] and redis.call('EXISTS', board, board .. ':live') == 0 then return false end
  local token = meta and meta[1]
  local is_readable = token and is_count(meta[2]) and meta[4]
    and meta[3] and string.match(meta[3], '^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d')
  if is_readable and is_whole(board .. ':' .. token, sets) then return board .. ':' .. token end
  drop(board, token, sets)
  return false
end

-- Answers what a key with a lease holds. One that is of another kind, or has no end, nobody of ours has set: it goes.
local function leased(key)
  if redis.call('EXISTS', key) == 0 then return false end
  local found = ask('GET', key)
  if found and redis.call('TTL', key) >= 0 then return found end
  redis.call('UNLINK', key)
  return false
end
