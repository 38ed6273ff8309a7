-- release: give back what an order holds, unless it is sold.
--
-- KEYS[1]  {deal}          hash: available reserved sold ...
-- KEYS[2]  {deal}:holds    hash: order -> "units buyer"
-- KEYS[3]  {deal}:due      sorted set: order -> end of its hold, while it is reserved
-- KEYS[4]  {deal}:buyers   hash: buyer -> units, if there is a limit
-- ARGV[1]  order
--
-- Returns 1 when it is sold, 0 when it holds nothing, now or already.

local hold = redis.call('HGET', KEYS[2], ARGV[1])
if not hold then return 0 end
if redis.call('ZREM', KEYS[3], ARGV[1]) == 0 then return 1 end
local units, buyer = string.match(hold, '^(%d+) (.*)$')
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('HINCRBY', KEYS[1], 'available', units)
redis.call('HINCRBY', KEYS[1], 'reserved', -units)
if redis.call('HEXISTS', KEYS[4], buyer) == 1 and redis.call('HINCRBY', KEYS[4], buyer, -units) <= 0 then
  redis.call('HDEL', KEYS[4], buyer)
end
return 0
