// The etcd of one test file, and the questions that tests ask without Leasehold: which keys and leases exist. Owns
// that each test closes its clients, and fails on a warning or an unhandled rejection.
import { afterAll, afterEach, beforeAll, expect, onTestFinished } from 'vitest'
import { type BackendSource, type ConnectOptions, connect, type Leasehold } from '../../src/index.ts'
import { ask } from '../../tools/servers/loopback.mjs'
import { type EtcdCluster, type EtcdOptions, startEtcd } from '../../tools/servers/run.mjs'
import { until } from '../../tools/servers/wait.mjs'

/** A key in the store. */
export interface StoredKey {
  readonly key: string
  readonly value: string
  readonly lease: bigint
  readonly created: bigint
}

/** Starts one etcd for the tests of a file, with durability switched off for speed. */
export function useEtcd(options: EtcdOptions = {}): TestEtcd {
  const etcd = new TestEtcd()
  beforeAll(async () => {
    etcd.cluster = await startEtcd({ unsafeNoFsync: true, ...options })
  })
  afterAll(() => etcd.cluster?.close())
  failOnComplaints()
  return etcd
}

/** Makes every test of the file fail if Node emits a warning or an unhandled rejection meanwhile. */
export function failOnComplaints(): void {
  const complaints: unknown[] = []
  const complain = (complaint: unknown): void => {
    if ((complaint as Error)?.name !== 'ExperimentalWarning') complaints.push(complaint)
  }
  beforeAll(() => {
    process.on('warning', complain).on('unhandledRejection', complain)
  })
  afterEach(() => expect(complaints.splice(0)).toEqual([]))
  afterAll(() => {
    process.off('warning', complain).off('unhandledRejection', complain)
  })
}

let namespaces = 0

/** A namespace that no other test has. */
export function freshNamespace(): string {
  namespaces += 1
  return `test-${namespaces}/`
}

/** Connects, and closes at the end of the test. */
export async function open(target: string | BackendSource, options: ConnectOptions = {}): Promise<Leasehold> {
  const client = await connect(target, options)
  onTestFinished(() => client.close())
  return client
}

export class TestEtcd {
  cluster!: EtcdCluster

  /** A separate client, closed at the end of the test. */
  client(namespace: string, options: ConnectOptions = {}): Promise<Leasehold> {
    return open(this.cluster.url(namespace), { ttlMs: 5_000, ...options })
  }

  /** The entries under a prefix, in the order of creation. */
  async keys(prefix = ''): Promise<StoredKey[]> {
    const end =
      prefix === ''
        ? '\0'
        : `${prefix.slice(0, -1)}${String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)}`
    const body = {
      key: base64(prefix || '\0'),
      range_end: base64(end),
      sort_target: 'CREATE',
      sort_order: 'ASCEND',
    }
    const { kvs = [] } = await this.gateway('kv/range', body)
    return kvs.map((kv: Record<string, string>) => ({
      key: Buffer.from(kv.key ?? '', 'base64').toString(),
      value: Buffer.from(kv.value ?? '', 'base64').toString(),
      lease: BigInt(kv.lease ?? 0),
      created: BigInt(kv.create_revision ?? 0),
    }))
  }

  /** Resolves with the line of a lock once it has this many claims. */
  line(namespace: string, name: string, length: number): Promise<StoredKey[]> {
    const describe = (): string => `${length} claims on ${name}`
    return until(
      async () => {
        const keys = await this.keys(`${namespace}${name}/`)
        return keys.length === length && keys
      },
      { describe, everyMs: 5 },
    )
  }

  async leases(): Promise<string[]> {
    const { leases = [] } = await this.gateway('lease/leases', {})
    return leases.map(({ ID }: { ID: string }) => ID)
  }

  async revision(): Promise<bigint> {
    const { header } = await this.gateway('kv/range', { key: base64('\0') })
    return BigInt(header.revision)
  }

  put(key: string, value = ''): Promise<unknown> {
    return this.gateway('kv/put', { key: base64(key), value: base64(value) })
  }

  /** Writes so many empty keys: the prefix and a number. */
  async putMany(prefix: string, count: number): Promise<void> {
    const atOnce = 100 // etcd takes 128 in one transaction
    for (let from = 0; from < count; from += atOnce) {
      const keys = Array.from(
        { length: Math.min(atOnce, count - from) },
        (_, index) => `${prefix}${from + index}`,
      )
      await this.gateway('kv/txn', { success: keys.map((key) => ({ requestPut: { key: base64(key) } })) })
    }
  }

  /** Asks the JSON gateway of the first running member, which is faster than starting etcdctl. */
  // biome-ignore lint/suspicious/noExplicitAny: the answers of etcd's JSON gateway, as they are
  async gateway(path: string, body: object): Promise<any> {
    const member = this.cluster.members.find(({ state }) => state === 'running')
    const url = `http://${member?.endpoint}/v3/${path}`
    const answer = await ask(url, { method: 'POST', body: JSON.stringify(body), timeoutMs: 5_000 })
    if (answer?.status !== 200) throw new Error(`etcd answered ${answer?.status} to ${path}: ${answer?.body}`)
    return JSON.parse(answer.body)
  }

  /** Writes keys that are no claims, one after another, until the returned function is called. */
  writeAlways(parallel = 1): () => Promise<number> {
    let on = true
    let count = 0
    const write = async (): Promise<void> => {
      while (on) {
        await this.put(`unrelated/${count % 50}`)
        count += 1
      }
    }
    const writers = Promise.all(Array.from({ length: parallel }, write))
    const stop = async (): Promise<number> => {
      on = false
      await writers
      return count
    }
    onTestFinished(async () => void (await stop()))
    return stop
  }
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** The middle one of several numbers. */
export function median(numbers: readonly number[]): number {
  return [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? Number.NaN
}
