// Somebody breaks a lock from outside, with the consul program or its API: the holder learns of it, the next one goes on.
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Hold, Leasehold } from '../../../../src/index.ts'
import { ownedFolder } from '../../../../tools/servers/children.mjs'
import { until } from '../../../../tools/servers/wait.mjs'
import { ConsulLock } from '../../../servers/consul-lock.ts'
import { freshName, lockFlags, useConsul } from '../../../servers/consul-store.ts'

const store = useConsul()
const ttlMs = 10_000
/** How soon a holder learns of its loss, and some time for a busy machine. */
const toldMs = ttlMs / 3 + 1_000

/** Runs the consul program, and fails where it fails. */
async function consul(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await store.cluster.consul(args)
  expect(code, stderr).toBe(0)
  return stdout
}

/** Resolves when the hold is known to be lost. */
async function lost(hold: Hold | undefined): Promise<void> {
  if (!hold?.signal.aborted) await once(hold?.signal as AbortSignal, 'abort')
  expect(hold?.signal.reason).toMatchObject({ code: 'LEASEHOLD_HOLD_LOST' })
  expect(hold?.held).toBe(false)
  await expect(hold?.verify()).rejects.toMatchObject({ code: 'LEASEHOLD_HOLD_LOST' })
}

interface Scene {
  readonly name: string
  readonly holder: Leasehold
  readonly hold: Hold
  readonly waiting: readonly Promise<Hold>[]
  readonly tickets: readonly { readonly key: string; readonly session: string | undefined }[]
}

/** A holder, and two who wait in line. */
async function scene(kind: 'mutex' | 'semaphore', lockDelayMs = 0): Promise<Scene> {
  const name = freshName()
  const clients = await store.clients(3, { ttlMs, lockDelayMs, unsafeTwoMayHold: true })
  const locks = clients.map((client) =>
    kind === 'mutex' ? client.mutex(name) : client.semaphore(name, { permits: 2 }),
  )
  const hold = (await locks[0]?.acquire()) as Hold
  if (kind === 'semaphore') await locks[0]?.acquire()
  const waiting: Promise<Hold>[] = []
  for (const lock of locks.slice(1)) {
    const asked = lock.acquire()
    asked.catch(() => {})
    waiting.push(asked)
    await store.line(name, waiting.length)
  }
  return { name, holder: clients[0] as Leasehold, hold, waiting, tickets: await store.line(name, 2) }
}

/** Each who waits has its turn, after the one before it, with a larger token. */
async function takeTurns(waiting: readonly Promise<Hold>[], after: bigint): Promise<void> {
  let last = after
  for (const asked of waiting) {
    const hold = await asked
    expect(hold.token).toBeGreaterThan(last)
    last = hold.token
    await hold.verify()
    await hold.release()
  }
}

const breaks: Record<string, (scene: Scene) => Promise<unknown>> = {
  'deletes its key': ({ name }) => consul('kv', 'delete', `${name}/.lock`),
  'deletes all keys of the name': ({ name }) => consul('kv', 'delete', '-recurse', `${name}/`),
  'destroys its session': async ({ name }) =>
    store.destroySession((await store.key(`${name}/.lock`))?.session),
  'gives it to nobody': async ({ name }) => {
    const { session } = (await store.key(`${name}/.lock`)) ?? {}
    expect(await store.put(`${name}/.lock`, '', `flags=${lockFlags}&release=${session}`)).toBe(true)
  },
}

test.for(Object.entries(breaks))(
  'a holder of a mutex learns soon that an operator %s, and the waiters have their turns',
  async ([, breakIt]) => {
    const the = await scene('mutex')

    const began = performance.now()
    await breakIt(the)
    await lost(the.hold)

    expect(performance.now() - began).toBeLessThan(toldMs)
    // If all places were lost, not necessarily in the order of arrival.
    await Promise.all(the.waiting.map((asked) => takeTurns([asked], the.hold.token)))
    await (await the.holder.mutex(the.name).acquire()).release()
  },
)

