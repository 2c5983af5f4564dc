// The stores that have servers, behind one door, for tests of what all of them promise. Owns where they differ: how a
// line, a session and a write are seen in each without Leasehold.
import { beforeEach } from 'vitest'
import { consul } from '../../src/backends/consul/index.ts'
import { etcdFromUrl } from '../../src/backends/etcd/index.ts'
import type { BackendSource } from '../../src/contract.ts'
import type { ConnectOptions, Leasehold } from '../../src/index.ts'
import type { Member } from '../../tools/servers/run.mjs'
import { openCounter } from './consul-counter.ts'
import { useConsul } from './consul-faults.ts'
import { open, useEtcd } from './etcd.ts'
import { callsOf } from './metrics.ts'

/** The claims on a name. */
export interface Claims {
  readonly holders: number
  readonly waiters: number
}

/** A client, and the number of transactions that its server was asked for since the last question. */
export interface Counted {
  readonly client: Leasehold
  readonly transactions: () => Promise<number>
}

/** How a client reaches its server. */
export interface Reach {
  /** Another address of the server, such as that of a link. */
  readonly endpoint?: string | undefined
  /** Whether the lock-delay is the shortest, for tests in which sessions end. */
  readonly noDelay?: boolean | undefined
}

/** One server of a store, for the tests of a file. */
export interface RealStore {
  /** The time to live of its clients, ms, if a test names none: near the shortest that the store grants. */
  readonly ttlMs: number
  /** How long a client with this time to live waits for the answer to one request, ms. */
  readonly requestMs: number
  readonly endpoint: string
  readonly member: Member
  url(namespace: string): string
  source(namespace: string, reach?: Reach): BackendSource
  /** For a process of `workers.ts`, with the shortest lock-delay. */
  target(namespace: string): string
  /** A separate client, closed at the end of the test. */
  client(namespace: string, options?: ConnectOptions & Reach): Promise<Leasehold>
  counted(namespace: string, options?: ConnectOptions): Promise<Counted>
  /** Resolves once a name has this many claims. */
  line(namespace: string, name: string, claims: Claims): Promise<unknown>
  /** The keys of a prefix, without Leasehold's own records: those end with the session, or stay for a while. */
  names(prefix: string): Promise<string[]>
  /** Ends a session, as an operator can. */
  endSession(session: string): Promise<void>
  /** The sessions that were opened since the test began, and live. */
  sessions(): Promise<string[]>
}

/** Every store with a server. `use` starts one for the tests of a file, or of a part of it. */
export const realStores = [
  { title: 'etcd', use: useEtcdStore },
  { title: 'Consul', use: useConsulStore },
] as const

function useEtcdStore(): RealStore {
  const etcd = useEtcd()
  const ttlMs = 4_000
  const url = (namespace: string) => etcd.cluster.url(namespace)
  const source = (namespace: string, { endpoint }: Reach = {}) =>
    etcdFromUrl(endpoint ? `etcd://${endpoint}/${namespace}` : url(namespace))
  const client = (namespace: string, { endpoint, noDelay, ...options }: ConnectOptions & Reach = {}) =>
    open(source(namespace, { endpoint }), { ttlMs, ...options })
  const keys = async (prefix: string) => (await etcd.keys(prefix)).map(({ key }) => key)
  return {
    ttlMs,
    requestMs: 1_200,
    get endpoint() {
      return etcd.cluster.endpoints[0] ?? ''
    },
    get member() {
      return etcd.cluster.members[0]
    },
    url,
    source,
    target: url,
    client,
    counted: async (namespace, options) => ({
      client: await client(namespace, options),
      transactions: sinceLast(() => callsOf(etcd.cluster, 'Txn')),
    }),
    line: (namespace, name, { holders, waiters }) => etcd.line(namespace, name, holders + waiters),
    names: async (prefix) => (await keys(prefix)).filter((key) => !key.includes('\0leasehold/')),
    async endSession(session) {
      await etcd.gateway('kv/lease/revoke', { ID: String(BigInt(`0x${session}`)) })
    },
    sessions: ofThisTest(() => etcd.leases()),
  }
}

function useConsulStore(): RealStore {
  const store = useConsul()
  const ttlMs = 10_000
  const optionsOf = (namespace: string, { endpoint, noDelay }: Reach = {}) => ({
    endpoints: endpoint ? [endpoint] : store.endpoints,
    namespace,
    ...(noDelay && { lockDelayMs: 0, unsafeTwoMayHold: true }),
  })
  const client = (namespace: string, { endpoint, noDelay, ...options }: ConnectOptions & Reach = {}) =>
    open(consul(optionsOf(namespace, { endpoint, noDelay })), { ttlMs, ...options })
  return {
    ttlMs,
    requestMs: 3_000,
    get endpoint() {
      return store.endpoints[0] ?? ''
    },
    get member() {
      return store.cluster.members[0]
    },
    url: (namespace) => store.url(namespace),
    source: (namespace, reach) => consul(optionsOf(namespace, reach)),
    target: (namespace) => JSON.stringify(optionsOf(namespace, { noDelay: true })),
    client,
    async counted(namespace, options = {}) {
      const counter = await openCounter(store.endpoints[0] ?? '')
      return {
        client: await client(namespace, { ...options, endpoint: counter.address }),
        transactions: async () => counter.take().txn ?? 0,
      }
    },
    // On Consul a ticket is gone once its claim holds.
    line: (namespace, name, { waiters }) => store.line(namespace, name, waiters),
    names: (prefix) => store.names(prefix),
    endSession: (session) => store.destroy(session),
    sessions: ofThisTest(async () => (await store.sessions()).map(({ ID }) => ID)),
  }
}

/** The growth of a number since it was last asked for. */
function sinceLast(count: () => Promise<number>): () => Promise<number> {
  let last = 0
  return async () => {
    const before = last
    last = await count()
    return last - before
  }
}

/** The entries of a list that were not there when the test began: a lost session of an earlier one may live on. */
function ofThisTest(list: () => Promise<string[]>): () => Promise<string[]> {
  let earlier = new Set<string>()
  beforeEach(async () => {
    earlier = new Set(await list())
  })
  return async () => (await list()).filter((one) => !earlier.has(one))
}
