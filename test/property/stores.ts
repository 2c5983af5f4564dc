// The simulated stores in the shape that runs need. Owns who holds a name in each, read from the store's own data by
// the rules of its ecosystem and not by our code.

import { leaseOf } from '../../src/backends/etcd/layout.ts'
import { MemoryBackend } from '../../src/backends/memory/backend.ts'
import { listen } from '../../src/backends/shared/listeners.ts'
import { cohortPermits } from '../../src/base/shapes.ts'
import type { BackendSource } from '../../src/contract.ts'
import { simulatedConsul } from '../../src/testing/consul/index.ts'
import { SimConsul, soundConsul } from '../../src/testing/consul/server.ts'
import { simulatedEtcd } from '../../src/testing/etcd/index.ts'
import { SimEtcd, soundEtcd } from '../../src/testing/etcd/server.ts'
import type { Network } from '../../src/testing/network.ts'
import { SimProcess } from '../../src/testing/process.ts'
import { SimHost } from '../../src/testing/server.ts'
import type { World } from '../../src/testing/world.ts'
import type { Victim } from './breaks.ts'

/** A simulated store, with the operations of a run. */
export interface SimStore {
  readonly host: SimHost
  readonly ttlMs: number
  /** The least that the store takes. */
  readonly ttlMsMin: number
  /** How old an admission may be and be believed, on the slowest clock: a thirtieth of the time to live. */
  readonly believedMs: number
  /** How long one request may take, on the slowest clock. */
  readonly requestMs: number
  /** How long its locks may stay taken after a crash. */
  readonly takeOverMs: number
  /** For how long it keeps a lock from everyone after it ended the holder's session. */
  readonly lockDelayMs: number
  source(process: SimProcess): BackendSource
  /** The processes whose claims hold this name now. */
  owners(name: string, permits: number): string[]
  /** The processes whose claims stand in the line of this name, as far as the store shows them beyond its owners. */
  standing(name: string): string[]
  /** The present checkpoint of the name. */
  checkpoint(name: string): string | undefined
  /** The process that opened this session. */
  processOf(session: string): string
  /** A number that every change of the store increases. No token is ahead of it. */
  revision(): bigint
  /**
   * Removes the first claim or session, as an operator does, without our code. Before that it reports the process or
   * name.
   */
  operate(what: 'end session' | 'delete key', rob: (victim: Victim) => void): void
  /** Ends all sessions of a process, as a store does that may end them early: its server died, a check failed. */
  endEarly(process: string): void
  /** Lets a process talk to a leader that is none any more, or to the true one again. */
  mislead(process: string, on: boolean): void
  /** Lets it misbehave as real ones have, or behave again. */
  misbehave(on: boolean): void
  changeLeader(ms: number): void
  restart(ms: number): void
  /** The claims and sessions that are left. After a healthy run there must be none, not even marker keys. */
  leftovers(healthy: boolean): string[]
  /** The number of requests so far. */
  requests(): number
}

export type MakeStore = (world: World, network: Network, committed: () => void) => SimStore

/** The option `lockDelayMs` of etcd in these runs. */
const etcdDelayMs = 3_000

