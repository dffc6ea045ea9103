-- Check that a leaderboard is complete. Part of every script. Redis may lose any key (evicted, expired, deleted by hand),
-- and a lost sorted set looks like an empty one. So the hash `sum` stores the size of each part. A leaderboard with a part
-- of another size or type, or with unreadable metadata, counts as missing.
local function try_call(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then return nil end
  return answer
end

local function is_count(text) return text and #text < 19 and string.match(text, '^%d+$') ~= nil end

-- Whether each part of the leaderboard at a prefix has its stored size; `sets` are those of a month and a week.
local function is_whole(prefix, sets)
  local names = {'saved', 'share'}
  for _, set in ipairs(sets) do names[#names + 1] = set end
  local stored = try_call('HMGET', prefix .. ':sum', 'built', 'members', 'total', 'known', unpack(names))
  if not stored or stored[1] ~= '1' or not is_count(stored[2]) then return false end
  if not (stored[3] and #stored[3] < 19 and string.match(stored[3], '^%-?%d+$')) then return false end
  if not is_count(stored[4]) or try_call('HLEN', prefix .. ':members') ~= tonumber(stored[4]) then return false end
  for at, set in ipairs(names) do
    local count = stored[at + 4] or '0'
    if not is_count(count) or try_call('ZCARD', prefix .. ':' .. set) ~= tonumber(count) then return false end
  end
  return true
end

-- Delete an incomplete leaderboard, with its version, so that no cached page counts as current. The parts are found by
-- the token, and by the second copy of the token in case the first one is lost or wrong.
local function delete_board(board, token, sets)
  for _, known_token in ipairs({token or '', try_call('GET', board .. ':live') or ''}) do
    local prefix = board .. ':' .. known_token .. ':'
    -- Every part in `sum`, including earlier months and weeks. Parts that are no longer listed anywhere expire.
    for _, part in ipairs(try_call('HKEYS', prefix .. 'sum') or {}) do redis.call('UNLINK', prefix .. part) end
    for _, part in ipairs({'saved', 'share', 'members', 'sum'}) do redis.call('UNLINK', prefix .. part) end
    for _, part in ipairs(sets) do redis.call('UNLINK', prefix .. part) end
  end
  redis.call('UNLINK', board, board .. ':live')
end

-- Returns the prefix of the leaderboard's parts, or false without one. Deletes an incomplete leaderboard.
local function whole_board(board, sets)
  local meta = try_call('HMGET', board, 'token', 'version', 'at', 'reference')
  if meta and not meta[1] and redis.call('EXISTS', board, board .. ':live') == 0 then return false end
  local token = meta and meta[1]
  local is_readable = token and is_count(meta[2]) and meta[4]
    and meta[3] and string.match(meta[3], '^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d')
  if is_readable and is_whole(board .. ':' .. token, sets) then return board .. ':' .. token end
  delete_board(board, token, sets)
  return false
end

-- Returns the value of a lease key, or false. Deletes a key of another type or without an expiry: it is not ours.
local function lease_holder(key)
  if redis.call('EXISTS', key) == 0 then return false end
  local token = try_call('GET', key)
  if token and redis.call('TTL', key) >= 0 then return token end
  redis.call('UNLINK', key)
  return false
end
