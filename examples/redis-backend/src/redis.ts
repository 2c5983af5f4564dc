// A backend of Leasehold on one Redis. Owns the connections, and turns answers of Redis into those of the contract.
import { Redis } from 'ioredis'
import type { Attempt, Backend, BackendSource, Claim, Clock, Facts, Observation, Standing } from 'leasehold'
import * as api from 'leasehold'
import { type Question, scripts } from './scripts.js'

type Stored = Omit<Standing, 'token'> & { ticket: number; permits: number; left: number }
type States = { name: string; claims: Stored[] }[]
type Ask = Record<Question, (...args: (string | number)[]) => Promise<unknown>>

const common = {
  fair: true,
  lockDelayMs: 0,
  endsEarly: false,
  electionMs: 0,
  freesOnCrash: false,
  answersAtOnce: false,
}
const sizes = { checkpointBytesMax: 1_048_576, valueBytesMax: 65_536 }
const longestWaitMs = 15_000 // a message can be lost with its connection

/**
 * The source for `connect`. `url` may have a password, and `rediss:` for TLS. Opening rejects with RefusedError if the settings of
 * this Redis can lose a lock, unless `acceptLoss` is true.
 */
export function redis(url: string, { namespace = 'leasehold:', acceptLoss = false } = {}): BackendSource {
  const shown = new URL(url)
  return {
    url: `${shown.protocol}//${shown.host}`,
    async open(clock) {
      const usual = {
        scripts,
        lazyConnect: true,
        connectTimeout: 3_000,
        keepAlive: 5_000,
        socketTimeout: 5_000,
      }
      const once = { ...usual, maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false } // Leasehold asks again
      const backend = new RedisBackend(clock, namespace, new Redis(url, once), new Redis(url, usual))
      await backend.start(acceptLoss).catch(async (error) => {
        await backend.close()
        throw ours(error)
      })
      return backend
    },
  }
}

class RedisBackend implements Backend {
  readonly facts: Facts = {
    scheme: 'redis',
    ttlMs: { min: 1_000, max: 86_400_000, default: 15_000 },
    ...common,
    ...sizes,
  }
  readonly #waits = new Map<string, Set<() => void>>()
  /** How many attempts of a claim had no answer yet: Redis may still get them, even after the claim is withdrawn. */
  readonly #unanswered = new WeakMap<Claim, number>()

