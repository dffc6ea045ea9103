-- Add a batch of members to a leaderboard that is being rebuilt. KEYS: board, lease. ARGV: token, lease in seconds, month,
-- week, then 10 values for each member (see apply.lua). All keys expire if the rebuild stops. Returns 1, or 0 if the
-- lease has expired.
if lease_holder(KEYS[2]) ~= ARGV[1] then return 0 end
local prefix = KEYS[1] .. ':' .. ARGV[1]
for at = 5, #ARGV, 10 do apply(prefix, ARGV, at) end
local parts = {':saved', ':share', ':members', ':sum', ':month:' .. ARGV[3], ':then:' .. ARGV[4], ':now:' .. ARGV[4]}
for _, part in ipairs(parts) do redis.call('EXPIRE', prefix .. part, ARGV[2]) end
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
