// The keys of etcd. Claims have the keys of Go's `client/v3/concurrency` package: NAME/<lease id in hex>, ordered by
// their create revisions. Go has no semaphore. Its keys here add the permits and a number, NAME/<lease>.<permits>.<n>,
// since one session may have several claims on it. A candidate with a priority has NAME/<lease>.1.<n>.p<priority>. A claim of
// more than one permit has more keys, all made by one transaction, and the line adds them up: one for each permit,
// NAME/<lease>.<permits>.<n>.p<i>, so a part can be given back, and versions that know no weights count right. A writer,
// which takes all, has one more, NAME/<lease>.<permits>.<n>.w<weight>, and so has a mutex with `handoff`, which takes all of other
// permits. Its name has a lasting mark, NAME/0.<permits>.0, which has no lease.
import { cohortPermits, isUndivided } from '../../base/shapes.ts'
import type { Claim } from '../../contract.ts'
import type { Sized } from '../shared/room.ts'
import type { KeyRange, Transport } from './wire/transport.ts'

/**
 * Our own records begin with a control character, which no name may contain. So no client counts a record as a claim, not
 * even a client that counts every key under NAME/.
 */
const records = '\0leasehold/'

/**
 * A claim as its key describes it. `permits` is undefined for a key of an unknown program; such a key counts as a
 * claim.
 */
export interface KeyFacts {
  readonly session: string
  readonly permits: number | undefined
  /** How many permits this key takes. */
  readonly weight: number
  /** Whether it is a further key of a claim, and not its first. */
  readonly isPart?: boolean
  readonly priority?: number | undefined
}

/** The context of a request in one namespace: the connection and the keys. */
export interface Namespace {
  readonly transport: Transport
  readonly layout: Layout
}

/**
 * The keys of one claim. A key that few requests need is made when it is read: a client may have ten thousand claims that hold, and
 * each text of them would take memory.
 */
export class ClaimKeys {
  /** The claim's own key: its create revision is the place in line. */
  readonly key: string
  /** All keys of the claim: the range has no others. */
  readonly own: KeyRange
  /** With a lock-delay: the record of the claim, and the range of all records of its name. */
  readonly record: string | undefined
  readonly records: KeyRange | undefined
  readonly #layout: Layout
  readonly #claim: Pick<Claim, 'name' | 'session' | 'id'>

  constructor(
    layout: Layout,
    claim: Pick<Claim, 'name' | 'session' | 'id'>,
    { key, own, record, records: all }: Pick<ClaimKeys, 'key' | 'own' | 'record' | 'records'>,
  ) {
    this.#layout = layout
    this.#claim = claim
    this.key = key
    this.own = own
    this.record = record
    this.records = all
  }

  /** Its session's lease, as the protocol writes it. */
  get lease(): string {
    return this.#layout.lease(this.#claim.session)
  }

  /** The line that the claim stands in. */
  get line(): KeyRange {
    return this.#layout.line(this.#claim.name)
  }

  /** The lasting key of a name that a mutex with `handoff` has held. */
  get mark(): string {
    return this.#layout.mark(this.#claim.name)
  }

  /** A key that is written when the claim is withdrawn, so that an attempt that arrives later fails. */
  get tombstone(): string {
    return this.#layout.tombstone(this.#claim)
  }
}

/** The keys of one namespace. */
export class Layout {
  readonly #namespace: string
  /** The last session that was asked for, and its lease: a client has one session at a time. */
  #last = { session: '', lease: '' }

  /** `namespace` goes in front of every key, unchanged; the options have already added its slash. */
  constructor(namespace: string) {
    this.#namespace = namespace
  }

  /**
   * `delayed` says whether claims have records: with a lock-delay they do. `numbered` gives each claim of a mutex a key of its own,
   * which is the session's one key otherwise.
   */
  claimKeys(claim: Claim, delayed = false, numbered = false): ClaimKeys {
    const { name, session, permits, weight, id, priority } = claim
    const line = this.line(name)
    const isPlain = permits === 1 && priority === undefined && !numbered
    const mark = priority === undefined ? '' : `.p${priority}`
    const key = isPlain ? `${line.key}${session}` : `${line.key}${session}.${permits}.${id}${mark}`
    const own = ownKeys(key, weight)
    const all = delayed ? this.#records(name) : undefined
    const record = all && `${all.key}${session}.${id}${weight > 1 ? `.w${weight}` : ''}`
    return new ClaimKeys(this, claim, { key, own, record, records: all })
  }

