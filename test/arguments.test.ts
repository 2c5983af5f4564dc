// A wrong option, a wrong type, or an argument in a wrong position is refused at once, and the message names it. Every
// public function gets the same kinds of mistakes.
import { afterAll, describe, expect, test } from 'vitest'
import { consul } from '../src/backends/consul/index.ts'
import { etcd } from '../src/backends/etcd/index.ts'
import { file } from '../src/backends/file/index.ts'
import { memory } from '../src/backends/memory/index.ts'
import { runCoordinator } from '../src/cron/node-cron.ts'
import { connect } from '../src/index.ts'
import { webLocks } from '../src/web-locks/index.ts'
import { refusalOf } from './refusal.ts'

/** A function as JavaScript sees it: it takes any arguments. */
type Loose = (...args: unknown[]) => unknown

/** The function with its object as `this`, and without its types. */
const loose = <T extends object>(target: T, method: keyof T): Loose => (target[method] as Loose).bind(target)

const store = memory()
const client = await connect(store)
const lock = client.mutex('arguments')
const gpu = client.semaphore('arguments-semaphore', { permits: 2 })
const election = client.election('arguments-election')
const guard = client.cron('arguments-cron', { schedule: '@hourly' })
const hold = await client.mutex('arguments-hold').acquire()
const locks = webLocks(client)
const term = await client.election('arguments-term').campaign()
const job = (): void => {}

afterAll(() => client.close())

/** Each function that takes options: a call with given options, and the names of its options. */
const functions: [title: string, call: Loose, options: string][] = [
  ['connect', (options) => connect(store, options as never), 'ttlMs, waitMs, signal, clock'],
  ['semaphore', (options) => loose(client, 'semaphore')('a', options), 'permits'],
  ['mutex', (options) => loose(client, 'mutex')('a', options), 'reentrant'],
  [
    'cron',
    (options) => loose(client, 'cron')('a', options),
    'schedule, timezone, retry, catchUp, onMissed, aheadMs',
  ],
  ['acquire', loose(lock, 'acquire'), 'waitMs, signal, onWait'],
  ['acquire of a semaphore', loose(gpu, 'acquire'), 'waitMs, signal, onWait, permits'],
  ['tryAcquire of a semaphore', loose(gpu, 'tryAcquire'), 'signal, permits'],
  ['acquire of a reader', loose(client.rwlock('arguments-rw').read, 'acquire'), 'waitMs, signal, onWait'],
  ['acquire of mutexes', loose(client.mutexes(['arguments-1']), 'acquire'), 'waitMs, signal, onWait'],
  ['tryAcquire of mutexes', loose(client.mutexes(['arguments-1']), 'tryAcquire'), 'signal'],
  [
    'run of mutexes',
    (options) => loose(client.mutexes(['arguments-1']), 'run')(job, options),
    'waitMs, signal, onWait, stopBeforeMs',
  ],
  ['tryAcquire', loose(lock, 'tryAcquire'), 'signal'],
  ['run of a lock', (options) => loose(lock, 'run')(job, options), 'waitMs, signal, onWait, stopBeforeMs'],
  ['campaign', loose(election, 'campaign'), 'waitMs, signal, onWait, value, priority'],
  ['tryCampaign', loose(election, 'tryCampaign'), 'value, signal'],
  [
    'run of an election',
    (options) => loose(election, 'run')(job, options),
    'waitMs, signal, onWait, value, priority, graceMs, stopBeforeMs',
  ],
  ['candidates', loose(election, 'candidates'), 'signal, timeoutMs'],
  ['observe', loose(election, 'observe'), 'signal, onError, fatal'],
  [
    'lead',
    (options) => loose(election, 'lead')(job, options),
    'value, priority, eligible, service, signal, graceMs, stopBeforeMs, retryMaxMs, onWait, onError, fatal',
  ],
  [
    'run of a cron guard',
    (options) => loose(guard, 'run')(job, options),
    'waitMs, signal, onWait, graceMs, tick, giveUpMs, onError',
  ],
  ['runNow', (options) => loose(guard, 'runNow')(job, options), 'waitMs, signal, onWait, graceMs'],
  ['reset', (options) => loose(guard, 'reset')(options), 'waitMs, signal, onWait'],
  [
    'start of a cron guard',
    (options) => loose(guard, 'start')(job, options),
    'signal, graceMs, giveUpMs, onError, onTick',
  ],
  [
    'request of web locks',
    (options) => loose(locks, 'request')('a', options, job),
    'mode, ifAvailable, signal, steal',
  ],
  ['webLocks', (options) => webLocks(client, options as never), 'prefix'],
  ['etcd', etcd as Loose, 'endpoints, namespace, auth, tls, lockDelayMs, client'],
  [
    'consul',
    consul as Loose,
    'endpoints, namespace, token, auth, tls, dc, enterprise, checks, node, lockDelayMs, unsafeTwoMayHold, idleMs, client',
  ],
  ['file', file as Loose, 'directory'],
]

