// One lock and one semaphore for Leasehold and for `consul lock`, the real program. strangers.test.ts has the keys that other
// clients leave behind.
import { mkdir, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import type { Hold } from '../../../../src/index.ts'
import { until } from '../../../../tools/servers/wait.mjs'
import { openCounter } from '../../../servers/consul-counter.ts'
import { ConsulLock, type ConsulLockOptions } from '../../../servers/consul-lock.ts'
import { freshName, useConsul } from '../../../servers/consul-store.ts'

const store = useConsul()
const lock = (name: string, options?: ConsulLockOptions) =>
  ConsulLock.start(store.cluster.address, name, options)

test('consul lock waits for a mutex that is held here, and gets it as soon as it is released', async () => {
  const name = freshName()
  const counter = await openCounter(store.host)
  const hold = await (await store.client()).mutex(name).acquire()
  const theirs = await ConsulLock.start(`http://${counter.address}`, name)
  await until(async () => counter.count('wait') === 1, { describe: () => `its wait; ${theirs.stderr}` })
  expect(theirs.holds).toBe(false)

  const began = performance.now()
  await hold.release()
  await theirs.held

  expect(theirs.heldAt - began).toBeLessThan(1_000)
  expect(theirs.output).toContain('held=true')
  expect(await theirs.release(), theirs.stderr).toBe(0)
})

test('consul lock behind a name that stays taken gets it when the time is over: not before, and at most at twice the time', {
  timeout: 60_000,
}, async () => {
  const name = freshName()
  const counter = await openCounter(store.host)
  const client = await store.client()
  const hold = await client.mutex(name).acquire()
  const theirs = await ConsulLock.start(`http://${counter.address}`, name)
  await until(async () => counter.count('wait') === 1, { describe: () => `its wait; ${theirs.stderr}` })

  const began = performance.now()
  await hold.release({ afterMs: 10_000 })
  const released = performance.now()
  await client.close()
  await theirs.held

  expect(theirs.heldAt - began).toBeGreaterThan(9_950)
  expect(theirs.heldAt - released).toBeLessThan(22_000)
  expect(await theirs.release(), theirs.stderr).toBe(0)
})

test('a mutex waits here for consul lock, and has a larger token than before', async () => {
  const name = freshName()
  const [one, other] = [await store.client(), await store.client()]
  const before = await one.mutex(name).acquire()
  await before.release()
  const theirs = await lock(name)
  await theirs.held

  expect(await one.mutex(name).tryAcquire()).toBeUndefined()
  const waiting = [one.mutex(name).acquire()]
  await store.line(name, 1)
  waiting.push(other.mutex(name).acquire())
  await store.line(name, 2)
  expect(await theirs.release()).toBe(0)

  const [first, second] = waiting as [Promise<Hold>, Promise<Hold>]
  const hold = await first
  expect(hold.token).toBeGreaterThan(before.token)
  await hold.verify()
  await hold.release()
  expect((await second).token).toBeGreaterThan(hold.token)
})

test('a wait that runs out because of consul lock says by which session it is held', async () => {
  const name = freshName()
  const theirs = await lock(name)
  await theirs.held
  const { session } = (await store.key(`${name}/.lock`)) ?? {}

  const asked = (await store.client()).mutex(name).acquire({ waitMs: 200 })

  await expect(asked).rejects.toMatchObject({ code: 'LEASEHOLD_WAIT_TIMEOUT' })
  await expect(asked).rejects.toThrow(session)
  expect(await theirs.release()).toBe(0)
})

test.for([
  { ours: 2, theirs: 1, fourth: 'ours' },
  { ours: 1, theirs: 2, fourth: 'ours' },
  { ours: 2, theirs: 1, fourth: 'theirs' },
  { ours: 1, theirs: 2, fourth: 'theirs' },
] as const)(
  'three permits are shared: $ours here and $theirs of consul lock, and the fourth of $fourth waits for one',
  async (mix) => {
    const name = freshName()
    const client = await store.client()
    const semaphore = client.semaphore(name, { permits: 3 })
    const holds: Hold[] = []
    for (let i = 0; i < mix.ours; i += 1) holds.push(await semaphore.acquire())
    const locks = await Promise.all(Array.from({ length: mix.theirs }, () => lock(name, { permits: 3 })))
    await Promise.all(locks.map(({ held }) => held))
    expect(await semaphore.tryAcquire()).toBeUndefined()

    // The fourth waits, and a fifth of the other side, so that it shows that one release lets one in.
    let entered = 0
    const enter = (): void => {
      entered += 1
    }
    const mine = [semaphore.acquire()]
    await store.line(name, 1)
    const other = await lock(name, { permits: 3 })
    other.held.then(enter, () => {})
    for (const asked of mine) asked.then(enter, () => {})
    await store.contenders(name, 4)
    expect(entered).toBe(0)

    const released = mix.fourth === 'ours' ? await locks.pop()?.release() : await holds.pop()?.release()
    expect([0, undefined]).toContain(released)
    await until(async () => entered > 0, { describe: () => 'the fourth' })
    const { value = '' } = (await store.key(`${name}/.lock`)) ?? {}
    expect(JSON.parse(value).Limit).toBe(3)
    expect(Object.keys(JSON.parse(value).Holders)).toHaveLength(3)
    await new Promise((resolve) => setTimeout(resolve, 100)) // nobody else may enter
    expect(entered).toBe(1)

    await locks[0]?.release()
    await holds[0]?.release()
    await until(async () => entered === 2, { describe: () => 'the fifth' })
    for (const hold of [...holds, await (mine[0] as Promise<Hold>)]) await hold.release()
    await other.release()
    for (const theirs of [...locks, other]) expect(await theirs.release(), theirs.stderr).toBe(0)
  },
)

/** A folder can be made only once: a process that finds it there overlaps with another. */
const exclusive = 'mkdir "$0" && echo held && sleep 0.05 && rmdir "$0" || { echo overlap; exit 1; }'

test('in a mixed crowd nobody overlaps, and tokens grow in the order of holding', {
  timeout: 40_000,
}, async () => {
  const name = freshName()
  const folder = `${tmpdir()}/leasehold-${process.pid}-crowd`
  const clients = await store.clients(6)
  const tokens: bigint[] = []
  const modified: number[] = []
  const work = async (client: (typeof clients)[number]): Promise<void> => {
    await client.mutex(name).run(async ({ token }) => {
      tokens.push(token)
      await mkdir(folder)
      modified.push((await store.key(`${name}/.lock`))?.modified ?? 0)
      await new Promise((resolve) => setTimeout(resolve, 20))
      await rmdir(folder)
    })
  }

  const theirs: ConsulLock[] = []
  const works: Promise<void>[] = []
  for (const client of clients) {
    theirs.push(await lock(name, { command: ['sh', '-c', exclusive, folder] }))
    works.push(work(client), work(client))
  }
  await Promise.all(works)
  const codes = await Promise.all(theirs.map(({ exited }) => exited))

  expect(theirs.map(({ output, stderr }) => `${output}${stderr}`.trim())).toEqual(Array(6).fill('held'))
  expect(codes).toEqual(Array(6).fill(0))
  expect(tokens).toHaveLength(12)
  expect(tokens).toEqual([...new Set(tokens)].sort((one, other) => (one < other ? -1 : 1)))
  expect(modified.map(BigInt)).toEqual(tokens)
})

test('a holder here between two of consul lock has a token between the indexes of theirs', async () => {
  const name = freshName()
  const client = await store.client()
  const tokens: bigint[] = []
  for (let i = 0; i < 3; i += 1) {
    const theirs = await lock(name)
    await theirs.held
    tokens.push(BigInt((await store.key(`${name}/.lock`))?.modified ?? 0))
    const waiting = client.mutex(name).acquire()
    await store.line(name, 1)
    await theirs.release()
    const hold = await waiting
    tokens.push(hold.token)
    await hold.release()
  }
  expect(tokens).toEqual([...new Set(tokens)].sort((one, other) => (one < other ? -1 : 1)))
})

test('consul lock of the other kind ends with an error, and does no harm', async () => {
  const [mutex, semaphore] = [freshName(), freshName()]
  const client = await store.client()
  const holds = [
    await client.mutex(mutex).acquire(),
    await client.semaphore(semaphore, { permits: 3 }).acquire(),
  ]

  const wrong = [
    await lock(mutex, { permits: 3 }),
    await lock(semaphore),
    await lock(semaphore, { permits: 2 }),
  ]

  for (const theirs of wrong) {
    expect(await theirs.exited).toBe(1)
    expect(theirs.stderr).toMatch(/does not match|conflict/i)
    expect(theirs.stderr).not.toContain('panic')
  }
  for (const hold of holds) {
    await hold.verify()
    await hold.release()
  }
  // It leaves a session and its place among the contenders, until its time to live is over.
  for (const { ID, Name } of await store.sessions()) {
    if (Name.startsWith('Consul lock')) await store.destroySession(ID)
  }
})

test('consul lock refuses the name of a mutex with handoff, also while nobody holds it', async () => {
  const name = freshName()
  const client = await store.client()
  const mutex = client.mutex(name, { handoff: { max: 10, forMs: 1_000 } })
  await (await mutex.acquire()).release()
  for (const theirs of [await lock(name), await lock(name, { permits: 3 })]) {
    expect(await theirs.exited).toBe(1)
    expect(theirs.stderr).toMatch(/does not match|conflict/i)
  }
  const hold = await mutex.tryAcquire()
  expect(hold?.held).toBe(true)
  await hold?.release()
  await store.delete(`${name}/.lock`) // an operator makes it a plain name again
  expect((await client.mutex(name).tryAcquire())?.held).toBe(true)
  await client.close()
  for (const { ID, Name } of await store.sessions()) {
    if (Name.startsWith('Consul lock')) await store.destroySession(ID)
  }
})

test('a name that consul lock uses as another kind of lock is a conflict here, and the error names that kind', async () => {
  const [mutex, semaphore] = [freshName(), freshName()]
  const theirs = [await lock(mutex), await lock(semaphore, { permits: 3 })]
  await Promise.all(theirs.map(({ held }) => held))
  const client = await store.client()

  const wrong = [
    [client.semaphore(mutex, { permits: 3 }), /is in use as a mutex.*a semaphore with 3 permits/],
    [client.mutex(semaphore), /is in use as a semaphore with 3 permits.*a mutex/],
    [client.semaphore(semaphore, { permits: 2 }), /is in use as a semaphore with 3 permits.*2 permits/],
  ] as const
  for (const [other, message] of wrong) {
    await expect(other.acquire()).rejects.toMatchObject({ code: 'LEASEHOLD_CONFLICT' })
    await expect(other.acquire()).rejects.toThrow(message)
    await expect(other.tryAcquire()).rejects.toThrow(message)
  }
  for (const other of theirs) expect(await other.release(), other.stderr).toBe(0)
})

test('a name that is free again may be of the other kind, also after consul lock', async () => {
  const name = freshName()
  const client = await store.client()
  await (await client.semaphore(name, { permits: 3 }).acquire()).release()
  const theirs = await lock(name)
  await theirs.held
  await theirs.release()
  await (await client.semaphore(name, { permits: 2 }).acquire()).release()
  const others = await lock(name, { permits: 4 })
  await others.held
  await others.release()
  await (await client.mutex(name).acquire()).release()
})

test('consul lock goes on where a session of ours has died with a permit', async () => {
  const name = freshName()
  const client = await store.client()
  await client.semaphore(name, { permits: 2 }).acquire()
  await client.semaphore(name, { permits: 2 }).acquire()
  const theirs = await lock(name, { permits: 2 })
  const contenders = await store.contenders(name, 3)
  expect(theirs.holds).toBe(false)

  await store.destroySession(contenders[0]?.session)
  await theirs.held

  expect(await theirs.release()).toBe(0)
})

test('names with spaces and accents are separate locks, and leave those of consul lock alone', async () => {
  const client = await store.client()
  const name = freshName()
  const theirs = await lock(name)
  await theirs.held
  for (const other of [`${name} `, `${name}/x`, `${name}é`, `/${name}`, `${name}/`]) {
    const hold = await client.mutex(other).tryAcquire()
    expect(hold?.held, other).toBe(true)
    await hold?.release()
  }
  expect(await client.mutex(name).tryAcquire()).toBeUndefined()
  expect(await theirs.release()).toBe(0)
})
