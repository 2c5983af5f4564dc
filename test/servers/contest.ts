// Three peers in Go and three in Node that take one lock or one leadership in turn, and faults of the holders. Owns
// the record of their turns, on the clock that all processes of a machine share, and the invariants of these turns.
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { until } from '../../tools/servers/wait.mjs'
import { now, type Peer, type Said, type Side } from './peer.ts'

/** A fault of a holder: it is killed, stopped for longer than its time to live, or its session is ended. */
export type Trouble = 'kill' | 'stop' | 'revoke'

/** The store in which they contend. */
export interface Arena {
  readonly title: string
  readonly name: string
  readonly ttlMs: number
  /** Starts a peer and resolves when it is ready. */
  start(side: Side): Promise<Peer>
  take(peer: Peer, value: string): Promise<Said>
  give(peer: Peer): Promise<Said>
  /** Makes a peer ready again after its session has ended. */
  again(peer: Peer): Promise<unknown>
  /** Ends the session of this holder, as an operator can. Does nothing if it has released meanwhile. */
  revoke(holder: Turn): Promise<void>
  /** The create revision of the first in line, if the store has a line. */
  first?(): Promise<bigint | undefined>
  /** Ends a peer properly. */
  close(peer: Peer): Promise<unknown>
}

/** One turn, as its holder saw it. */
export interface Turn {
  readonly peer: Peer
  readonly token: bigint
  readonly asked: number
  readonly began: number
  /** Until when the holder may have believed that it holds. */
  ended: number
  created: bigint | undefined
  /** Whether everything about its place is known. */
  placed: boolean
  /** Whether the holder was asked to give it back: then it may be over at any moment, before the answer is here. */
  leaving: boolean
  trouble?: Trouble
}

/** The turns of one side. */
export interface Share {
  /** Turns while all of them contended. */
  readonly turns: number
  /** Turns after the others had begun to leave. */
  readonly late: number
  readonly longestMs: number
}

const each = 3
const holdMs = 10
/** How long they run undisturbed between two faults. */
const calmMs = 1_000
const sessionLost = /requested lease not found|session is expired|context canceled/

export class Contest {
  readonly turns: Turn[] = []
  readonly #arena: Arena
  readonly #troubles: readonly Trouble[]
  readonly #end: number
  readonly #current = new Map<Peer, Turn>()
  readonly #failures: string[] = []
  readonly befell: Record<Trouble, number> = { kill: 0, stop: 0, revoke: 0 }

  private constructor(
    arena: Arena,
    { seconds, troubles }: { seconds: number; troubles: readonly Trouble[] },
  ) {
    this.#arena = arena
    this.#troubles = troubles
    this.#end = now() + seconds * 1_000
  }

  /** Lets them contend for this long. Resolves when all have had their last turn and have ended. */
  static async run(arena: Arena, plan: { seconds: number; troubles: readonly Trouble[] }): Promise<Contest> {
    const contest = new Contest(arena, plan)
    const sides: Side[] = ['Go', 'Node']
    const loops = sides.flatMap((side) => Array.from({ length: each }, () => contest.#loop(side)))
    await Promise.all([...loops, contest.#befall()])
    return contest
  }

  /** Takes and releases until the time is over. After a kill another process takes its place. */
  async #loop(side: Side): Promise<void> {
    let peer = await this.#begin(side)
    while (now() < this.#end) {
      await this.#turn(peer)
      if (peer.over) peer = await this.#begin(side)
    }
    await this.#arena.close(peer)
  }

  async #begin(side: Side): Promise<Peer> {
    const peer = await this.#arena.start(side)
    peer.onEvent = ({ event, at }) => {
      const turn = this.#current.get(peer)
      if (event === 'lost' && turn) turn.ended = Math.min(turn.ended, at)
    }
    return peer
  }

  async #turn(peer: Peer): Promise<void> {
    const asked = now()
    const answer = await this.#arena.take(peer, `${peer.side}`)
    if (answer.error !== undefined) return this.#refused(peer, answer.error)
    const { at: began, token = '0', created } = answer
    const turn: Turn = {
      peer,
      token: BigInt(token),
      asked,
      began,
      ended: Number.POSITIVE_INFINITY,
      created: created === undefined ? undefined : BigInt(created),
      placed: false,
      leaving: false,
    }
    this.turns.push(turn)
    this.#current.set(peer, turn)
    await this.#hold(turn)
  }

  /**
   * In Go a wait ends with its session, which can happen to a process that gets no processor time for longer than the
   * session lives.
   */
  async #refused(peer: Peer, error: string): Promise<void> {
    if (peer.over) return
    if (!sessionLost.test(error)) throw new Error(`${peer.side} took nothing: ${error}`)
    await this.#again(peer)
  }