const noObjects: [title: string, value: unknown, shown: string][] = [
  ['null', null, 'null'],
  ['a number', 100, 'a number'],
  ['a text', 'hunter2', 'a string'],
  ['a bigint', 1n, 'a bigint'],
  ['a symbol', Symbol('hunter2'), 'a symbol'],
  ['a function', () => {}, 'a function'],
  ['an array', [100], 'an array'],
  ['an AbortSignal', AbortSignal.abort(), 'an AbortSignal'],
  ['a Map', new Map([['waitMs', 1]]), 'a Map'],
]

describe.each(functions)('%s', (_, call, options) => {
  test.each(noObjects)('refuses %s in the place of its options', async (_kind, value, shown) => {
    const error = await refusalOf(() => call(value))
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toBe(`options: ${shown} is not an object with ${options}`)
  })

  test.each(['unheardOf', 'two words', '\0'])('refuses the option %j, and names its options', async (key) => {
    const error = await refusalOf(() => call({ [key]: 'hunter2' }))
    expect(error).toBeInstanceOf(TypeError)
    const shown = key === 'unheardOf' ? key : JSON.stringify(key)
    expect((error as Error).message).toBe(`${shown}: is not an option; the options are ${options}`)
  })

  test.each(options.split(', '))('refuses a symbol as %s', async (key) => {
    const error = await refusalOf(() => call({ [key]: Symbol('hunter2') }))
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toMatch(new RegExp(`^${key}: .* is not `))
  })

  test('refuses a misspelt option, and suggests the right one', async () => {
    const [key = ''] = options.split(', ')
    const error = await refusalOf(() => call({ [`${key}x`]: 1 }))
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toMatch(
      new RegExp(`^${key}x: is not an option; did you mean ${key} \\(.+\\)\\? `),
    )
  })
})