const etcdWith =
  (lockDelayMs: number): MakeStore =>
  (world, network, committed) => {
    const server = new SimEtcd(world, committed)
    const opened: { process: SimProcess; source: ReturnType<typeof simulatedEtcd> }[] = []
    const processOf = (lease: string): string => {
      const owner = opened.find(({ source }) => source.transports.some(({ leases }) => leases.has(lease)))
      return owner?.process.name ?? 'nobody'
    }
    return {
      host: server.host,
      ttlMs: 4_000,
      ttlMsMin: 2_000,
      believedMs: 145,
      requestMs: 1_300,
      // A stopped leader may end the lease that ends a lock-delay late, too.
      takeOverMs: 5_000 + 2 * lockDelayMs,
      lockDelayMs,
      processOf: (session) => processOf(leaseOf(session)),
      revision: () => server.state.revision,
      source(process) {
        const source = simulatedEtcd(network, process, server, { lockDelayMs })
        opened.push({ process, source })
        return source
      },
      owners(name, permits) {
        const keys = server.state.range(`${name}/`, `${name}0`)
        const inLine = keys.sort((one, other) => Number(one.created - other.created))
        // A claim that died keeps its permit, by its record, until the lock-delay is over.
        const records = server.state.range(`\0leasehold/claimed/${name}\0`, `\0leasehold/claimed/${name}\x01`)
        const stands = (at: bigint): boolean => inLine.some(({ created }) => created === at)
        const dead = records.filter(({ modified }) => !stands(modified)).map(({ created }) => created)
        const ahead = (at: bigint): number => dead.filter((created) => created < at).length
        const inTurn = inLine.filter(({ created }, index) => index + ahead(created) < permits)
        return inTurn.map(({ lease }) => processOf(lease))
      },
      standing: (name) => server.state.range(`${name}/`, `${name}0`).map(({ lease }) => processOf(lease)),
      checkpoint: (name) => server.state.range(`\0leasehold/checkpoint/${name}`)[0]?.value.toString(),
      operate(what, rob) {
        const [lease] = server.leases
        const [stored] = server.state.range('n', 'o')
        if (what === 'end session' && lease) {
          rob({ process: processOf(lease) })
          server.revoke(lease)
        } else if (stored) {
          rob({ process: processOf(stored.lease), name: nameOf(stored.key) })
          const remove = { request_delete_range: { key: Buffer.from(stored.key) } }
          server.txn({ compare: [], success: [remove], failure: [] })
        }
      },
      endEarly(process) {
        if (lockDelayMs === 0) return // without a lock-delay nothing protects from that
        for (const lease of server.leases) if (processOf(lease) === process) server.endEarly(lease)
      },
      mislead(name, on) {
        if (lockDelayMs === 0) return
        const { source } = opened.findLast(({ process }) => process.name === name) ?? {}
        for (const transport of source?.transports ?? []) transport.atStaleLeader = on
      },
      misbehave(on) {
        server.faults = on ? { lagging: 30, forgotten: 2, cancelled: 20, falseRenewals: 10 } : soundEtcd
      },
      changeLeader: (ms) => server.changeLeader(ms),
      restart: (ms) => server.restart(ms),
      leftovers(healthy) {
        const keys = server.state.range('\0', '\0').map(({ key }) => JSON.stringify(key))
        // The record of a claim that died stays until the next one on its name.
        const stale = (key: string): boolean => !healthy && key.includes('claimed/')
        const isMark = (key: string): boolean => key.includes(`/0.${cohortPermits}.`)
        const left = keys.filter((key) => !key.includes('checkpoint/') && !stale(key) && !isMark(key))
        return [...left, ...server.leases]
      },
      requests: () => countRequests(opened),
    }
  }

const consul: MakeStore = (world, network, committed) => {
  const server = new SimConsul(world, committed)
  const opened: { process: SimProcess; source: ReturnType<typeof simulatedConsul> }[] = []
  const processOf = (session: string): string => {
    const owner = opened.find(({ source }) => source.transports.some(({ sessions }) => sessions.has(session)))
    return owner?.process.name ?? 'nobody'
  }
  /** Of a semaphore: holders on the list that have a key of their own, which lives as long as their session. */
  const liveOwners = (key: string): string[] => {
    const [lock] = server.read({ key }).entries
    const list = lock && !lock.session ? JSON.parse(lock.value) : {}
    const holders = Object.keys(list.Holders ?? list.Weights ?? {})
    const own = (holder: string): string => key.replace(/\.lock$/, holder)
    return holders.filter((holder) => server.read({ key: own(holder) }).entries.length > 0).map(processOf)
  }
  const lockDelayMs = 5_000
  return {
    host: server.host,
    ttlMs: 10_000,
    ttlMsMin: 10_000,
    believedMs: 355,
    requestMs: 3_250,
    takeOverMs: 20_500 + lockDelayMs,
    lockDelayMs,
    processOf,
    revision: () => BigInt(server.state.index),
    source(process) {
      const source = simulatedConsul(network, process, server, { lockDelayMs })
      opened.push({ process, source })
      return source
    },
    standing(name) {
      const { entries } = server.read({ prefix: `${name}/.line/` })
      return entries.map(({ session }) => processOf(session ?? ''))
    },
    checkpoint: (name) => server.read({ key: `${name}/.checkpoint` }).entries[0]?.value,
    owners(name, permits) {
      const [lock] = server.read({ key: `${name}/.lock` }).entries
      if (permits > 1) return liveOwners(`${name}/.lock`)
      return lock?.session ? [processOf(lock.session)] : []
    },
    operate(what, rob) {
      const [session] = server.state.sessions
      const { entries } = server.read({ prefix: 'n' })
      const entry = entries.find(({ key }) => !key.endsWith('/.checkpoint')) // a key of data, which is no claim
      if (what === 'end session' && session) {
        rob({ process: processOf(session) })
        server.destroySession(session)
      } else if (entry) {
        const { session, key } = entry
        // A list of holders has no session. Deleting it concerns all of them.
        rob({ process: session && processOf(session), name: nameOf(key) })
        server.txn([{ verb: 'delete', key: entry.key }])
      }
    },
    endEarly(process) {
      const ended = server.state.sessions.filter((session) => processOf(session) === process)
      for (const session of ended) server.endEarly(session)
    },
    mislead(name, on) {
      const { source } = opened.findLast(({ process }) => process.name === name) ?? {}
      for (const transport of source?.transports ?? []) transport.atStaleLeader = on
    },
    misbehave(on) {
      server.faults = on ? { spurious: 20, stale: 20, reset: 10, falseRenewals: 10 } : soundConsul
    },
    changeLeader: (ms) => server.changeLeader(ms),
    restart: (ms) => server.restart(ms),
    leftovers(healthy) {
      const keys = server.read({ prefix: '' }).entries.map(({ key }) => key)
      // The marker key of a line may outlive a crash, and so may a list of dead holders: the next holder removes them.
      const stale = (key: string): boolean => key.endsWith('/.lock') && liveOwners(key).length === 0
      // The list of a mutex with `handoff` stays: it keeps the form of the name.
      const isMark = (key: string): boolean =>
        key.endsWith('/.lock') &&
        server.read({ key }).entries[0]?.value === `{"Limit":${cohortPermits},"Weights":{}}`
      const ours = keys.filter((key) => !key.endsWith('/.checkpoint') && !isMark(key))
      const left = healthy ? ours : ours.filter((key) => !key.endsWith('/.line') && !stale(key))
      return [...left, ...server.state.sessions]
    },
    requests: () => countRequests(opened),
  }
}

