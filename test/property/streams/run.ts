// Runs one plan: a real connection of the product to a scripted peer, over loopback sockets and in real time. Owns the
// steps, and checks that no socket and no timer is left after them.
import { Etcd3, type ITxnRequest } from 'etcd3'
import { EtcdClient } from '../../../src/backends/etcd/wire/client.ts'
import { givenClient } from '../../../src/backends/etcd/wire/etcd3/link.ts'
import { member } from '../../../src/backends/etcd/wire/http2/link.ts'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import type { Violation } from '../invariants.ts'
import type { etcdMethods } from './grpc.ts'
import { boundMs, type Heard, Judge } from './judge.ts'
import { grantedSeconds, leftSeconds, Peer } from './peer.ts'
import type { Step, StreamPlan } from './plan.ts'

/** The result of a run. */
export interface StreamVerdict {
  readonly violations: readonly Violation[]
  readonly marks: ReadonlyMap<string, number>
  readonly story: string
}

export async function runStreamPlan(
  methods: ReturnType<typeof etcdMethods>,
  plan: StreamPlan,
): Promise<StreamVerdict> {
  const peer = new Peer(methods, plan)
  const run = new Program(plan, peer, await peer.listen())
  try {
    await run.play()
  } catch (error) {
    run.judge.complain('progress', `the run: ${error instanceof Error ? error.stack : error}`)
  } finally {
    peer.close()
  }
  const { violations, marks, story } = run.judge
  return { violations, marks, story: story.join('\n') }
}

/** The real clock, which counts its timers. */
class CountedClock implements Clock {
  readonly #clock = systemClock()
  timers = 0
  readonly mark = this.#clock.mark
  readonly wallMs = this.#clock.wallMs
  readonly random = this.#clock.random
  readonly id = this.#clock.id

  after(ms: number, run: () => void): () => void {
    let set = true
    const unset = (): void => {
      this.timers -= set ? 1 : 0
      set = false
    }
    this.timers += 1
    const cancel = this.#clock.after(ms, () => {
      unset()
      run()
    })
    return () => {
      unset()
      cancel()
    }
  }
}

class Program {
  readonly judge: Judge
  readonly #plan: StreamPlan
  readonly #peer: Peer
  readonly #clock = new CountedClock()
  readonly #client: EtcdClient
  /** A client of npm etcd3, as a caller can pass it in. The caller closes it. */
  readonly #given: Etcd3 | undefined
  readonly #pending = new Set<Promise<unknown>>()
  readonly #renewing = new Map<string, Promise<unknown>>()
  readonly #watches: { readonly heard: Heard; readonly stop: () => void }[] = []
  #questions = 0

  constructor(plan: StreamPlan, peer: Peer, address: string) {
    this.#plan = plan
    this.#peer = peer
    this.judge = new Judge(peer, plan)
    this.#given = plan.etcd3 ? new Etcd3({ hosts: `http://${address}` }) : undefined
    const endpoint = this.#given ? givenClient(this.#given, this.#clock) : member(address, {}, this.#clock)
    this.#client = new EtcdClient([endpoint])
  }