const cases: [
  code: string,
  call: () => unknown,
  kind: typeof TypeError | typeof RangeError,
  message: string,
][] = [
  [
    'acquire(100)',
    () => loose(lock, 'acquire')(100),
    TypeError,
    'options: a number is not an object with waitMs, signal, onWait',
  ],
  [
    'acquire({ timeout: 100 })',
    () => loose(lock, 'acquire')({ timeout: 100 }),
    TypeError,
    'timeout: is not an option; did you mean waitMs (a number of ms from 0)? The options are waitMs, signal, onWait',
  ],
  [
    'acquire({ waitMS: 1 })',
    () => loose(lock, 'acquire')({ waitMS: 1 }),
    TypeError,
    'waitMS: is not an option; did you mean waitMs (a number of ms from 0)? The options are waitMs, signal, onWait',
  ],
  [
    'acquire({ waitMs: "5s" })',
    () => loose(lock, 'acquire')({ waitMs: '5s' }),
    TypeError,
    'waitMs: "5s" is not a number of ms from 0',
  ],
  [
    'acquire({ waitMs: null })',
    () => loose(lock, 'acquire')({ waitMs: null }),
    TypeError,
    'waitMs: null is not a number of ms from 0',
  ],
  [
    'acquire({ waitMs: NaN })',
    () => lock.acquire({ waitMs: Number.NaN }),
    RangeError,
    'waitMs: NaN is out of range; it takes a number of ms from 0',
  ],
  [
    'acquire({ waitMs: 5n })',
    () => loose(lock, 'acquire')({ waitMs: 5n }),
    TypeError,
    'waitMs: 5n is not a number of ms from 0',
  ],
  [
    'tryAcquire({ waitMs: 5 })',
    () => loose(lock, 'tryAcquire')({ waitMs: 5 }),
    TypeError,
    'waitMs: is not an option; the options are signal',
  ],
  [
    'run({ waitMs: 5 }, work)',
    () => loose(lock, 'run')({ waitMs: 5 }, job),
    TypeError,
    'work: an object is not a function',
  ],
  ['run()', () => loose(lock, 'run')(), TypeError, 'work: undefined is not a function'],
  [
    'assertHeld("200")',
    () => loose(hold, 'assertHeld')('200'),
    TypeError,
    'minMs: "200" is not a number of ms from 0',
  ],
  [
    'assertHeld(-1)',
    () => hold.assertHeld(-1),
    RangeError,
    'minMs: -1 is out of range; it takes a number of ms from 0',
  ],
  ['checkpoint({})', () => loose(hold, 'checkpoint')({}), TypeError, 'text: an object is not a string'],
  ['proclaim(null)', () => loose(term, 'proclaim')(null), TypeError, 'value: null is not a string'],
  [
    'connect("memory:", { ttl: 5 })',
    () => connect('memory:', { ttl: 5 } as object),
    TypeError,
    'ttl: is not an option; did you mean ttlMs (a number of ms, in the range of the store)? The options are ttlMs, waitMs, signal, clock',
  ],
  [
    'connect("memory:", { ttlMs: 5 })',
    () => connect('memory:', { ttlMs: 5 }),
    RangeError,
    'ttlMs: 5 is out of range; it takes a number from 1000 to 86400000 on memory',
  ],
  [
    'connect({ ttlMs: 5_000 })',
    () => connect({ ttlMs: 5_000 } as never),
    TypeError,
    'target: an object is not a URL as a string, or a result of leasehold/etcd, /consul, /file or /memory',
  ],
  [
    'connect(null)',
    () => connect(null as never),
    TypeError,
    'target: null is not a URL as a string, or a result of leasehold/etcd, /consul, /file or /memory',
  ],
  [
    'connect("memory:", { clock: Date })',
    () => connect('memory:', { clock: {} as never }),
    TypeError,
    'clock: an object is not a Clock',
  ],
  ['mutex(7)', () => loose(client, 'mutex')(7), TypeError, 'name: 7 is not a string'],
  [
    'mutex(Symbol("a"))',
    () => loose(client, 'mutex')(Symbol('a')),
    TypeError,
    'name: Symbol(a) is not a string',
  ],
  ['election(["a"])', () => loose(client, 'election')(['a']), TypeError, 'name: an array is not a string'],
  [
    'semaphore("gpu", 4)',
    () => loose(client, 'semaphore')('gpu', 4),
    TypeError,
    'options: a number is not an object with permits',
  ],
  [
    'semaphore("gpu")',
    () => loose(client, 'semaphore')('gpu'),
    TypeError,
    'options: undefined is not an object with permits',
  ],
  [
    'semaphore("gpu", {})',
    () => loose(client, 'semaphore')('gpu', {}),
    TypeError,
    'permits: undefined is not a whole number from 1 to 10000',
  ],
  [
    'semaphore("gpu", { limit: 4 })',
    () => loose(client, 'semaphore')('gpu', { limit: 4 }),
    TypeError,
    'limit: is not an option; did you mean permits (a whole number from 1 to 10000)? The options are permits',
  ],
  [
    'cron("a", "* * * * *")',
    () => loose(client, 'cron')('a', '* * * * *'),
    TypeError,
    'options: a string is not an object with schedule, timezone, retry, catchUp, onMissed, aheadMs',
  ],
  [
    'cron("a", { tz: "UTC" })',
    () => loose(client, 'cron')('a', { tz: 'UTC' }),
    TypeError,
    'tz: is not an option; did you mean timezone (a string)? The options are schedule, timezone, retry, catchUp, onMissed, aheadMs',
  ],
  ['line({})', () => loose(client, 'line')({}), TypeError, 'name: an object is not a string'],
  [
    'survey({ prefix: "a" })',
    () => loose(client, 'survey')({ prefix: 'a' }),
    TypeError,
    'prefix: an object is not a string',
  ],
  [
    'break("a", { token: 1n })',
    () => loose(client, 'break')('a', { token: 1n }),
    TypeError,
    'token: an object is not a bigint from 1',
  ],
  [
    'guard.run(job, new Date())',
    () => loose(guard, 'run')(job, new Date(0)),
    TypeError,
    'options: a Date is not an object with waitMs, signal, onWait, graceMs, tick, giveUpMs, onError',
  ],
  [
    'lead(job, { grace: 5 })',
    () => loose(election, 'lead')(job, { grace: 5 }),
    TypeError,
    'grace: is not an option; did you mean graceMs (a number of ms from 0)? The options are value, priority, eligible, service, signal, graceMs, stopBeforeMs, retryMaxMs, onWait, onError, fatal',
  ],
  [
    'runCoordinator("memory:")',
    () => (runCoordinator as Loose)('memory:'),
    TypeError,
    'client: a string is not a client of Leasehold',
  ],
]

test.each(cases)('%s is refused, by name', async (_, call, kind, message) => {
  const error = await refusalOf(call)
  expect(error).toBeInstanceOf(kind)
  expect((error as Error).message).toBe(message)
})

test('undefined is the same as a missing option', async () => {
  const held = await lock.acquire({ waitMs: undefined, signal: undefined, onWait: undefined })
  await held.release()
})

test('options may be an object without a prototype, with defaults in its prototype, or of a class', async () => {
  class Settings {
    readonly waitMs = 0
  }
  const bare = Object.assign(Object.create(null), { waitMs: 0 })
  for (const options of [bare, Object.create({ waitMs: 0 }), new Settings()]) {
    const held = await lock.acquire(options)
    await expect(lock.acquire(options)).rejects.toMatchObject({ code: 'LEASEHOLD_WAIT_TIMEOUT' })
    await held.release()
  }
})