  constructor(
    private clock: Clock,
    private space: string,
    private client: Redis,
    private listener: Redis,
  ) {
    for (const connection of [client, listener]) connection.on('error', () => {}) // each question reports it
    const wake = (channel: string): void => {
      for (const tell of this.#waits.get(channel) ?? []) tell()
    }
    listener.on('message', wake).on('ready', () => [...this.#waits.keys()].forEach(wake))
  }

  async start(acceptLoss: boolean) {
    await Promise.all([this.client.connect(), this.listener.connect()])
    const safe = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' }
    for (const [name, wanted] of acceptLoss ? [] : Object.entries(safe)) {
      const [, found] = (await this.client.config('GET', name)) as string[]
      if (found !== wanted)
        throw new api.RefusedError(`Redis can lose locks: ${name} is "${found}", and should be "${wanted}"`)
    }
  }

  async createSession(ttlMs: number, signal: AbortSignal) {
    const id = this.clock.id().toString(36)
    await this.#ask(signal, 'create', id, ttlMs)
    return { id, ttlMs }
  }
  async renewSession(session: string, signal: AbortSignal) {
    if (await this.#ask(signal, 'renew', session)) return { lost: [] }
    throw ours(new Error('GONE'))
  }
  async destroySession(session: string, signal: AbortSignal) {
    await this.#ask(signal, 'destroy', session)
  }

  async attempt(claim: Claim, signal: AbortSignal): Promise<Attempt> {
    signal.throwIfAborted()
    this.#unanswered.set(claim, (this.#unanswered.get(claim) ?? 0) + 1)
    const mode = claim.wait ? 'wait' : 'try'
    const [held, token, ahead] = (await this.#ask(signal, 'attempt', claim.name, mode, sent(claim))) as [
      number,
      string,
      number,
    ]
    const unanswered = (this.#unanswered.get(claim) ?? 1) - 1
    this.#unanswered.set(claim, unanswered)
    if (!held && !claim.wait && unanswered === 0) this.#unanswered.delete(claim) // it left nothing in Redis
    return held ? { held: true, token: BigInt(token) } : { held: false, ahead }
  }
  changed(claim: Claim, answer: Attempt, signal: AbortSignal) {
    return this.#untilTold(`claim:${member(claim)}`, signal, async () => {
      const [held, , , soonestMs] = (await this.#ask(
        signal,
        'attempt',
        claim.name,
        'look',
        sent(claim),
      )) as number[]
      return held === Number(answer.held) ? soonestMs : 0
    })
  }
  async withdraw(claim: Claim, signal: AbortSignal) {
    const unanswered = this.#unanswered.get(claim)
    const args = [claim.name, member(claim), claim.session, unanswered ? 1 : 0]
    if (unanswered !== undefined) await this.#ask(signal, 'withdraw', ...args)
  }

  shrink = (claim: Claim, signal: AbortSignal) => this.#alter(claim, signal, 'weight', claim.weight)
  verify = (claim: Claim, signal: AbortSignal) => this.#alter(claim, signal, 'verify', claim.weight)
  proclaim = (claim: Claim, value: string, signal: AbortSignal) => this.#alter(claim, signal, 'value', value)
  writeCheckpoint = (claim: Claim, text: string, signal: AbortSignal) =>
    this.#alter(claim, signal, 'text', text)
  async #alter(claim: Claim, signal: AbortSignal, field: string, to: string | number) {
    return (await this.#ask(signal, 'alter', claim.name, member(claim), field, to)) === 1
  }

  async observe(name: string, signal: AbortSignal): Promise<Observation & { leftMs: number }> {
    const [first] = (await this.#states(signal, '', name))[0]?.claims ?? []
    return { leader: first && { ...first, token: BigInt(first.ticket) }, leftMs: first?.left ?? -1 }
  }
  leaderChanged(name: string, { leader: seen }: Observation, signal: AbortSignal) {
    return this.#untilTold(`leader:${name}`, signal, async () => {
      const { leader, leftMs } = await this.observe(name, signal)
      return leader?.token === seen?.token && leader?.value === seen?.value ? leftMs : 0
    })
  }
  async line(name: string, signal: AbortSignal) {
    return ((await this.#states(signal, '', name))[0]?.claims ?? []).map(standing)
  }
  async survey(prefix: string, signal: AbortSignal) {
    const states = (await this.#states(signal, prefix)).sort((one, other) => (one.name < other.name ? -1 : 1))
    return states.map(({ name, claims }) => ({
      name,
      permits: claims[0]?.permits,
      claims: claims.map(standing),
    }))
  }
  async #states(signal: AbortSignal, ...args: string[]) {
    return JSON.parse((await this.#ask(signal, 'survey', ...args)) as string) as States
  }

  async break(name: string, token: bigint, signal: AbortSignal) {
    return (await this.#ask(signal, 'breakHold', name, `${token}`)) === 1
  }
  async overtake(name: string, { holder, target, waiting }: api.Overtaking, signal: AbortSignal) {
    return (await this.#ask(signal, 'overtake', name, ...[holder, target, ...waiting].map(String))) === 1
  }
  async readCheckpoint(name: string, signal: AbortSignal) {
    return ((await this.#ask(signal, 'texts', name)) as string | null) ?? undefined
  }
  async checkpoints(prefix: string, signal: AbortSignal) {
    const texts = (await this.#ask(signal, 'texts')) as string[]
    const pairs = texts
      .map((name, at) => [name, texts[at + 1] ?? ''] as const)
      .filter((_, at) => at % 2 === 0)
    return new Map(pairs.filter(([name]) => name.startsWith(prefix)))
  }
  async close() {
    for (const connection of [this.client, this.listener]) connection.disconnect()
  }

  /** Asks Redis once. Rejects with the reason of the signal as soon as that aborts. */
  async #ask(signal: AbortSignal, question: Question, ...args: (string | number)[]) {
    signal.throwIfAborted()
    const asked = (this.client as unknown as Ask)[question](this.space, ...args)
    return abortable(signal, asked).catch((error) => {
      throw signal.aborted ? signal.reason : ours(error)
    })
  }

  /** Waits for a message, after `look` has found how many ms that may take (negative: any time; 0: no wait). */
  async #untilTold(
    name: string,
    signal: AbortSignal,
    look: () => Promise<number | undefined>,
  ): Promise<undefined> {
    signal.throwIfAborted()
    let [tell, cancel] = [() => {}, () => {}]
    const told = new Promise<void>((resolve) => (tell = resolve))
    const channel = this.space + name
    const those = this.#waits.get(channel) ?? new Set()
    this.#waits.set(channel, those.add(tell))
    try {
      await abortable(signal, this.listener.subscribe(channel))
      const mostMs = (await look()) ?? 0
      cancel = this.clock.after(mostMs < 0 ? longestWaitMs : Math.min(mostMs + 1, longestWaitMs), tell)
      if (mostMs !== 0) await abortable(signal, told)
    } catch {
      signal.throwIfAborted() // every other failure counts as a change: Leasehold asks next, and reports it
    } finally {
      cancel()
      those.delete(tell)
      if (those.size === 0 && this.#waits.delete(channel)) this.listener.unsubscribe(channel).catch(() => {})
    }
  }
}

const member = ({ session, id }: Claim): string => `${session}/${id}`

function sent(claim: Claim): string {
  const { session, permits, weight, value, priority } = claim
  return JSON.stringify({ member: member(claim), session, permits, weight, value, priority })
}

function standing({ session, value, ticket, held, weight = 1, priority, left }: Stored): Standing {
  const more = { ...(weight > 1 && { weight }), ...(held && { ttlLeftMs: left }) }
  return { session, value, token: BigInt(ticket), held, priority, ...more }
}

function abortable<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort)
    work.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject)
  })
}

/** The error of the contract for an error of ioredis. */
function ours(cause: unknown): unknown {
  if (cause instanceof api.LeaseholdError || !(cause instanceof Error)) return cause
  const [, word = '', rest] = /^(?:ERR )?(\w+) ?(.*)/.exec(cause.message) ?? []
  if (word === 'GONE') return new api.SessionGoneError('Redis does not know the session any more')
  if (word === 'CONFLICT')
    return new api.ConflictError(`the name is in use with ${rest} permits: use the same everywhere`)
  if (['NOAUTH', 'WRONGPASS', 'NOPERM'].includes(word))
    return new api.RefusedError('Redis refused', { cause })
  return new api.UnavailableError('Redis did not answer; is the URL right, and is it up?', { cause })
}
