// Where things stand in etcd's key space. Claims have the keys of Go's `client/v3/concurrency` package:
// NAME/<lease id in hex>, in the order of their create revisions. A semaphore, which Go does not have, adds its
// permits and a number, NAME/<lease>.<permits>.<n>, since one session may have several claims on it.
import type { Claim } from '../../contract.ts'
import type { KeyRange, Transport } from './wire/transport.ts'

/**
 * Our own records begin with a control character, which no name can: they are nobody's claim, not even in the eyes of a
 * client that takes everything under NAME/ for one.
 */
const records = '\0leasehold/'

/** A claim as its key tells it. `permits` is undefined for a key of an unknown program. The key counts as a claim. */
export interface KeyFacts {
  readonly session: string
  readonly permits: number | undefined
}

/** What a question about one namespace needs: the way to the store, and where its keys are. */
export interface Namespace {
  readonly transport: Transport
  readonly layout: Layout
}

/** Where one claim stands. */
export interface ClaimKeys {
  /** The claim's own key: its create revision is the place in line. */
  readonly key: string
  /** Its session's lease, as the wire has it. */
  readonly lease: string
  /** The line in which it stands. */
  readonly line: KeyRange
  /** Says that the claim is withdrawn, to attempts that arrive late. */
  readonly tombstone: string
}

/** The keys of one namespace. */
export class Layout {
  readonly #namespace: string

  /** `namespace` is put before every key as it is; the options have given it its slash. */
  constructor(namespace: string) {
    this.#namespace = namespace
  }

  claimKeys({ name, session, permits, id }: Claim): ClaimKeys {
    const line = this.line(name)
    const key = permits === 1 ? `${line.key}${session}` : `${line.key}${session}.${permits}.${id}`
    const tombstone = `${this.#namespace}${records}withdrawn/${session}/${id}`
    return { key, lease: leaseOf(session), line, tombstone }
  }

  /** All claims on a name, and those on names that continue it after a slash. */
  line(name: string): KeyRange {
    const prefix = this.#prefix(name)
    return { key: prefix, end: `${prefix.slice(0, -1)}0` } // '0' follows '/'
  }

  /** Reads a key of `line(name)`; undefined if it belongs to another name, one that continues this one. */
  parse(name: string, key: string): KeyFacts | undefined {
    const rest = key.slice(this.#prefix(name).length)
    if (rest.includes('/') || rest.startsWith('\0')) return undefined
    const ours = /^([0-9a-f]+)(?:\.(\d+)\.\d+)?$/.exec(rest)
    if (!ours?.[1]) return { session: rest, permits: undefined }
    return { session: ours[1], permits: Number(ours[2] ?? 1) }
  }

  /** Keys among which are all claims on names that begin with this prefix. */
  within(prefix: string): KeyRange {
    // The end of a range is the next byte, and only behind ASCII a string can have that.
    const [start] = /^.*[\0-\x7e]/s.exec(`${this.#namespace}${prefix}`) ?? []
    if (start === undefined) return { key: '\0', end: '\0' } // all there is
    const next = String.fromCharCode(start.charCodeAt(start.length - 1) + 1)
    return { key: start, end: `${start.slice(0, -1)}${next}` }
  }

  /** The name on which a key would be a claim; undefined for our own records, and where no name is. */
  nameOf(key: string): string | undefined {
    const name = key.slice(this.#namespace.length, key.lastIndexOf('/'))
    return key.includes('\0') || !key.startsWith(`${this.#namespace}${name}/`) ? undefined : name || undefined
  }

  checkpoint(name: string): string {
    return `${this.#namespace}${records}checkpoint/${name}`
  }

  #prefix(name: string): string {
    return `${this.#namespace}${name}/`
  }
}

/** etcd's ids are decimal on the wire and hexadecimal in keys. */
export function leaseOf(session: string): string {
  return BigInt(`0x${session}`).toString()
}