const breaksOfSemaphores: typeof breaks = {
  'deletes its key': async ({ name }) => {
    const [first] = await store.contenders(name, 2)
    await consul('kv', 'delete', first?.key ?? '')
  },
  'deletes the list of holders': breaks['deletes its key'] as (scene: Scene) => Promise<unknown>,
  'deletes all keys of the name': breaks['deletes all keys of the name'] as (
    scene: Scene,
  ) => Promise<unknown>,
  'destroys its session': async ({ name }) =>
    store.destroySession((await store.contenders(name, 2))[0]?.session),
}

test.for(Object.entries(breaksOfSemaphores))(
  'a holder of a permit learns soon that an operator %s, and the waiters have their turns',
  async ([, breakIt]) => {
    const the = await scene('semaphore')

    const began = performance.now()
    await breakIt(the)
    await lost(the.hold)

    expect(performance.now() - began).toBeLessThan(toldMs)
    // With two permits, and after all places are lost, not necessarily in the order of coming.
    await Promise.all(the.waiting.map((asked) => takeTurns([asked], the.hold.token)))
  },
)

test('an operator who writes the key of a mutex takes it from nobody', async () => {
  const { name, hold, waiting } = await scene('mutex')

  await consul('kv', 'put', `${name}/.lock`, 'operator was here')
  await hold.verify()
  await new Promise((resolve) => setTimeout(resolve, toldMs)) // nothing may be told
  await hold.verify()
  expect(hold.signal.aborted).toBe(false)
  await hold.checkpoint('still mine')
  await hold.release()

  await takeTurns(waiting, hold.token)
  await store.delete(`${name}/.checkpoint`)
})

test('an operator who writes the key of a mutex takes it from nobody, also where nobody waits', async () => {
  const name = freshName()
  const hold = await (await store.client()).mutex(name).acquire()
  await consul('kv', 'put', `${name}/.lock`, 'operator was here')
  await hold.verify()
  await hold.release()
  expect(await store.keys(name)).toEqual([])
})

test('an operator who writes the key of a permit takes it from nobody', async () => {
  const name = freshName()
  const client = await store.client()
  const hold = await client.semaphore(name, { permits: 2 }).acquire()
  const [own] = await store.contenders(name, 1)
  await consul('kv', 'put', own?.key ?? '', 'operator was here')
  await hold.verify()
  await hold.release()
  expect(await store.keys(name)).toEqual([])
})

test.for(['mutex', 'semaphore'] as const)(
  'a waiter for a %s that loses its place stands at the end of the line, and has its turn',
  async (kind) => {
    const { hold, waiting, tickets } = await scene(kind)
    await consul('kv', 'delete', tickets[0]?.key ?? '')
    await hold.release()

    const [first, second] = waiting as [Promise<Hold>, Promise<Hold>]
    await takeTurns([second, first], hold.token)
  },
)

test.for(['mutex', 'semaphore'] as const)(
  'a waiter for a %s that loses its session waits on with a new one',
  async (kind) => {
    const { name, hold, waiting, tickets } = await scene(kind)

    await store.destroySession(tickets[0]?.session)
    await until(async () => (await store.keys(`${name}/.line/`)).length === 2, {
      describe: () => 'both in line',
    })
    await hold.release()

    const [first, second] = waiting as [Promise<Hold>, Promise<Hold>]
    await takeTurns([second, first], hold.token)
  },
)

/** Saves what the store has; the function returned brings it back. */
async function snapshot(): Promise<() => Promise<unknown>> {
  const folder = ownedFolder('leasehold-snapshot')
  onTestFinished(() => folder.remove())
  const file = join(folder.path, 'snapshot')
  await consul('snapshot', 'save', file)
  return () => consul('snapshot', 'restore', file)
}

