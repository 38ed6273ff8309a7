-- put: make the terms those of a deal.
--
-- KEYS[1]  {deal}    hash: total available sold per_buyer opens closes, what
--                    is reserved being the rest; b:<buyer> -> units reserved
--                    and sold; o:<order>, see giveback.lua; k:<key> ->
--                    "created expires order print"
-- ARGV[1]  total
-- ARGV[2]  units sold, for a deal that is new
-- ARGV[3]  per_buyer; 0 = no limit
-- ARGV[4]  opens, Unix milliseconds; 0 = at once
-- ARGV[5]  closes, Unix milliseconds; 0 = never
--
-- Returns {total, available, sold, now}, or nil when total is below what is
-- sold and reserved: then nothing has changed.

local d = redis.call('HMGET', KEYS[1], 'total', 'available', 'sold')
local sold = d[3] or ARGV[2]
local available = (d[2] or 0) + ARGV[1] - (d[1] or ARGV[2])
if available < 0 then return false end
redis.call('HSET', KEYS[1], 'total', ARGV[1], 'available', string.format('%d', available), 'sold', sold,
  'per_buyer', ARGV[3], 'opens', ARGV[4], 'closes', ARGV[5])
local t = redis.call('TIME')
return {tonumber(ARGV[1]), available, tonumber(sold), t[1] * 1000 + math.floor(t[2] / 1000)}
