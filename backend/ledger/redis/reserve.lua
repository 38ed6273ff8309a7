-- reserve: hold units of a deal for an order, once per idempotency key.
--
-- KEYS[1]  {deal}          hash: total available reserved sold per_buyer opens closes
-- KEYS[2]  {deal}:holds    hash: order -> "units buyer", reserved or sold
-- KEYS[3]  {deal}:due      sorted set: order -> end of its hold, while it is reserved
-- KEYS[4]  {deal}:buyers   hash: buyer -> units reserved and sold, if there is a limit
-- KEYS[5]  {deal}:key:...  string: "created expires order print"; expires with the key
-- ARGV[1]  order
-- ARGV[2]  buyer
-- ARGV[3]  units
-- ARGV[4]  hold, in milliseconds
-- ARGV[5]  print of what is ordered
-- ARGV[6]  life of the key, in milliseconds
--
-- Returns {"held", order, created, expires}; {"again", ...} or {"gone", ...}
-- for a key seen before, the latter when its hold was given back; or one of
-- {"key reused"} {"no deal"} {"not open"} {"ended"} {"limit"} {"sold out"} {"not enough"}.

local seen = redis.call('GET', KEYS[5])
if seen then
  local created, expires, order, print = string.match(seen, '^(%d+) (%d+) (%S+) (.*)$')
  if print ~= ARGV[5] then return {'key reused'} end
  local live = redis.call('HEXISTS', KEYS[2], order) == 1
  return {live and 'again' or 'gone', order, created, expires}
end

local d = redis.call('HMGET', KEYS[1], 'available', 'reserved', 'per_buyer', 'opens', 'closes')
if not d[1] then return {'no deal'} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local opens, closes = tonumber(d[4]), tonumber(d[5])
if now < opens then return {'not open'} end
if closes ~= 0 and now >= closes then return {'ended'} end

local units, limit = tonumber(ARGV[3]), tonumber(d[3])
local has
if limit > 0 then
  has = (tonumber(redis.call('HGET', KEYS[4], ARGV[2])) or 0) + units
  if has > limit then return {'limit'} end
end
local available = tonumber(d[1])
if available == 0 then return {'sold out'} end
if available < units then return {'not enough'} end

local expires = now + ARGV[4]
redis.call('HSET', KEYS[1], 'available', available - units, 'reserved', d[2] + units)
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3] .. ' ' .. ARGV[2])
redis.call('ZADD', KEYS[3], expires, ARGV[1])
if has then redis.call('HSET', KEYS[4], ARGV[2], has) end
redis.call('SET', KEYS[5], now .. ' ' .. expires .. ' ' .. ARGV[1] .. ' ' .. ARGV[5], 'PX', ARGV[6])
return {'held', ARGV[1], tostring(now), tostring(expires)}
