-- A batch of members for a board that is being built. KEYS: board, its building. ARGV: token, seconds, month, week,
-- then a word for each. Everything expires unless the builder goes on. Answers 1, or 0 to one who was too slow.
if leased(KEYS[2]) ~= ARGV[1] then return 0 end
local prefix = KEYS[1] .. ':' .. ARGV[1]
for at = 5, #ARGV, 10 do apply(prefix, ARGV, at) end
local parts = {':saved', ':share', ':members', ':sum', ':month:' .. ARGV[3], ':then:' .. ARGV[4], ':now:' .. ARGV[4]}
for _, part in ipairs(parts) do redis.call('EXPIRE', prefix .. part, ARGV[2]) end
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
