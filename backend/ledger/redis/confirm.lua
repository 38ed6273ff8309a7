-- confirm: sell what an order holds. After giveback.lua.
--
-- KEYS[1]  {deal}       hash: the deal, see put.lua
-- KEYS[2]  {deal}:due   sorted set: order -> what to do next with it
-- ARGV[1]  order
-- ARGV[2]  life of its key, in milliseconds
--
-- Returns 1 when it is sold, now or already; nil when it holds nothing, its
-- time is over, or its units are known to be sold to others: then they are back.

local state, units, expires, rest = read(ARGV[1])
if state == 'sold' then return 1 end
if state ~= 'live' then return false end
local d = redis.call('HMGET', KEYS[1], 'total', 'sold')
if clock() >= expires or d[2] + units > tonumber(d[1]) then
  give_back(ARGV[1], units, rest, ARGV[2])
  return false
end
redis.call('HINCRBY', KEYS[1], 'sold', units)
close(ARGV[1], 'sold', rest, ARGV[2])
return 1