  async #again(peer: Peer): Promise<void> {
    await this.#arena.again(peer).catch((error: unknown) => {
      if (!peer.over) throw error // otherwise it was killed meanwhile
    })
  }

  async #hold(turn: Turn): Promise<void> {
    const { peer } = turn
    const first = await this.#arena.first?.()
    if (turn.trouble === undefined && turn.created === undefined) turn.created = first
    turn.placed = true
    await pause(holdMs)
    turn.leaving = true
    const { at, error } = await this.#arena.give(peer)
    turn.ended = Math.min(turn.ended, at)
    this.#current.delete(peer)
    const lost = peer.events.some(({ event }) => event === 'lost')
    if (error !== undefined && !turn.trouble) this.#failures.push(`${peer.side} gave nothing back: ${error}`)
    if ((lost || turn.trouble) && !peer.over) {
      peer.events.length = 0
      await this.#again(peer)
    }
  }

  /** Each fault in turn, with a calm time in between. */
  async #befall(): Promise<void> {
    for (let round = 0; ; round += 1) {
      const trouble = this.#troubles[round % this.#troubles.length]
      await pause(calmMs)
      // A fault must end before the contest does, so that all peers are there at the end.
      const tookMs = trouble === 'revoke' ? 0 : 2 * this.#arena.ttlMs
      if (trouble === undefined || now() + tookMs > this.#end) return
      await this.#harm(await this.#holder(), trouble)
      this.befell[trouble] += 1
    }
  }

  #holder(): Promise<Turn> {
    const held = async (): Promise<Turn | undefined> =>
      [...this.#current.values()].find(
        ({ ended, placed, leaving }) => ended === Infinity && placed && !leaving,
      )
    return until(held, { describe: () => 'a holder', everyMs: 1, deadlineMs: 60_000 })
  }

  /**
   * A stopped process, or one whose session an operator ended, may go on believing, since it cannot know. Only its
   * belief before that counts.
   */
  async #harm(turn: Turn, trouble: Trouble): Promise<void> {
    const { peer } = turn
    turn.trouble = trouble
    turn.ended = Math.min(turn.ended, now())
    if (trouble === 'kill') return peer.kill()
    if (trouble === 'revoke') return this.#arena.revoke(turn)
    peer.stop()
    await pause(2 * this.#arena.ttlMs + 500)
    peer.cont()
  }

  /** Checks that no two held at a time, and that tokens and places in line grew across both sides. */
  expectOneAtATime(): void {
    expect(this.#failures).toEqual([])
    const sorted = this.turns.toSorted((one, other) => one.began - other.began)
    for (const [index, turn] of sorted.entries()) {
      const before = sorted[index - 1]
      if (!before) continue
      const whose = `${before.peer.side} (${before.trouble ?? 'sound'}), then ${turn.peer.side}, turn ${index}`
      expect(before.ended, `of ${whose}`).toBeLessThanOrEqual(turn.began)
      expect(before.token, `the token of ${whose}`).toBeLessThan(turn.token)
      if (before.created !== undefined && turn.created !== undefined)
        expect(before.created, `the place of ${whose}`).toBeLessThan(turn.created)
    }
  }

  share(side: Side): Share {
    const own = this.turns.filter(({ peer }) => peer.side === side)
    const turns = own.filter(({ began }) => began < this.#end).length
    const longestMs = Math.max(0, ...own.map(({ asked, began }) => began - asked))
    return { turns, late: own.length - turns, longestMs }
  }

  /** The result, for readers of the output. */
  get summary(): string {
    const of = (side: Side): string => {
      const { turns, late, longestMs } = this.share(side)
      return `${side} ${turns} turns and ${late} at the end, longest wait ${longestMs.toFixed(0)} ms`
    }
    const troubles = Object.entries(this.befell).map(([trouble, times]) => `${trouble} ${times}`)
    return `${this.#arena.title}: ${of('Go')}; ${of('Node')}; ${troubles.join(', ')}`
  }
}
