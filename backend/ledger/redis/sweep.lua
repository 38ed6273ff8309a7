-- sweep: give back what holds whose time is over still keep, and say what is left.
--
-- KEYS[1]  {deal}          hash: total available reserved sold ...
-- KEYS[2]  {deal}:holds    hash: order -> "units buyer"
-- KEYS[3]  {deal}:due      sorted set: order -> end of its hold, while it is reserved
-- KEYS[4]  {deal}:buyers   hash: buyer -> units, if there is a limit
-- ARGV[1]  most holds to give back
--
-- Returns {total, available, reserved, sold, now}, or nil when there is no such deal.

local d = redis.call('HMGET', KEYS[1], 'total', 'available', 'reserved', 'sold')
if not d[1] then return false end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

local back = 0
for _, order in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local units, buyer = string.match(redis.call('HGET', KEYS[2], order), '^(%d+) (.*)$')
  redis.call('ZREM', KEYS[3], order)
  redis.call('HDEL', KEYS[2], order)
  if redis.call('HEXISTS', KEYS[4], buyer) == 1 and redis.call('HINCRBY', KEYS[4], buyer, -units) <= 0 then
    redis.call('HDEL', KEYS[4], buyer)
  end
  back = back + units
end
local available, reserved = d[2] + back, d[3] - back
if back > 0 then redis.call('HSET', KEYS[1], 'available', available, 'reserved', reserved) end
return {tonumber(d[1]), available, reserved, tonumber(d[4]), now}