  async play(): Promise<void> {
    for (const step of this.#plan.steps) {
      const done = this.#take(step)
      this.#pending.add(done)
      if (step.awaited) await done
      if (step.restMs > 0) await milliseconds(step.restMs)
    }
    if (!this.#plan.closesEarly) {
      await Promise.all(this.#pending)
      await this.#recover()
      await this.#hearAll()
    }
    this.#client.close()
    for (const { heard } of this.#watches) {
      if (!heard.ended)
        this.judge.complain('ordered-events', `${heard.key} does not hear that its connection was closed`)
    }
    await Promise.all(this.#pending)
    this.#given?.close()
    await this.#endClean()
  }

  #take(step: Step): Promise<unknown> {
    const { verb, which, limitMs } = step
    if (verb === 'watch') return Promise.resolve(this.#watch())
    if (verb === 'unwatch') return Promise.resolve(this.#unwatch(which))
    const lease = String(1 + which * 10)
    const before = verb === 'renew' ? this.#renewing.get(lease) : undefined
    const asked = Promise.resolve(before).then(() => this.#ask(verb, lease, limitMs))
    if (verb === 'renew') this.#renewing.set(lease, asked) // one renewal of a lease at a time, as in a session
    return asked
  }

  /** Sends a request, and aborts it after this time. Resolves with whether it was answered. */
  async #ask(verb: Step['verb'], lease: string, limitMs: number): Promise<boolean> {
    const limit = new AbortController()
    const timer = setTimeout(() => limit.abort(new Error('given up')), limitMs)
    const { signal } = limit
    this.#questions += 1
    const title = `${verb} ${lease} (${this.#questions})`
    this.judge.note(title)
    try {
      return await this.#question(verb, title, lease, signal)
    } finally {
      clearTimeout(timer)
    }
  }

  async #question(verb: Step['verb'], title: string, lease: string, signal: AbortSignal): Promise<boolean> {
    const sinceMs = performance.now()
    const request = <T>(asked: Promise<T>) => this.judge.request(title, signal, asked)
    if (verb === 'renew') {
      const renewed = await request(this.#client.keepAlive(lease, signal))
      if (renewed) this.judge.renewed(title, lease, sinceMs)
      return renewed !== undefined
    }
    if (verb === 'revoke') return (await request(this.#client.revoke(lease, signal))) !== undefined
    if (verb === 'txn') {
      const answered = await request(this.#client.txn(question(title), signal))
      const [response] = answered?.answer.responses ?? []
      const key = response?.response_range?.kvs[0]?.key.toString()
      return this.#isOwn(title, answered && key, title)
    }
    const seconds = verb === 'grant' ? grantedSeconds : leftSeconds
    const asked =
      verb === 'grant' ? this.#client.grant(lease, 10, signal) : this.#client.timeToLive(lease, signal)
    const answered = await request<number | undefined>(asked)
    return this.#isOwn(title, answered?.answer || undefined, seconds + Number(lease))
  }

  /** Each request gets its own answer. An empty message counts as none. */
  #isOwn<T>(title: string, answer: T | undefined, own: T): boolean {
    if (answer === undefined) return false
    this.judge.mark('request answered')
    if (answer !== own)
      this.judge.complain('own-answer', `${title} got the answer ${answer} instead of ${own}`)
    return true
  }

  #watch(): Heard {
    const heard = this.judge.watch(`w${this.#watches.length}`)
    this.judge.note(`watch ${heard.key}`)
    this.#watches.push({ heard, stop: this.#client.watch({ key: heard.key }, heard) })
    return heard
  }

  #unwatch(which: number): void {
    const { heard, stop } = this.#watches.at(-1 - which) ?? {}
    if (!heard || !stop || heard.ended) return
    this.judge.note(`unwatch ${heard.key}`)
    heard.ended = 'stopped'
    stop()
  }

  /** Checks that, once the peer is sound again, a renewal, a request and a watch work after a few tries. */
  async #recover(): Promise<void> {
    this.judge.note('from now on the peer is sound')
    this.#peer.heal()
    for (const verb of ['renew', 'txn'] as const) {
      const works = await this.#becomes(async () => this.#ask(verb, '1', boundMs / 4))
      if (!works) this.judge.complain('progress', `no ${verb} is answered by a peer that is sound again`)
    }
    let heard = this.#watch()
    const live = await this.#becomes(async () => {
      if (heard.ended) heard = this.#watch()
      return heard.last > 0n
    })
    if (!live) this.judge.complain('progress', 'no watch hears of an event from a peer that is sound again')
  }

  /** Checks that every confirmed watch gets a last event, or has ended. */
  async #hearAll(): Promise<void> {
    const before = this.#watches.map(({ heard }) => heard.last)
    this.#peer.mark()
    const deaf = (): Heard[] =>
      this.#watches.flatMap(({ heard }, index) =>
        heard.knows((before[index] ?? 0n) + 1n) || this.#peer.keptSilent(heard.key) ? [] : [heard],
      )
    await this.#becomes(async () => deaf().length === 0)
    for (const { key } of deaf())
      this.judge.complain('ordered-events', `${key} hears neither of an event nor that it ended`)
  }

  /** Checks that no socket and no timer is left after the end. */
  async #endClean(): Promise<void> {
    const clean = await this.#becomes(async () => this.#peer.held + this.#clock.timers === 0)
    if (!clean)
      this.judge.complain(
        'nothing-left',
        `left: ${this.#peer.held} connections, ${this.#clock.timers} timers`,
      )
  }

  /** Asks until it is true, for at most the bound. Returns whether it was. */
  async #becomes(isTrue: () => Promise<boolean>): Promise<boolean> {
    const untilMs = performance.now() + boundMs
    while (performance.now() < untilMs) {
      if (await isTrue()) return true
      await milliseconds(1)
    }
    return false
  }
}

function question(key: string): ITxnRequest {
  return { compare: [], success: [{ request_range: { key: Buffer.from(key) } }], failure: [] }
}

function milliseconds(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
