// The questions to Redis, each one a script that Redis runs as a whole. KEYS[1] is the namespace, and these are the keys:
//   lines            by name, the claims in order, as JSON       tickets   the last ticket: the token of its claim
//   texts            by name, the checkpoint                     session:<id>   its time to live; Redis deletes it after that
//   of:<session>     the names on which it has claims            gone:<session>   claims withdrawn while an attempt may be on its way

const common = `
local space = KEYS[1]
local function key(kind, id) return space .. kind .. ':' .. id end
local function stored(name) return cjson.decode(redis.call('HGET', space .. 'lines', name) or '[]') end
-- Writes a line, and tells those clients whose answer is another one now.
local function save(name, line)
  local old, new, taken = stored(name)[1] or {}, line[1] or {}, 0
  for _, claim in ipairs(line) do
    taken = taken + claim.weight
    if claim.held ~= (taken <= claim.permits) then redis.call('PUBLISH', key('claim', claim.member), '') end
    claim.held = taken <= claim.permits
  end
  if old.ticket ~= new.ticket or old.value ~= new.value then redis.call('PUBLISH', key('leader', name), '') end
  if new.ticket then redis.call('HSET', space .. 'lines', name, cjson.encode(line))
  else redis.call('HDEL', space .. 'lines', name) end
end
-- The line without the claims of dead sessions and those that leave, and how many these were.
local function read(name, leaves)
  local line, before = {}, stored(name)
  for _, claim in ipairs(before) do
    local dead = redis.call('EXISTS', key('session', claim.session)) == 0
    if dead or (leaves and leaves(claim)) then redis.call('PUBLISH', key('claim', claim.member), '')
    else line[#line + 1] = claim end
  end
  if #line < #before then save(name, line) end
  return line, #before - #line
end
local function remove(name, leaves) read(name) return select(2, read(name, leaves)) end
`
const bodies = {
  create: `redis.call('SET', key('session', ARGV[1]), ARGV[2], 'PX', ARGV[2])`,
  renew: `
    local ttl = redis.call('GET', key('session', ARGV[1]))
    for _, kind in ipairs({ 'session', 'of', 'gone' }) do redis.call('PEXPIRE', key(kind, ARGV[1]), ttl or 0) end
    return ttl`,
  destroy: `
    redis.call('DEL', key('session', ARGV[1]))
    for _, name in ipairs(redis.call('SMEMBERS', key('of', ARGV[1]))) do read(name) end
    redis.call('DEL', key('of', ARGV[1]), key('gone', ARGV[1]))`,
  // Answers whether the claim holds, its token, how many are ahead, and in how many ms one of these can end.
  attempt: `
    local name, mode, claim = ARGV[1], ARGV[2], cjson.decode(ARGV[3])
    local ttl = redis.call('PTTL', key('session', claim.session))
    if ttl < 0 then return redis.error_reply('GONE') end
    if redis.call('SISMEMBER', key('gone', claim.session), claim.member) == 1 then return redis.error_reply('WITHDRAWN') end
    local line, taken, soonest = read(name), 0, -1
    if line[1] and line[1].permits ~= claim.permits then return redis.error_reply('CONFLICT ' .. line[1].permits) end
    for i, other in ipairs(line) do
      if other.member == claim.member then
        return { other.held and 1 or 0, tostring(other.ticket), math.max(1, math.min(i - 1, taken + other.weight - other.permits)), soonest }
      end
      local left = redis.call('PTTL', key('session', other.session))
      taken, soonest = taken + other.weight, soonest < 0 and left or math.min(left, soonest)
    end
    local held = taken + claim.weight <= claim.permits
    if mode == 'look' then return { 2, '0', 0, 0 } end
    if mode == 'wait' or held then
      claim.ticket, claim.held = redis.call('INCR', space .. 'tickets'), held
      line[#line + 1] = claim
      redis.call('SADD', key('of', claim.session), name)
      redis.call('PEXPIRE', key('of', claim.session), ttl)
      save(name, line)
    end
    return { held and 1 or 0, tostring(claim.ticket or 0), math.max(1, math.min(#line, taken + claim.weight - claim.permits)), soonest }`,
  withdraw: `
    if ARGV[4] == '1' then redis.call('SADD', key('gone', ARGV[3]), ARGV[2]) end
    redis.call('PEXPIRE', key('gone', ARGV[3]), math.max(0, redis.call('PTTL', key('session', ARGV[3]))))
    remove(ARGV[1], function(claim) return claim.member == ARGV[2] end)`,
  alter: `
    local line = read(ARGV[1])
    for _, claim in ipairs(line) do
      if claim.member == ARGV[2] and claim.held then
        if ARGV[3] == 'verify' then return claim.weight == tonumber(ARGV[4]) and 1 or 0 end
        if ARGV[3] == 'text' then redis.call('HSET', space .. 'texts', ARGV[1], ARGV[4])
        else claim[ARGV[3]] = ARGV[3] == 'weight' and tonumber(ARGV[4]) or ARGV[4] end
        save(ARGV[1], line)
        return 1
      end
    end`,
  survey: `
    local names, states = ARGV[2] and { ARGV[2] } or redis.call('HKEYS', space .. 'lines'), {}
    for _, name in ipairs(names) do
      local line = string.sub(name, 1, #ARGV[1]) == ARGV[1] and read(name) or {}
      for _, claim in ipairs(line) do claim.left = redis.call('PTTL', key('session', claim.session)) end
      if line[1] then states[#states + 1] = { name = name, claims = line } end
    end
    return states[1] and cjson.encode(states) or '[]'`,
  breakHold: `return remove(ARGV[1], function(claim) return claim.held and tostring(claim.ticket) == ARGV[2] end)`,
  overtake: `
    local line, leave, count, target = read(ARGV[1]), {}, 0, false
    for i = 4, #ARGV do leave[ARGV[i]] = true end
    for i, claim in ipairs(line) do
      if i > 1 and leave[tostring(claim.ticket)] and claim.priority then count = count + 1 end
      target = target or (i > 1 and tostring(claim.ticket) == ARGV[3])
    end
    if not target or tostring(line[1].ticket) ~= ARGV[2] or count < #ARGV - 3 then return 0 end
    remove(ARGV[1], function(claim) return leave[tostring(claim.ticket)] end)
    return 1`,
  texts: `
    if ARGV[1] then return redis.call('HGET', space .. 'texts', ARGV[1]) end
    return redis.call('HGETALL', space .. 'texts')`,
} as const

/** The name of a script. */
export type Question = keyof typeof bodies

/** A script as ioredis takes it. */
export const scripts = Object.fromEntries(
  Object.entries(bodies).map(([name, body]) => [name, { lua: common + body, numberOfKeys: 1 }]),
)
