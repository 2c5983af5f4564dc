// Everything that a mutex and a semaphore leave in a store while two clients hold and wait, byte for byte. Clients of other
// versions, etcdctl, `consul lock` and Go read and write the same, so no change of these texts is harmless.
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadDriver } from '../../../src/backends/file/driver.ts'
import type { BackendSource } from '../../../src/contract.ts'
import { connect, type Leasehold, type Lock } from '../../../src/index.ts'
import { simulatedConsul } from '../../../src/testing/consul/index.ts'
import { SimConsul } from '../../../src/testing/consul/server.ts'
import { simulatedEtcd } from '../../../src/testing/etcd/index.ts'
import { SimEtcd } from '../../../src/testing/etcd/server.ts'
import { Network } from '../../../src/testing/network.ts'
import { SimProcess } from '../../../src/testing/process.ts'
import { World } from '../../../src/testing/world.ts'
import { emptyDirectory, remove } from '../file/processes.ts'

/** A store with two clients. */
interface Shown {
  readonly clients: readonly [Leasehold, Leasehold]
  /** Resolves as the promise does, and lets time pass meanwhile. */
  within<T>(promise: Promise<T>): Promise<T>
  /** Lets enough time pass for a claim to stand in line. */
  settle(): Promise<void>
  /** The contents of the store, one text for each key or row. */
  read(): string[]
}

const forms = {
  mutex: (client: Leasehold): Lock => client.mutex('a/b'),
  semaphore: (client: Leasehold): Lock => client.semaphore('a', { permits: 2 }),
}

/**
 * The text with the names of sessions, and of this process, replaced by words that are the same in every run. A claim that waits for
 * a permit in Consul has a session of its own.
 */
function masked(text: string, { clients }: Pick<Shown, 'clients'>): string {
  const named = clients.reduce(
    (masking, { session = '' }, index) => masking.replaceAll(session, `<session ${index + 1}>`),
    text,
  )
  return named
    .replace(/"host":"[^"]*"/, '"host":"<host>"')
    .replace(/"pid":\d+/, '"pid":<pid>')
    .replace(/"since":"[^"]*Z"/, '"since":"<time>"')
    .replaceAll(/[0-9a-f]{16}(?=[.]|$)/g, '<its own session>')
}

/** The store while the first client holds once, and the second one as often as it can and once more. */
async function shownBy(open: () => Promise<Shown>, form: keyof typeof forms): Promise<string[]> {
  const shown = await open()
  const [one, other] = shown.clients.map(forms[form]) as [Lock, Lock]
  const holds = [await shown.within(one.acquire())]
  if (form === 'semaphore') holds.push(await shown.within(other.acquire()))
  const waiting = other.acquire()
  await shown.settle()
  const texts = shown
    .read()
    .map((text) => masked(text, shown))
    .sort()
  await shown.within(Promise.all(holds.map((hold) => hold.release())))
  await shown.within(waiting.then((hold) => hold.release()))
  await shown.within(Promise.all(shown.clients.map((client) => client.close())))
  return texts
}

/** Two clients of a simulated server. */
async function simulated(
  world: World,
  source: (process: SimProcess) => BackendSource,
  read: () => string[],
): Promise<Shown> {
  const within = async <T>(promise: Promise<T>): Promise<T> => {
    let over = false
    const settled = promise.finally(() => {
      over = true
    })
    settled.catch(() => {})
    await world.run(world.nowMs + 10_000, () => over)
    return settled
  }
  const open = (name: string): Promise<Leasehold> => {
    const process = new SimProcess(world, name)
    return within(connect(source(process), { clock: process, ttlMs: 10_000 }))
  }
  const clients = [await open('one'), await open('other')] as const
  return { clients, within, settle: () => world.run(world.nowMs + 200), read }
}

const inEtcd = (lockDelayMs: number) => (): Promise<Shown> => {
  const world = new World(1)
  const [network, server] = [new Network(world), new SimEtcd(world)]
  const read = (): string[] =>
    server.state.range('\0', '\0').map(({ key, value, lease }) => {
      return `${key.replaceAll('\0', '\\0')} = ${value} of ${BigInt(lease) ? BigInt(lease).toString(16) : 'no lease'}`
    })
  return simulated(world, (process) => simulatedEtcd(network, process, server, { lockDelayMs }), read)
}

const inConsul = (): Promise<Shown> => {
  const world = new World(1)
  const [network, server] = [new Network(world), new SimConsul(world)]
  const read = (): string[] =>
    server.read({ prefix: '' }).entries.map(({ key, value, flags, session }) => {
      return `${key} = ${value} flags ${flags} ${session ? `locked by ${session}` : 'not locked'}`
    })
  return simulated(world, (process) => simulatedConsul(network, process, server, {}), read)
}

