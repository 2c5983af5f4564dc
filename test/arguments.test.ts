// A wrong option, a wrong type, or an argument in a wrong position is refused at once, and the message names it: the mistakes
// of single functions. test/arguments-of-options.test.ts has those that all functions with options refuse.
import { expect, test } from 'vitest'
import { runCoordinator } from '../src/cron/node-cron.ts'
import { connect } from '../src/index.ts'
import { type Loose, loose, publicObjects } from './public-functions.ts'
import { refusalOf } from './refusal.ts'

const { client, election, guard, hold, lock, term } = await publicObjects()
const job = (): void => {}

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
