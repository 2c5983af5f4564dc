// The keys of Consul and their flags. NAME/.lock and NAME/<session> are those of `consul lock` and of Go's api.Lock
// and api.Semaphore. Our own keys are under the same folder, so that a client needs only one rule, for NAME/.
import type { Claim } from '../../contract.ts'
import type { Transport } from './wire/transport.ts'

/** The flags of Go's api.Lock on its key. They are above 2^53, so a JavaScript number cannot hold them. */
export const lockFlags = 0x2ddccbc058a50c18n
/** The flags of Go's api.Semaphore, on the key with the list of holders and on each contender's own key. */
export const semaphoreFlags = 0xe0f69a2baa414de0n

/** The flags of a list of holders that do not all have one permit of a semaphore. Go's client refuses a key with these. */
export const shapeFlags = 0x6c65617365686f6cn

/**
 * The flags of a ticket whose session is to have the permit, too, so that any client may put it on the list. The tickets of a
 * mutex, and those of older versions, have none.
 */
export const callableFlags = 0x6c65617365636c6cn

/** The keys of one name. */
export interface NameKeys {
  /** The start of all keys of the name, and of all names that continue it after a slash. */
  readonly folder: string
  /** The key that decides: for a mutex a session holds it, for a semaphore it lists the holders. */
  readonly lock: string
  /** Exists while a claim of ours may stand in line, so that a new claim sees with one check that it has to wait. */
  readonly line: string
  readonly checkpoint: string
  /** The start of the keys that say that the turn of a ticket came. */
  readonly passed: string
}

/** The keys of one claim. */
export interface ClaimKeys extends NameKeys {
  /** The claim's place in line: its create index is the order. */
  readonly ticket: string
  /** The key that says that the claim is withdrawn. Late attempts are refused if it exists. */
  readonly tombstone: string
}

/** The facts in the name of a ticket's key. */
export interface TicketFacts {
  readonly session: string
  readonly permits: number
  readonly weight: number
  readonly priority?: number | undefined
}

/** The context of a request in one namespace: the connection and the keys. */
export interface Namespace {
  readonly transport: Transport
  readonly layout: Layout
}

/** The keys of one namespace. */
export class Layout {
  readonly #namespace: string

  /** `namespace` is a folder, or nothing; it is encoded like a name. */
  constructor(namespace: string) {
    this.#namespace = namespace === '' ? '' : `${encodeName(namespace.replace(/\/$/, ''))}/`
  }

  keys(name: string): NameKeys {
    return new KeysOfName(this.#folder(name))
  }

  #folder(name: string): string {
    return `${this.#namespace}${encodeName(name)}/`
  }

  /** The common start of all keys of names that begin with this prefix, as far as the prefix is stored unchanged. */
  commonStart(prefix: string): string {
    const [plain] = /^(?:[\w-]+(?:[/.](?=[\w-]))?)*/.exec(prefix) ?? ['']
    return `${this.#namespace}${plain}`
  }

  /** The name to which a key may belong; undefined if no client of ours could have that name. */
  nameOf(key: string): string | undefined {
    const [, folder] =
      /^(.*)\/\.line\/[^/.]+\.\d+\.\d+(?:\.[pw]\d+)?$/s.exec(key) ?? /^(.*)\/[^/]+$/s.exec(key) ?? []
    return folder?.startsWith(this.#namespace) ? decodeName(folder.slice(this.#namespace.length)) : undefined
  }

  /** The keys of a claim, whose ticket is held by `owner`. */
  claimKeys(claim: Claim, owner: string = claim.session): ClaimKeys {
    return new KeysOfClaim(this.#folder(claim.name), claim, owner)
  }
}

/** Makes each key when it is read: a client may have ten thousand holds, and at rest they need none of them. */
class KeysOfName implements NameKeys {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  get lock(): string {
    return `${this.folder}.lock`
  }

  get line(): string {
    return `${this.folder}.line`
  }

  get checkpoint(): string {
    return `${this.folder}.checkpoint`
  }

  get passed(): string {
    return `${this.folder}.passed/`
  }
}

class KeysOfClaim extends KeysOfName implements ClaimKeys {
  readonly #claim: Claim
  readonly #owner: string

  constructor(folder: string, claim: Claim, owner: string) {
    super(folder)
    this.#claim = claim
    this.#owner = owner
  }

  get ticket(): string {
    const { permits, weight, id, priority } = this.#claim
    const mark = priority !== undefined ? `.p${priority}` : weight > 1 ? `.w${weight}` : ''
    return `${this.line}/${this.#owner}.${permits}.${id}${mark}`
  }

  get tombstone(): string {
    const { session, id } = this.#claim
    return `${this.folder}.withdrawn/${session}.${id}`
  }
}

/**
 * The key that says that the turn of this ticket came before the ticket was deleted. A ticket that was deleted otherwise has
 * none: its claim gave up, was overtaken or broken, or its session ended. Then older tickets may still stand.
 */
export function passedKey({ passed, line }: NameKeys, ticket: string): string {
  return `${passed}${ticket.slice(line.length + 1)}`
}

/** Reads a key as a ticket of this line; undefined for other keys, such as those of a name that continues this one. */
export function parseTicket({ line }: NameKeys, key: string): TicketFacts | undefined {
  if (!key.startsWith(`${line}/`)) return undefined
  const [, session, permits, mark, number] =
    /^([^/.]+)\.(\d+)\.\d+(?:\.([pw])(\d+))?$/.exec(key.slice(line.length + 1)) ?? []
  if (!session) return undefined
  const weight = mark === 'w' ? Number(number) : 1
  return { session, permits: Number(permits), weight, ...(mark === 'p' && { priority: Number(number) }) }
}

/**
 * A name as a key that every version of Consul takes. Letters, digits and `_ . - /` stay, so that simple names are the
 * same for `consul lock`. Every other byte becomes `,` and two hexadecimal digits, since 1.21.5 refuses percent signs.
 * So do a dot after a dot, a segment that is only a dot, and a slash that would make an empty segment: Consul's server
 * and its own client rewrite or refuse those.
 */
export function encodeName(name: string): string {
  return name
    .replace(/[^\w.\-/]/gu, escapeBytes)
    .replace(/(?<=\.)\.|(?<=^|\/)\.(?=\/|$)|(?<=^|\/)\/|\/$/g, escapeBytes)
}

/** The name that `encodeName` encodes like this; undefined if there is none, as for some names of other clients. */
export function decodeName(encoded: string): string | undefined {
  const name = encoded.replace(/(?:,[0-9A-F]{2})+/g, (run) =>
    Buffer.from(run.replaceAll(',', ''), 'hex').toString(),
  )
  return name !== '' && encodeName(name) === encoded ? name : undefined
}

function escapeBytes(text: string): string {
  return [...Buffer.from(text)].map((byte) => `,${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('')
}
