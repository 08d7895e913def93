-- Stores ARGV[1] under KEYS[1] unless a later epoch is present.
local present = redis.call('GET', KEYS[1])
if not present or tonumber(present) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1])
end
return 1