async function inFile(): Promise<Shown> {
  const directory = emptyDirectory()
  onTestFinished(() => remove(directory))
  const url = pathToFileURL(directory).href
  const driver = await loadDriver()
  const clients = [await connect(url), await connect(url)] as const
  return {
    ...{ clients, within: (promise) => promise },
    settle: () => new Promise((resolve) => setTimeout(resolve, 100)),
    read() {
      const database = driver.open(`${directory}/leasehold.db`)
      const rows = database.prepare("SELECT * FROM claims WHERE name != ''").all()
      database.close()
      return rows.map((row) => Object.values(row as object).join(' | '))
    },
  }
}

const stores = { etcd: inEtcd(0), 'etcd with a lock-delay': inEtcd(5_000), Consul: inConsul, file: inFile }

/** The value of a claim. */
const value = '{"host":"<host>","pid":<pid>,"since":"<time>"}'
const [go, goSemaphore] = ['flags 3304740253564472344', 'flags 16210313421097356768']

/** The texts of each store, sorted. Change them only together with the number of a version that may not be mixed with others. */
const expected: Record<keyof typeof stores, Record<keyof typeof forms, string[]>> = {
  etcd: {
    mutex: [`a/b/<session 1> = ${value} of <session 1>`, `a/b/<session 2> = ${value} of <session 2>`],
    semaphore: [
      `a/<session 1>.2.1 = ${value} of <session 1>`,
      `a/<session 2>.2.1 = ${value} of <session 2>`,
      `a/<session 2>.2.2 = ${value} of <session 2>`,
    ],
  },
  'etcd with a lock-delay': {
    mutex: [
      String.raw`\0leasehold/claimed/a/b\0<session 1>.1 =  of no lease`,
      String.raw`\0leasehold/claimed/a/b\0<session 2>.1 =  of no lease`,
      String.raw`\0leasehold/session/<session 1> =  of <session 1>`,
      String.raw`\0leasehold/session/<session 2> =  of <session 2>`,
      `a/b/<session 1> = ${value} of <session 1>`,
      `a/b/<session 2> = ${value} of <session 2>`,
    ],
    semaphore: [
      String.raw`\0leasehold/claimed/a\0<session 1>.1 =  of no lease`,
      String.raw`\0leasehold/claimed/a\0<session 2>.1 =  of no lease`,
      String.raw`\0leasehold/claimed/a\0<session 2>.2 =  of no lease`,
      String.raw`\0leasehold/session/<session 1> =  of <session 1>`,
      String.raw`\0leasehold/session/<session 2> =  of <session 2>`,
      `a/<session 1>.2.1 = ${value} of <session 1>`,
      `a/<session 2>.2.1 = ${value} of <session 2>`,
      `a/<session 2>.2.2 = ${value} of <session 2>`,
    ],
  },
  Consul: {
    mutex: [
      'a/b/.line = a/b/.line/<session 2>.1.1 flags 0 not locked',
      `a/b/.line/<session 2>.1.1 = ${value} flags 0 locked by <session 2>`,
      `a/b/.lock = ${value} ${go} locked by <session 1>`,
    ],
    semaphore: [
      'a/.line = a/.line/<its own session>.2.2 flags 0 not locked',
      // By the flags, a client that changes the list may put this session on it.
      `a/.line/<its own session>.2.2 = ${value} flags 7810756276994141292 locked by <its own session>`,
      `a/.lock = {"Limit":2,"Holders":{"<session 1>":true,"<session 2>":true}} ${goSemaphore} not locked`,
      `a/<session 1> = ${value} ${goSemaphore} locked by <session 1>`,
      `a/<session 2> = ${value} ${goSemaphore} locked by <session 2>`,
    ],
  },
  file: {
    mutex: [`a/b | 1 | <session 1> | 1 | 1 | ${value}`, `a/b | 2 | <session 2> | 1 | 1 | ${value}`],
    semaphore: [
      `a | 1 | <session 1> | 1 | 2 | ${value}`,
      `a | 2 | <session 2> | 1 | 2 | ${value}`,
      `a | 3 | <session 2> | 2 | 2 | ${value}`,
    ],
  },
}

describe.each(Object.keys(stores) as (keyof typeof stores)[])('on %s', (store) => {
  test.each(Object.keys(forms) as (keyof typeof forms)[])('a %s is what it always was', async (form) => {
    expect(await shownBy(stores[store], form)).toEqual(expected[store][form])
  })
})
