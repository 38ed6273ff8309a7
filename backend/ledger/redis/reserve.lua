-- reserve: hold units of a deal for an order, once per idempotency key.
--
-- KEYS[1]  {deal}       hash: the deal, see put.lua
-- KEYS[2]  {deal}:due   sorted set: order -> what to do next with it, see giveback.lua
-- ARGV[1]  order
-- ARGV[2]  buyer
-- ARGV[3]  units
-- ARGV[4]  hold, in milliseconds
-- ARGV[5]  print of what is ordered
-- ARGV[6]  idempotency key, hashed with its buyer
-- ARGV[7]  life of the key, in milliseconds
--
-- Returns "held created expires order"; "again ..." or "gone ..." for a key
-- seen before, the latter when its hold was given back; or one of
-- "key reused" "no deal" "not open" "ended" "limit" "sold out" "not enough".
--
-- Of what an order costs here most is the number of calls: hence one hash.

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local key, buyer = 'k:' .. ARGV[6], 'b:' .. ARGV[2]
local d = redis.call('HMGET', KEYS[1], 'available', 'per_buyer', 'opens', 'closes', buyer, key)

if d[6] then
  local created, rest, order, print = string.match(d[6], '^(%d+) (%d+ (%S+)) (.*)$')
  if now - created < tonumber(ARGV[7]) then
    if print ~= ARGV[5] then return 'key reused' end
    local hold = redis.call('HGET', KEYS[1], 'o:' .. order)
    local gone = not hold or string.sub(hold, 1, 4) == 'gone'
    return (gone and 'gone ' or 'again ') .. created .. ' ' .. rest
  end
end

if not d[1] then return 'no deal' end
if now < tonumber(d[3]) then return 'not open' end
if d[4] ~= '0' and now >= tonumber(d[4]) then return 'ended' end
local units = tonumber(ARGV[3])
local has = (d[5] or 0) + units
if d[2] ~= '0' and has > tonumber(d[2]) then return 'limit' end
local left = d[1] - units
if left <= -units then return 'sold out' end
if left < 0 then return 'not enough' end

-- As %d, because Redis formats numbers slowly.
local created, expires = string.format('%d', now), string.format('%d', now + ARGV[4])
local made = created .. ' ' .. expires .. ' ' .. ARGV[1]
redis.call('HSET', KEYS[1], 'available', string.format('%d', left), buyer, string.format('%d', has),
  'o:' .. ARGV[1], 'live ' .. ARGV[3] .. ' ' .. expires .. ' ' .. created .. ' ' .. ARGV[2] .. ' ' .. ARGV[6],
  key, made .. ' ' .. ARGV[5])
redis.call('ZADD', KEYS[2], expires, ARGV[1])
return 'held ' .. made
