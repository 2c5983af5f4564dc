// A fake etcd that answers as a plan says: late, twice, out of order, cut short, for another id, or not at all. Owns the
// answers and their times, and records them for the judge. It stores no keys.
import { createServer, type Http2Server } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { Link } from '../../servers/link.ts'
import { Exchange, type etcdMethods } from './grpc.ts'
import {
  type Reaction,
  type renewalKinds,
  type StreamPlan,
  type Trouble,
  troubles,
  type unaryKinds,
  type WatchReaction,
} from './plan.ts'

type Message = Record<string, unknown>
type RenewalReaction = Reaction<(typeof renewalKinds)[number]>
type UnaryReaction = Reaction<(typeof unaryKinds)[number]>

/** An answer to a renewal, as it was written to the socket. */
export interface RenewalAnswer {
  readonly lease: string
  readonly ttl: number
  readonly askedMs: number
  readonly sentMs: number
  /** Whether it is a second copy of an answer. */
  readonly copy: boolean
}

/** A watch of the client, as its peer sees it. */
interface Served {
  readonly key: string
  readonly id: string
  readonly exchange: Exchange
  /** Whether its creation was answered. */
  created: boolean
}

/** The key of events that belong to no watch of the client. */
export const nobodysKey = 'nobody'
export const grantedSeconds = 10
export const leftSeconds = 100

const refusals = [
  { code: 5, message: 'etcdserver: requested lease not found' },
  { code: 14, message: 'etcdserver: no leader' },
  { code: 7, message: 'etcdserver: permission denied' },
  { code: 14, message: 'etcdserver: request timed out' },
  { code: 3, message: 'etcdserver: key is not provided' },
  { code: 16, message: 'etcdserver: invalid auth token' },
  { code: 1, message: 'cancelled' },
  { code: 2, message: 'unknown' },
] as const
/** PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL and ENHANCE_YOUR_CALM. */
const resets = [1, 2, 7, 8, 11]

/** One server for one run. */
export class Peer {
  readonly renewals: RenewalAnswer[] = []
  /** The revisions of the sent events, by the key of their watch. */
  readonly events = new Map<string, Set<bigint>>()
  readonly #server: Http2Server = createServer()
  readonly #sockets = new Set<Socket>()
  /** In front of the server, since node:http2 of Node 20 does not always tell a server that its client is gone. */
  #link: Link | undefined
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #unary: UnaryReaction[]
  readonly #renewing: RenewalReaction[]
  readonly #watching: WatchReaction[]
  readonly #served: Served[] = []
  /** Whether it numbers watches itself, as grpc-proxy does, and ignores the client's numbers. */
  readonly #counts: boolean
  /** Answers that are sent after the next renewal has arrived. */
  #withheld: (() => void)[] = []
  #revision = 1n

