-- Replace the old leaderboard by the new one. KEYS: board, lease. ARGV: token, month, week, version, moment.
-- Returns 1, or 0 if the lease has expired or the new leaderboard has lost a part.
if lease_holder(KEYS[2]) ~= ARGV[1] then return 0 end
local sets = {'month:' .. ARGV[2], 'then:' .. ARGV[3], 'now:' .. ARGV[3]}
if not is_whole(KEYS[1] .. ':' .. ARGV[1], sets) then
  redis.call('UNLINK', KEYS[2])
  return 0
end
local function parts(token)
  local keys = {}
  for _, part in ipairs({'saved', 'share', 'members', 'sum', 'month:' .. ARGV[2], 'then:' .. ARGV[3], 'now:' .. ARGV[3]}) do
    keys[#keys + 1] = KEYS[1] .. ':' .. token .. ':' .. part
  end
  return keys
end
local old = whole_board(KEYS[1], sets) and redis.call('HGET', KEYS[1], 'token')
if old then redis.call('UNLINK', unpack(parts(old))) end
local built = parts(ARGV[1])
for number = 1, 4 do redis.call('PERSIST', built[number]) end
redis.call('EXPIRE', built[5], MONTH_LIVES)
redis.call('EXPIRE', built[6], WEEK_LIVES)
redis.call('EXPIRE', built[7], WEEK_LIVES)
-- The version is a moment in microseconds, so it is higher than the version of any lost leaderboard.
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if version < tonumber(ARGV[4]) then redis.call('HSET', KEYS[1], 'version', ARGV[4])
else redis.call('HINCRBY', KEYS[1], 'version', '1') end
redis.call('HSET', KEYS[1], 'token', ARGV[1])
redis.call('SET', KEYS[1] .. ':live', ARGV[1])
if not old then redis.call('HSET', KEYS[1], 'at', ARGV[5], 'reference', '') end
redis.call('DEL', KEYS[2])
return 1
