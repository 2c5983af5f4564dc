// Three peers in Go and three in Node that take one lock or one leadership in turn, and what befalls those that hold. Owns
// the record of their turns, on the clock that all processes of a machine share, and what must be true of it.
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { until } from '../../tools/servers/wait.mjs'
import { now, type Peer, type Said, type Side } from './peer.ts'

/** What befalls a holder: it is killed, stands still for longer than its time to live, or its session is ended. */
export type Trouble = 'kill' | 'stop' | 'revoke'

/** Where they contend. */
export interface Arena {
  readonly title: string
  readonly name: string
  readonly ttlMs: number
  /** Starts a peer that is ready to take. */
  start(side: Side): Promise<Peer>
  take(peer: Peer, value: string): Promise<Said>
  give(peer: Peer): Promise<Said>
  /** Makes a peer ready again whose session has ended. */
  again(peer: Peer): Promise<unknown>
  /** Ends the session of this holder, as an operator can; does nothing when it has let go meanwhile. */
  revoke(holder: Turn): Promise<void>
  /** The create revision of the first in line, where the store has a line. */
  first?(): Promise<bigint | undefined>
  /** Ends a peer politely. */
  close(peer: Peer): Promise<unknown>
}

/** One turn, as its holder saw it. */
export interface Turn {
  readonly peer: Peer
  readonly token: bigint
  readonly asked: number
  readonly began: number
  /** Until when the holder may have believed in it. */
  ended: number
  created: bigint | undefined
  /** Whether all is known of it that can be. */
  placed: boolean
  /** Whether the holder was asked to give it back: then it may be over at any moment, before the answer is here. */
  leaving: boolean
  trouble?: Trouble
}

/** What one side got. */
export interface Share {
  /** While all of them contended. */
  readonly turns: number
  /** Once the others had begun to leave. */
  readonly late: number
  readonly longestMs: number
}

const each = 3
const holdMs = 10
/** How long they go on undisturbed between two troubles. */
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

  /** Lets them contend for so long; resolves when all have had their last turn and are gone. */
  static async run(arena: Arena, plan: { seconds: number; troubles: readonly Trouble[] }): Promise<Contest> {
    const contest = new Contest(arena, plan)
    const sides: Side[] = ['Go', 'Node']
    const loops = sides.flatMap((side) => Array.from({ length: each }, () => contest.#loop(side)))
    await Promise.all([...loops, contest.#befall()])
    return contest
  }

  /** Takes and gives until the time is over; after a kill another process takes its place. */
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

  /** In Go a wait ends when its session does, which can happen to a process that is starved for longer than that lasts. */
  async #refused(peer: Peer, error: string): Promise<void> {
    if (peer.over) return
    if (!sessionLost.test(error)) throw new Error(`${peer.side} took nothing: ${error}`)
    await this.#again(peer)
  }

  async #again(peer: Peer): Promise<void> {
    await this.#arena.again(peer).catch((error: unknown) => {
      if (!peer.over) throw error // else it was killed meanwhile
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

  /** Each trouble in turn, with a while of calm in between. */
  async #befall(): Promise<void> {
    for (let round = 0; ; round += 1) {
      const trouble = this.#troubles[round % this.#troubles.length]
      await pause(calmMs)
      // What befalls a holder ends before the contest does, so that all are there for its end.
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
   * A process that stands still, and one whose session an operator ended, may go on believing: it cannot know. What counts
   * is that it believed rightly until then.
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

  /** No two held at a time, tokens grew across both sides, and so did the places in line. */
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

  /** What came of it, for those who read the output. */
  get summary(): string {
    const of = (side: Side): string => {
      const { turns, late, longestMs } = this.share(side)
      return `${side} ${turns} turns and ${late} at the end, longest wait ${longestMs.toFixed(0)} ms`
    }
    const troubles = Object.entries(this.befell).map(([trouble, times]) => `${trouble} ${times}`)
    return `${this.#arena.title}: ${of('Go')}; ${of('Node')}; ${troubles.join(', ')}`
  }
}