test('a snapshot that is restored while nothing has changed breaks no lock', async () => {
  const { hold, waiting } = await scene('mutex')
  const restore = await snapshot()

  await restore()

  await hold.verify()
  await hold.release()
  await takeTurns(waiting, hold.token)
})

test('a holder learns soon that an older snapshot was restored, and tokens still grow', async () => {
  const { name, holder, hold, waiting } = await scene('mutex')
  const restore = await snapshot()
  await hold.release()
  const next = await (waiting[0] as Promise<Hold>)

  const began = performance.now()
  await restore() // to when the first one held
  await lost(next)

  expect(performance.now() - began).toBeLessThan(toldMs)
  const again = await holder.mutex(name).acquire()
  expect(again.token).toBeGreaterThan(next.token)
  await again.release()
  await takeTurns(waiting.slice(1), again.token)
})

test('keys of a client that an older snapshot brings back are gone when the client closes', async () => {
  const { holder, hold, waiting } = await scene('mutex')
  const restore = await snapshot()
  await hold.release()
  const next = await (waiting[0] as Promise<Hold>)

  await restore() // to when the first one held, which does not know that it does
  await lost(next)
  await holder.close()

  await takeTurns(waiting.slice(1), next.token)
})

test('after a session was destroyed nobody holds before the lock-delay is over, and soon after it', async () => {
  const lockDelayMs = 3_000
  const name = freshName()
  const [holder, waiter, other] = (await store.clients(3, { lockDelayMs })) as [
    Leasehold,
    Leasehold,
    Leasehold,
  ]
  const hold = await holder.mutex(name).acquire()
  const theirs = await ConsulLock.start(store.cluster.address, name)
  await until(async () => (await store.sessions()).some(({ Name }) => Name.startsWith('Consul lock')), {
    describe: () => 'consul lock',
  })
  const waiting = waiter.mutex(name).acquire()
  await store.line(name, 1)

  const began = performance.now()
  await store.destroySession((await store.key(`${name}/.lock`))?.session)
  const refused = [other.mutex(name).acquire({ waitMs: 500 }), other.mutex(name).acquire({ waitMs: 0 })]
  for (const asked of refused) asked.catch(() => {})
  for (const asked of refused) {
    await expect(asked).rejects.toMatchObject({ code: 'LEASEHOLD_WAIT_TIMEOUT' })
    // Only the first waiter in line knows of the lock-delay; these two stand behind it.
    await expect(asked).rejects.toThrow(/nobody holds it at this moment, with [12] waiting/)
  }
  expect(await other.mutex(name).tryAcquire()).toBeUndefined()

  const next = await waiting
  const tookMs = performance.now() - began
  expect(tookMs).toBeGreaterThanOrEqual(lockDelayMs - 50)
  expect(tookMs).toBeLessThan(lockDelayMs + 1_000)
  expect(theirs.holds).toBe(false)
  expect(next.token).toBeGreaterThan(hold.token)
  await next.release()
  await theirs.held
  expect(await theirs.release()).toBe(0)
})

test('where it is switched off there is no lock-delay, and after a release there is none at all', async () => {
  const [without, withDelay, next] = [
    await store.client({ lockDelayMs: 0, unsafeTwoMayHold: true }),
    await store.client({ lockDelayMs: 60_000 }),
    await store.client(),
  ]
  const name = freshName()
  await without.mutex(name).acquire()
  await store.destroySession((await store.key(`${name}/.lock`))?.session)
  const first = await next.mutex(name).tryAcquire()
  expect(first?.held).toBe(true)
  await first?.release()

  await (await withDelay.mutex(name).acquire()).release()
  const second = await next.mutex(name).tryAcquire()
  expect(second?.held).toBe(true)
  await second?.release()

  await withDelay.mutex(name).acquire()
  await withDelay.close()
  const third = await next.mutex(name).tryAcquire()
  expect(third?.held).toBe(true)
  await third?.release()
})
