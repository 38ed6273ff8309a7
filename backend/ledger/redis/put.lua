-- put: make the terms those of a deal.
--
-- KEYS[1]  {deal}    hash: total available sold per_buyer opens closes, what
--                    is reserved being the rest, and available being below 0
--                    while reserved units are known to be sold to others; b:<buyer> -> units reserved
--                    and sold; o:<order>, see giveback.lua; k:<key> ->
--                    "created expires order print"
-- ARGV[1]  total
-- ARGV[2]  units known to be sold
-- ARGV[3]  per_buyer; 0 = no limit
-- ARGV[4]  opens, Unix milliseconds; 0 = at once
-- ARGV[5]  closes, Unix milliseconds; 0 = never
--
-- Returns {total, available, sold, now}, or nil when total is less than is sold
-- or is lowered below what is sold and reserved: then nothing has changed.

local d = redis.call('HMGET', KEYS[1], 'total', 'available', 'sold')
local total, known = tonumber(ARGV[1]), tonumber(ARGV[2])
local had, sold = tonumber(d[1] or known), tonumber(d[3] or known)
local more = math.max(known - sold, 0)
sold = sold + more
local available = (d[2] or 0) + total - had - more
if total < sold or (d[1] and total < had and available < 0) then return false end
redis.call('HSET', KEYS[1], 'total', ARGV[1], 'available', string.format('%d', available), 'sold', string.format('%d', sold),
  'per_buyer', ARGV[3], 'opens', ARGV[4], 'closes', ARGV[5])
local t = redis.call('TIME')
return {total, available, sold, t[1] * 1000 + math.floor(t[2] / 1000)}
