// What an operator sees of etcd, and does to it: the claims on one name or on many, and the end of a hold. Owns which of a
// namespace's keys are claims, since others may keep their data in it.
import type { IKeyValue } from 'etcd3'
import { RefusedError, SessionGoneError } from '../../base/errors.ts'
import type { NameState, Standing } from '../../contract.ts'
import { type Layout, leaseOf } from './layout.ts'
import { createdAt, inOrder, page, read, remove, txn } from './operations.ts'
import type { KeyRange, Transport } from './wire/transport.ts'

/** A claim, and what its key tells beside. */
interface Found extends Standing {
  readonly key: string
  readonly lease: string
  readonly permits: number | undefined
}

/** How many keys one answer has. What gRPC takes at once is 4 MB: where that is too little, half of them. */
const pageSize = 500
/** How many leases are asked about at a time. */
const leasesAtOnce = 100

/** The names of one client's cluster, as an operator sees them. */
export class Operator {
  readonly #transport: Transport
  readonly #layout: Layout

  constructor(transport: Transport, layout: Layout) {
    this.#transport = transport
    this.#layout = layout
  }

  async line(name: string, signal: AbortSignal): Promise<Standing[]> {
    return (await this.#line(name, signal)).map(asStanding)
  }

  async survey(prefix: string, signal: AbortSignal): Promise<NameState[]> {
    const keys = await this.#read(this.#layout.within(prefix), signal)
    const lines = [...this.#byName(prefix, keys)].map(([name, kvs]) => ({
      name,
      line: this.#claims(name, kvs),
    }))
    const used = lines.filter(({ line }) => line.some(isClaim))
    const claims = used.flatMap(({ line }) => line)
    const leftMs = await this.#timesLeft(claims, signal)
    return used
      .map(({ name, line }) => ({
        name,
        permits: line[0]?.permits,
        claims: line.filter(({ lease }) => lease !== '0').map((found) => withTime(found, leftMs)),
      }))
      .sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  /** One transaction deletes the key if it is the one created then. Who has come to hold holds until it is gone. */
  async break(name: string, token: bigint, signal: AbortSignal): Promise<boolean> {
    const line = await this.#line(name, signal)
    const holder = line.find((each) => each.held && each.token === token && each.lease !== '0')
    if (!holder) return false
    const { key } = holder
    return (await this.#transport.txn(txn([createdAt(key, token)], [remove(key)]), signal)).succeeded
  }

  async #line(name: string, signal: AbortSignal): Promise<Found[]> {
    const { responses } = await this.#transport.txn(txn([], [inOrder(this.#layout.line(name))]), signal)
    return this.#claims(name, read(responses, 0).kvs)
  }

  /** The claims on one name, in order. What has no lease is data: it is in the way, but it is nobody's claim. */
  #claims(name: string, kvs: readonly IKeyValue[]): Found[] {
    const claims = kvs.flatMap((kv) => {
      const key = kv.key.toString()
      const facts = this.#layout.parse(name, key)
      const { lease, create_revision, value } = kv
      return facts ? [{ ...facts, key, lease, value: value.toString(), token: BigInt(create_revision) }] : []
    })
    claims.sort((one, other) => Number(one.token - other.token))
    const permits = claims[0]?.permits ?? 1
    return claims.map((claim, index) => ({ ...claim, held: index < permits }))
  }

  /** All keys of a range as they were at one revision, page by page. */
  async #read({ key, end = '' }: KeyRange, signal: AbortSignal): Promise<IKeyValue[]> {
    const found: IKeyValue[] = []
    let from = Buffer.from(key)
    let revision = '0'
    for (let permits = pageSize; ; ) {
      const request = txn([], [page(from, end, permits, revision)])
      const answer = await this.#transport.txn(request, signal).catch((error) => {
        if (!(error instanceof RefusedError) || permits === 1) throw error
      })
      permits = answer ? permits : Math.ceil(permits / 2)
      if (!answer) continue
      const { kvs, more } = read(answer.responses, 0)
      found.push(...kvs)
      if (!more) return found
      if (revision === '0') revision = answer.header.revision
      from = Buffer.concat([(kvs.at(-1) as IKeyValue).key, Buffer.of(0)]) // the next key there can be
    }
  }

  #byName(prefix: string, keys: readonly IKeyValue[]): Map<string, IKeyValue[]> {
    const names = new Map<string, IKeyValue[]>()
    for (const kv of keys) {
      const name = this.#layout.nameOf(kv.key.toString())
      const ours = name?.startsWith(prefix) && Buffer.from(kv.key.toString()).equals(kv.key)
      if (!ours || name === undefined) continue
      const others = names.get(name)
      if (others) others.push(kv)
      else names.set(name, [kv])
    }
    return names
  }

  /** How long each holder's lease has left, in ms, where the server tells. */
  async #timesLeft(claims: readonly Found[], signal: AbortSignal): Promise<Map<string, number | undefined>> {
    const leases = [...new Set(claims.filter(({ held }) => held).map(({ lease }) => lease))]
    const leftMs = new Map<string, number | undefined>()
    for (let from = 0; from < leases.length; from += leasesAtOnce) {
      const some = leases.slice(from, from + leasesAtOnce).filter((lease) => lease !== '0')
      await Promise.all(some.map(async (lease) => leftMs.set(lease, await this.#timeLeft(lease, signal))))
    }
    return leftMs
  }

  async #timeLeft(lease: string, signal: AbortSignal): Promise<number | undefined> {
    try {
      const seconds = await this.#transport.timeToLive(lease, signal)
      return seconds === undefined ? undefined : seconds * 1_000
    } catch (error) {
      // Gone meanwhile, or not for this user to know: the rest of the survey is none the worse.
      if (error instanceof RefusedError || error instanceof SessionGoneError) return undefined
      throw error
    }
  }
}

/** Whether it is a claim beyond doubt: its key names its own lease, as ours and Go's do. */
function isClaim({ lease, session, permits }: Found): boolean {
  return lease !== '0' && permits !== undefined && lease === leaseOf(session)
}

function withTime(found: Found, leftMs: ReadonlyMap<string, number | undefined>): Standing {
  return { ...asStanding(found), ttlLeftMs: found.held ? leftMs.get(found.lease) : undefined }
}

function asStanding({ session, held, value, token }: Found): Standing {
  return { session, held, value, token }
}
