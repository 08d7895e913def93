-- Stores ARGV[2] under KEYS[1] if ARGV[1] is present there; '' says that nothing must be present.
-- KEYS[2] is the epoch, KEYS[3] what must not have been used before. Nothing is used up by a
-- conflict. Writes come last, so that an error before them has changed nothing.
local known, next, expires, not_before = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local was, epoch = redis.call('GET', KEYS[1]), false
if not was then
  epoch = redis.call('GET', KEYS[2])
  if not epoch then
    return {3, false, false}
  end
end
if was and was ~= known or not was and (known ~= '' or tonumber(epoch) > tonumber(not_before)) then
  return {0, was, epoch}
end
if KEYS[3] and not redis.call('SET', KEYS[3], '1', 'NX', 'PXAT', ARGV[5]) then
  return {2, was, epoch}
end
redis.call('SET', KEYS[1], next, 'PXAT', expires)
return {1, was, epoch}
