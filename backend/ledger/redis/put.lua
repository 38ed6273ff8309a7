-- put: make the terms those of a deal.
--
-- KEYS[1]  {deal}    hash: total available reserved sold per_buyer opens closes
-- ARGV[1]  total
-- ARGV[2]  units sold, for a deal that is new
-- ARGV[3]  per_buyer; 0 = no limit
-- ARGV[4]  opens, Unix milliseconds; 0 = at once
-- ARGV[5]  closes, Unix milliseconds; 0 = never
--
-- Returns {total, available, reserved, sold, now}, or nil when total is below
-- what is sold and reserved: then nothing has changed.

local d = redis.call('HMGET', KEYS[1], 'available', 'reserved', 'sold')
local reserved, sold = tonumber(d[2]) or 0, tonumber(d[3]) or tonumber(ARGV[2])
local available = ARGV[1] - reserved - sold
if available < 0 then return false end
redis.call('HSET', KEYS[1], 'total', ARGV[1], 'available', available, 'reserved', reserved, 'sold', sold,
  'per_buyer', ARGV[3], 'opens', ARGV[4], 'closes', ARGV[5])
local t = redis.call('TIME')
return {tonumber(ARGV[1]), available, reserved, sold, t[1] * 1000 + math.floor(t[2] / 1000)}
