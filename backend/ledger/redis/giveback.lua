-- giveback: what several scripts begin with, not a script by itself.
--
-- An order is the field o:<order> of the deal's hash:
--
--   live units expires created buyer key    until expires, its score in {deal}:due
--   sold ...  or  gone ...                  until its key is forgotten, then its score
--
-- KEYS and ARGV are those of the script.

-- read returns the state of an order, nil if there is none, its units, the
-- end of its hold, and all after the state.
local function read(order)
  local o = redis.call('HGET', KEYS[1], 'o:' .. order)
  if not o then return nil end
  local state, rest, units, expires = string.match(o, '^(%a+) ((%d+) (%d+) .*)$')
  return state, units, tonumber(expires), rest
end

-- close makes a live order sold or gone. Its key is remembered for life
-- milliseconds from its creation.
local function close(order, state, rest, life)
  local created = string.match(rest, '^%d+ %d+ (%d+)')
  redis.call('HSET', KEYS[1], 'o:' .. order, state .. ' ' .. rest)
  redis.call('ZADD', KEYS[2], string.format('%d', created + life), order)
end

-- give_back returns the units of a live order to what is available.
local function give_back(order, units, rest, life)
  local buyer = 'b:' .. string.match(rest, '^%d+ %d+ %d+ (%S+)')
  redis.call('HINCRBY', KEYS[1], 'available', units)
  if redis.call('HINCRBY', KEYS[1], buyer, '-' .. units) <= 0 then
    redis.call('HDEL', KEYS[1], buyer)
  end
  close(order, 'gone', rest, life)
end

local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
