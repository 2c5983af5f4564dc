// Every public function that takes options refuses a wrong object in their place, an unknown option and a wrong type, and
// the message names it. test/arguments.test.ts has the mistakes of single functions.
import { describe, expect, test } from 'vitest'
import { consul } from '../src/backends/consul/index.ts'
import { etcd } from '../src/backends/etcd/index.ts'
import { file } from '../src/backends/file/index.ts'
import { connect } from '../src/index.ts'
import { instrument } from '../src/opentelemetry/index.ts'
import { webLocks } from '../src/web-locks/index.ts'
import { type Loose, loose, publicObjects } from './public-functions.ts'
import { refusalOf } from './refusal.ts'

const { client, election, gpu, guard, lock, locks, store } = await publicObjects()
const job = (): void => {}

/** Each function that takes options: a call with given options, and the names of its options. */
const functions: [title: string, call: Loose, options: string][] = [
  ['connect', (options) => connect(store, options as never), 'ttlMs, waitMs, signal, clock'],
  ['semaphore', (options) => loose(client, 'semaphore')('a', options), 'permits'],
  ['mutex', (options) => loose(client, 'mutex')('a', options), 'reentrant, handoff'],
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
  ['instrument', instrument as Loose, 'tracer, meter, names, namesMax'],
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