/** All names of all plans. */
const namesInMemory = ['n0', 'n1', 'n2', 'n3', 'n4', 'n5']

/**
 * One store for all processes of a run, on a clock of its own. The store never fails; faults concern only its clients.
 */
const memory: MakeStore = (world, _network, committed) => {
  const store = new MemoryBackend(new SimProcess(world, 'memory'))
  const owners = new Map<string, string>()
  // The store answers at once, so before `release`, which has just asked, has returned.
  for (const name of namesInMemory) listen(store.watchers, name, () => world.after(0, committed))
  return {
    host: new SimHost(world, 'memory'),
    ttlMs: 4_000,
    ttlMsMin: 2_000,
    believedMs: 0,
    requestMs: 0,
    takeOverMs: 5_000,
    lockDelayMs: 0,
    processOf: (session) => owners.get(session) ?? 'nobody',
    revision: () => 0n,
    source: ({ name }) => ({
      url: 'memory:',
      open: async () => noting(store, (session) => owners.set(session, name)),
    }),
    standing: (name) => store.places(name).map(({ claim }) => owners.get(claim.session) ?? 'nobody'),
    checkpoint: (name) => store.texts.get(name),
    owners: (name, permits) => {
      const places = store.places(name).slice(0, permits)
      return places.map(({ claim }) => owners.get(claim.session) ?? 'nobody')
    },
    operate: () => {},
    endEarly: () => {},
    mislead: () => {},
    misbehave: () => {},
    changeLeader: () => {},
    restart: () => {},
    leftovers: () => namesInMemory.flatMap((name) => store.places(name).map(({ claim }) => claim.id)),
    requests: () => 0, // there are no requests
  }
}

/** The same store, which tells the id of each session that is opened. */
function noting(store: MemoryBackend, note: (session: string) => void): MemoryBackend {
  const createSession: MemoryBackend['createSession'] = async (ttlMs, signal) => {
    const grant = await store.createSession(ttlMs, signal)
    note(grant.id)
    return grant
  }
  return new Proxy(store, {
    get: (_, property: keyof MemoryBackend) => {
      if (property === 'createSession') return createSession
      const original: unknown = store[property]
      return typeof original === 'function' ? original.bind(store) : original
    },
  })
}

function countRequests(
  opened: readonly { source: { transports: readonly { requests: number }[] } }[],
): number {
  return opened.flatMap(({ source }) => source.transports).reduce((sum, { requests }) => sum + requests, 0)
}

function nameOf(key: string): string {
  return key.slice(0, key.indexOf('/'))
}

export const stores = {
  etcd: etcdWith(0),
  'etcd-delay': etcdWith(etcdDelayMs),
  consul,
  memory,
} as const
export type StoreName = keyof typeof stores
