-- release: give back what an order holds, unless it is sold. After giveback.lua.
--
-- KEYS[1]  {deal}       hash: the deal, see put.lua
-- KEYS[2]  {deal}:due   sorted set: order -> what to do next with it
-- ARGV[1]  order
-- ARGV[2]  life of its key, in milliseconds
--
-- Returns 1 when it is sold, 0 when it holds nothing, now or already.

local state, units, _, rest = read(ARGV[1])
if state == 'live' then give_back(ARGV[1], units, rest, ARGV[2]) end
return state == 'sold' and 1 or 0
