-- Something shown beside the board has changed: whoever has it open is to see it anew. KEYS: board.
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HINCRBY', KEYS[1], 'version', '1') end
return 1