  /** The lease of this session, as the protocol writes it. */
  lease(session: string): string {
    if (session !== this.#last.session) this.#last = { session, lease: leaseOf(session) }
    return this.#last.lease
  }

  /** See ClaimKeys. */
  tombstone({ session, id }: Pick<Claim, 'session' | 'id'>): string {
    return `${this.#namespace}${records}withdrawn/${session}/${id}`
  }

  /** A key that lives as long as this session. */
  session(session: string): string {
    return `${this.#namespace}${records}session/${session}`
  }

  /** See ClaimKeys. To clients that do not know it, it is a claim that came first and never ends. No session has the id 0. */
  mark(name: string): string {
    return `${this.line(name).key}0.${cohortPermits}.0`
  }

  /** The range of all claims on a name, and on names that continue it after a slash. */
  line(name: string): KeyRange {
    const key = `${this.#namespace}${name}`
    return { key: `${key}/`, end: `${key}0` } // '0' follows '/'
  }

  /** Reads a key of `line(name)`. Undefined if the key belongs to a longer name. */
  parse(name: string, key: string): KeyFacts | undefined {
    const rest = key.slice(`${this.#namespace}${name}/`.length)
    if (rest.includes('/') || rest.startsWith('\0')) return undefined
    const form = /^([0-9a-f]+)(?:\.(\d+)\.\d+(?:\.([pw])(\d+))?)?$/
    const [, session, permits = '1', mark, number] = form.exec(rest) ?? []
    if (!session) return { session: rest, permits: undefined, weight: 1 }
    const facts = { session, permits: Number(permits), weight: 1 }
    if (mark === undefined) return facts
    if (mark === 'w') return { ...facts, weight: Number(number), isPart: true }
    return facts.permits > 1 ? { ...facts, isPart: true } : { ...facts, priority: Number(number) }
  }

  /** A range that contains all claims on names that begin with this prefix. */
  claims(prefix: string): KeyRange {
    return after(`${this.#namespace}${prefix}`)
  }

  /** A range that contains the checkpoints of all names that begin with this prefix. */
  checkpoints(prefix: string): KeyRange {
    return after(this.checkpoint(prefix))
  }

  /** The name whose checkpoint a key of `checkpoints` is. */
  checkpointName(key: string): string {
    return key.slice(this.checkpoint('').length)
  }

  /** The name on which a key would be a claim. Undefined for our own records and for keys without a name. */
  nameOf(key: string): string | undefined {
    const name = key.slice(this.#namespace.length, key.lastIndexOf('/'))
    return key.includes('\0') || !key.startsWith(`${this.#namespace}${name}/`) ? undefined : name || undefined
  }

  checkpoint(name: string): string {
    return `${this.#namespace}${records}checkpoint/${name}`
  }

  /** The NUL behind the name keeps names apart that begin alike. */
  #records(name: string): KeyRange {
    const prefix = `${this.#namespace}${records}claimed/${name}`
    return { key: `${prefix}\0`, end: `${prefix}\x01` }
  }
}

/** The range of all keys of the claim with this first key. Of a claim with one permit it is that key. */
export function ownKeys(key: string, weight: number): KeyRange {
  return weight > 1 ? { key, end: `${key}/` } : { key } // '/' follows '.'
}

/** The further keys of a claim that takes so many permits. */
export function partsOf({ permits, weight }: Sized, key: string): string[] {
  if (isUndivided(permits)) return weight > 1 ? [`${key}.w${weight - 1}`] : []
  return Array.from({ length: weight - 1 }, (_, index) => `${key}.p${index + 1}`)
}

/** etcd's ids are decimal in the protocol and hexadecimal in keys. */
export function leaseOf(session: string): string {
  return BigInt(`0x${session}`).toString()
}

/** A range that contains all keys that begin with this text. */
function after(text: string): KeyRange {
  // The end of a range is the next byte after its start. In a string only an ASCII character has one.
  const [start] = /^.*[\0-\x7e]/s.exec(text) ?? []
  if (start === undefined) return { key: '\0', end: '\0' } // all keys
  const next = String.fromCharCode(start.charCodeAt(start.length - 1) + 1)
  return { key: start, end: `${start.slice(0, -1)}${next}` }
}