  constructor(methods: ReturnType<typeof etcdMethods>, plan: StreamPlan) {
    this.#unary = [...plan.unary]
    this.#renewing = [...plan.renewals]
    this.#watching = [...plan.watches]
    this.#counts = plan.counts ?? false
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('session', (session) => session.on('error', () => {}))
    this.#server.on('stream', (stream, headers) => {
      new Exchange(stream, headers, methods, (message, exchange) => this.#hear(message, exchange))
    })
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.#link = new Link(`127.0.0.1:${(this.#server.address() as AddressInfo).port}`)
    await this.#link.listening
    return this.#link.address
  }

  /** From now on every answer is right and immediate. */
  heal(): void {
    for (const reactions of [this.#unary, this.#renewing, this.#watching]) reactions.length = 0
  }

  /** Sends one more event to every confirmed watch whose stream is open. */
  mark(): void {
    for (const { key, id, exchange, created } of this.#served) {
      if (created && exchange.open) this.#sendEvent(exchange, id, key)
    }
  }

  /** Whether it never confirmed this watch. Then its client cannot expect events. */
  keptSilent(key: string): boolean {
    return !this.#served.some((served) => served.key === key && served.created)
  }

  /** The connections of the client that are open. */
  get held(): number {
    return this.#link?.open ?? 0
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    this.#link?.close()
  }

  #hear(message: Message, exchange: Exchange): void {
    if (exchange.path.endsWith('/LeaseKeepAlive')) this.#renew(String(message.ID), exchange)
    else if (!exchange.path.endsWith('/Watch')) this.#answer(message, exchange)
    else if (message.create_request) this.#watch(message.create_request as Message, exchange)
    else this.#cancel(String((message.cancel_request as Message | null)?.watch_id), exchange)
  }

  #answer(request: Message, exchange: Exchange): void {
    const { kind, afterMs, code } = this.#unary.shift() ?? { kind: 'answer', afterMs: 0, code: 0 }
    const answer = answerTo(exchange.path, request)
    this.#after(afterMs, () => {
      if (kind !== 'answer' && kind !== 'twice') return this.#trouble(kind, exchange, answer, code)
      exchange.send(answer)
      if (kind === 'twice') exchange.send(answer)
      exchange.end(0, '')
    })
  }

  #renew(lease: string, exchange: Exchange): void {
    const askedMs = performance.now()
    const late = this.#withheld
    this.#withheld = []
    for (const send of late) send()
    const { kind, afterMs, code } = this.#renewing.shift() ?? { kind: 'answer', afterMs: 0, code: 0 }
    const send = (id: string, ttl: number, copy = false): void => {
      if (!exchange.open) return
      this.renewals.push({ lease: id, ttl, askedMs, sentMs: performance.now(), copy })
      exchange.send({ ID: id, TTL: String(ttl) })
    }
    const other = String(Number(lease) + 1)
    const react = {
      answer: () => send(lease, 10),
      twice: () => {
        for (const copy of [false, true]) send(lease, 10, copy)
      },
      'other lease': () => send(other, 10),
      'other lease first': () => {
        for (const id of [other, lease]) send(id, 10)
      },
      expired: () => send(lease, code % 2 ? 0 : -1),
      'after the next': () => this.#withheld.push(() => send(lease, 10)),
    }
    const trouble = troubles.find((each) => each === kind)
    this.#after(afterMs, () => {
      if (trouble) this.#trouble(trouble, exchange, { ID: lease, TTL: '10' }, code)
      else react[kind as keyof typeof react]()
    })
  }

  #watch(request: Message, exchange: Exchange): void {
    const reaction = this.#watching.shift() ?? { kind: 'live', afterMs: 0, code: 0, events: 1, everyMs: 0 }
    const id = this.#counts ? String(this.#served.length) : String(request.watch_id)
    const served = { key: String(request.key), id, exchange, created: false }
    this.#served.push(served)
    const trouble = troubles.find((each) => each === reaction.kind)
    const created = { ...this.#header(served.id), created: true }
    this.#after(reaction.afterMs, () => {
      if (trouble) this.#trouble(trouble, exchange, created, reaction.code)
      else this.#serve(served, reaction as WatchReaction)
    })
  }

  #serve(served: Served, { kind, events, everyMs, breaks, code }: WatchReaction): void {
    const { key, id, exchange } = served
    const created = { ...this.#header(id), created: true }
    if (kind === 'events first') this.#sendEvent(exchange, id, key)
    const refusal = refusedWatch(kind, id, code % 2 === 0)
    if (refusal) {
      exchange.send({ ...created, ...refusal })
      return
    }
    served.created = kind !== 'no header'
    exchange.send(kind === 'no header' ? { watch_id: id, created: true } : created)
    if (kind === 'created twice') exchange.send(created)
    for (let event = 1; event <= events; event += 1) {
      this.#after(event * everyMs, () => this.#sendFaulty(served, kind))
    }
    if (breaks) this.#after(events * everyMs + 1, () => this.#trouble(breaks, exchange, created, code))
  }

  /** Sends an event to a watch, with the fault of this kind. */
  #sendFaulty({ key, id, exchange }: Served, kind: WatchReaction['kind']): void {
    if (kind === 'other watch') this.#sendEvent(exchange, String(Number(id) + 1_000), nobodysKey)
    const [first, second] = [this.#nextRevision(), this.#nextRevision()]
    this.#sendEvent(exchange, id, key, kind === 'out of order' ? second : first)
    if (kind === 'events twice') this.#sendEvent(exchange, id, key, first)
    if (kind === 'out of order') this.#sendEvent(exchange, id, key, first)
  }

  #cancel(id: string, exchange: Exchange): void {
    exchange.send({ ...this.#header(id), canceled: true })
  }

  #sendEvent(exchange: Exchange, id: string, key: string, revision = this.#nextRevision()): void {
    const sent = this.events.get(key) ?? new Set()
    this.events.set(key, sent.add(revision))
    const kv = { key: Buffer.from(key), mod_revision: String(revision) }
    exchange.send({ ...this.#header(id), events: [{ type: 1, kv }] })
  }

  #trouble(trouble: Trouble, exchange: Exchange, message: Message, code: number): void {
    const { code: status, message: text } = refusals[code % refusals.length] as (typeof refusals)[number]
    if (trouble === 'cut short') exchange.cutShort(message)
    else if (trouble === 'reset') exchange.reset(resets[code % resets.length] as number)
    else if (trouble === 'end') exchange.end(0, '')
    else if (trouble === 'refusal') exchange.end(status, text)
    else if (trouble === 'go away') exchange.goAway()
    else if (trouble === 'destroyed') this.#tearDown(exchange.port)
    else if (trouble === 'garbage') exchange.sendGarbage()
    else if (trouble === 'empty') exchange.send({})
  }

  /** Like the end of a process: a session that is only destroyed waits for the other side's end. */
  #tearDown(port: number | undefined): void {
    for (const socket of this.#sockets) if (socket.remotePort === port) socket.destroy()
  }

  #header(id: string): Message {
    return { header: { revision: String(this.#revision) }, watch_id: id }
  }

  #nextRevision(): bigint {
    this.#revision += 1n
    return this.#revision
  }

  #after(ms: number, run: () => void): void {
    if (ms === 0) {
      run()
      return
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      run()
    }, ms)
    this.#timers.add(timer)
  }
}

/** How a new watch is refused. Undefined if it is not. */
function refusedWatch(kind: WatchReaction['kind'], id: string, created: boolean): Message | undefined {
  if (kind === 'cancelled') return { watch_id: id, created, canceled: true }
  return kind === 'cancelled without id' ? { watch_id: '-1', canceled: true } : undefined
}

/** The answer of a sound server. */
function answerTo(path: string, request: Message): Message {
  const { ID } = request
  if (path.endsWith('/LeaseGrant')) return { ID, TTL: String(grantedSeconds + Number(ID)) }
  if (path.endsWith('/LeaseTimeToLive')) return { ID, TTL: String(leftSeconds + Number(ID)) }
  if (path.endsWith('/LeaseRevoke')) return {}
  const [asked] = request.success as { request_range: { key: Buffer } }[]
  const kvs = [{ key: asked?.request_range.key }]
  return { header: { revision: '1' }, succeeded: true, responses: [{ response_range: { kvs } }] }
}
