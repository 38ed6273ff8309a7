-- confirm: sell what an order holds.
--
-- KEYS[1]  {deal}          hash: available reserved sold ...
-- KEYS[2]  {deal}:holds    hash: order -> "units buyer"
-- KEYS[3]  {deal}:due      sorted set: order -> end of its hold, while it is reserved
-- KEYS[4]  {deal}:buyers   hash: buyer -> units, if there is a limit
-- ARGV[1]  order
--
-- Returns 1 when it is sold, now or already; nil when it holds nothing, or its
-- time is over: then the units are back.

local hold = redis.call('HGET', KEYS[2], ARGV[1])
if not hold then return false end
local expires = redis.call('ZSCORE', KEYS[3], ARGV[1])
if not expires then return 1 end
local units, buyer = string.match(hold, '^(%d+) (.*)$')
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('HINCRBY', KEYS[1], 'reserved', -units)

local t = redis.call('TIME')
if t[1] * 1000 + math.floor(t[2] / 1000) < tonumber(expires) then
  redis.call('HINCRBY', KEYS[1], 'sold', units)
  return 1
end
redis.call('HINCRBY', KEYS[1], 'available', units)
redis.call('HDEL', KEYS[2], ARGV[1])
if redis.call('HEXISTS', KEYS[4], buyer) == 1 and redis.call('HINCRBY', KEYS[4], buyer, -units) <= 0 then
  redis.call('HDEL', KEYS[4], buyer)
end
return false
