// The left-hand sides of docs/moving.md: the verbs of the other libraries, run on their own stores, so that the page names
// verbs that exist and do what it says. The right-hand sides are the public API, which has tests everywhere.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Etcd3 } from 'etcd3'
import { Redis } from 'ioredis'
// @ts-expect-error: it has no types of its own
import lockfile from 'proper-lockfile'
import { Mutex, Semaphore } from 'redis-semaphore'
// @ts-expect-error: its package.json hides its types
import Redlock from 'redlock'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from '../../../src/index.ts'
import { startRedis } from '../../../tools/servers/redis.mjs'
import { startEtcd } from '../../../tools/servers/run.mjs'

const page = readFileSync('docs/moving.md', 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'leasehold-moving-'))
let redis: Redis
let servers: { close(): Promise<void> }[]
let etcdUrl: string
let endpoints: readonly string[]

beforeAll(async () => {
  const [store, etcd] = await Promise.all([startRedis(), startEtcd({ unsafeNoFsync: true })])
  servers = [store, etcd]
  redis = new Redis(store.url)
  etcdUrl = etcd.url('moving')
  endpoints = etcd.endpoints
}, 120_000)
afterAll(async () => {
  redis.disconnect()
  await Promise.all(servers.map((server) => server.close()))
  rmSync(folder, { recursive: true })
})

/** Fails if the page does not name this verb. */
const named = (...verbs: string[]): void => {
  for (const verb of verbs) expect(page).toContain(verb)
}

test('redlock: acquire, extend, using and its signal', async () => {
  named(
    'new Redlock',
    'redlock.acquire([key]',
    'redlock.using([key]',
    'lock.extend(',
    'automaticExtensionThreshold',
  )
  named('retryCount', 'retryDelay', 'signal.aborted')
  const redlock = new Redlock([redis as never], {
    retryCount: 0,
    retryDelay: 10,
    automaticExtensionThreshold: 100,
  })
  let lock = await redlock.acquire(['a', 'b'], 5_000)
  await expect(redlock.acquire(['b'], 5_000)).rejects.toThrow()
  lock = await lock.extend(5_000)
  await lock.release()
  expect(await redlock.using(['a'], 5_000, async (signal: AbortSignal) => signal.aborted)).toBe(false)
})

test('redis-semaphore: acquire, tryAcquire as a boolean, isAcquired, and a semaphore', async () => {
  named(
    'new Mutex(redis, key',
    'mutex.acquire()',
    'mutex.tryAcquire()',
    'refreshInterval',
    'lockTimeout',
    'isAcquired',
  )
  named('acquireTimeout', 'retryInterval', 'onLockLost', 'new Semaphore(redis, key, n)')
  const options = {
    lockTimeout: 5_000,
    acquireTimeout: 50,
    retryInterval: 10,
    refreshInterval: 1_000,
    onLockLost() {},
  }
  const [mutex, other] = [new Mutex(redis as never, 'm', options), new Mutex(redis as never, 'm', options)]
  await mutex.acquire()
  expect(mutex.isAcquired).toBe(true)
  expect(await other.tryAcquire()).toBe(false)
  await expect(other.acquire()).rejects.toThrow()
  await mutex.release()
  const semaphores = [1, 2, 3].map(() => new Semaphore(redis as never, 's', 2, options))
  expect(await Promise.all(semaphores.map((semaphore) => semaphore.tryAcquire()))).toEqual([
    true,
    true,
    false,
  ])
  await Promise.all(semaphores.slice(0, 2).map((semaphore) => semaphore.release()))
})

test('etcd3: its Lock fails at once, and does not exclude ours', async () => {
  named('client.lock(name).ttl(10).acquire()', 'lock.do(work)', 'lock.release()', 'fails at once')
  const client = new Etcd3({ hosts: endpoints.map((endpoint) => `http://${endpoint}`) })
  const leasehold = await connect(etcdUrl)
  try {
    const name = 'moving/report'
    const lock = await client.lock(name).ttl(10).acquire()
    await expect(client.lock(name).ttl(10).acquire()).rejects.toThrow()
    expect(await leasehold.mutex('report').run(async (hold) => hold.held, { waitMs: 2_000 })).toBe(true)
    await lock.release()
    expect(await client.lock(name).do(async () => 'done')).toBe('done')
  } finally {
    await leasehold.close()
    client.close()
  }
})

test('proper-lockfile: lock, check and unlock', async () => {
  named('lock(file, { stale, update })', 'unlock(file)', 'retries', 'check(file)', 'onCompromised')
  const file = join(folder, 'data')
  writeFileSync(file, '')
  const release = await lockfile.lock(file, {
    stale: 5_000,
    update: 1_000,
    retries: 0,
    onCompromised: () => {},
  })
  expect(await lockfile.check(file)).toBe(true)
  await expect(lockfile.lock(file)).rejects.toThrow()
  await release()
  await lockfile.lock(file)
  await lockfile.unlock(file)
  expect(existsSync(`${file}.lock`)).toBe(false)
})
