-- sweep: give back what holds whose time is over still keep, forget keys whose
-- time is over, and say what is left. After giveback.lua.
--
-- KEYS[1]  {deal}       hash: the deal, see put.lua
-- KEYS[2]  {deal}:due   sorted set: order -> what to do next with it
-- ARGV[1]  most orders to do something with
-- ARGV[2]  life of a key, in milliseconds
--
-- Returns {total, available, sold, now}, or nil when there is no such deal.

-- forget ends the time of an order's key. What is sold stays known as sold.
local function forget(order, state, rest)
  local key = 'k:' .. string.match(rest, '(%S+)$')
  local seen = redis.call('HGET', KEYS[1], key)
  if seen and string.match(seen, '^%d+ %d+ (%S+)') == order then redis.call('HDEL', KEYS[1], key) end
  if state == 'gone' then redis.call('HDEL', KEYS[1], 'o:' .. order) end
  redis.call('ZREM', KEYS[2], order)
end

local now = clock()
for _, order in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local state, units, _, rest = read(order)
  if state == 'live' then
    give_back(order, units, rest, ARGV[2])
  else
    forget(order, state, rest)
  end
end

local d = redis.call('HMGET', KEYS[1], 'total', 'available', 'sold')
if not d[1] then return false end
return {tonumber(d[1]), tonumber(d[2]), tonumber(d[3]), now}
