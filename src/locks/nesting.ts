// The calls of one client that run under its holds: which chain of calls holds which names, and what it waits for. Owns
// how a wait that can never end is found. Only holds of `run` count. The order of a line is that of core/local-queue.ts.
import type { Clock } from '../base/clock.ts'
import type { Ending } from '../base/scope.ts'
import { Chain } from './chain.ts'
import { circle, nested } from './deadlock.ts'
import { type Frame, isOn, keyOf, type RunHold, type Size, takenBy, type Wait } from './frame.ts'

/** The runs and waits of one client. A client without a run pays for one look at an empty storage in each call. */
export class Nesting {
  readonly #clock: Pick<Clock, 'wallMs'>
  readonly #chain: Chain
  /** By form and name: the runs that hold it. */
  readonly #frames = new Map<string, Set<Frame>>()
  /** By form and name: the waits in the order of their calls. */
  readonly #waits = new Map<string, Set<Wait>>()

  /** `closing` ends with the client. */
  constructor(clock: Pick<Clock, 'wallMs' | 'after'>, closing: Ending) {
    this.#clock = clock
    this.#chain = new Chain(clock, closing)
  }

  /** Calls `work` as a part of the present chain of calls, under these holds. */
  async under<T>(holds: readonly RunHold[], work: () => Promise<T>): Promise<T> {
    const frame = this.open()
    for (const hold of holds) this.add(frame, hold)
    try {
      return await this.inside(frame, work)
    } finally {
      this.end(frame)
    }
  }

  /** A run inside the present one, which holds nothing yet. Sends nothing. */
  open(): Frame {
    const sinceMs = this.#clock.wallMs()
    return { outer: this.#chain.innermost, ended: false, holds: new Set(), waits: new Set(), sinceMs }
  }

  add(frame: Frame, hold: RunHold): void {
    frame.holds.add(hold)
    enter(this.#frames, keyOf(hold.size), frame)
  }

  inside<T>(frame: Frame, work: () => Promise<T>): Promise<T> {
    return this.#chain.inside(frame, work)
  }

  end(frame: Frame): void {
    frame.ended = true
    for (const { size } of frame.holds) leave(this.#frames, keyOf(size), frame)
  }

  /** The hold on a name that the present chain of calls has from a `run`. */
  own(name: string, permits: number): RunHold | undefined {
    for (const { holds } of pathOf(this.#chain.innermost))
      for (const hold of holds) if (isOn(hold, { name, permits }) && hold.held) return hold
    return undefined
  }

  /** Throws DeadlockError if the chain of calls with this run holds so much of the name that the rest is too little. */
  check(size: Size, run: Frame | undefined = this.#chain.innermost): void {
    const { name, permits, weight } = size
    const path = [...pathOf(run)].filter((frame) => takenBy(frame, size) > 0)
    const taken = path.reduce((sum, frame) => sum + takenBy(frame, size), 0)
    if (taken > 0 && taken + weight > permits) throw nested({ name, permits, weight }, taken, path)
  }

  /**
   * Calls `ask`, which waits for the name, unless that wait can never end: then it throws DeadlockError, and `ask` is not
   * called. `waitMs` is the time limit of the wait; a call with 0 does not wait, and is never refused. `run` is the innermost run
   * around the call.
   */
  waiting<T>(
    size: Size,
    waitMs: number | undefined,
    ask: () => Promise<T>,
    run: Frame | undefined = this.#chain.innermost,
  ): Promise<T> {
    if (waitMs === 0 || (size.permits === 1 && !run)) return ask()
    return this.#watched({ size, endless: waitMs === undefined }, [...pathOf(run)], ask)
  }

  async #watched<T>(wait: Wait, path: readonly Frame[], ask: () => Promise<T>): Promise<T> {
    const { size } = wait
    this.check(size, path[0])
    const key = keyOf(size)
    enter(this.#waits, key, wait)
    for (const { waits } of path) waits.add(wait)
    try {
      if (this.#closesCircle(wait, path)) throw circle(size, path, this.#circleOf(wait, path))
      return await ask()
    } finally {
      leave(this.#waits, key, wait)
      for (const { waits } of path) waits.delete(wait)
    }
  }

  /** Whether this wait, the latest, is stuck. It can only be if another one waits for a name that its chain holds. */
  #closesCircle(wait: Wait, path: readonly Frame[]): boolean {
    const isWanted = ({ size }: RunHold): boolean => {
      const waits = this.#waits.get(keyOf(size))
      return waits !== undefined && (waits.size > 1 || !waits.has(wait))
    }
    const held = path.flatMap(({ holds }) => [...holds])
    return held.some((hold) => hold.held && isWanted(hold)) && this.#stuck(wait).has(wait)
  }

  /**
   * The waits that can never end, among those on which this one depends. It starts with all of them, and takes each away
   * whose permits are free once all others have ended, until none is left to be taken away.
   */
  #stuck(first: Wait): Set<Wait> {
    const stuck = new Set([first])
    for (const wait of stuck) for (const other of this.#before(wait)) if (other.endless) stuck.add(other)
    for (let size = 0; size !== stuck.size; ) {
      size = stuck.size
      for (const wait of stuck) if (!this.#isStuck(wait, stuck)) stuck.delete(wait)
    }
    return stuck
  }

  /** The waits inside the runs that hold the name, and those that came earlier, whose turn comes first. */
  *#before(wait: Wait): Generator<Wait> {
    for (const { waits } of this.#holding(wait)) yield* waits
    yield* this.#ahead(wait)
  }

  #isStuck(wait: Wait, stuck: ReadonlySet<Wait>): boolean {
    const { permits, weight } = wait.size
    let taken = 0
    for (const frame of this.#holding(wait)) if (anyOf(frame.waits, stuck)) taken += takenBy(frame, wait.size)
    return taken + weight > permits || anyOf(this.#ahead(wait), stuck)
  }

  #holding({ size }: Wait): Iterable<Frame> {
    return this.#frames.get(keyOf(size)) ?? []
  }

  /** In the line of a mutex the first wait is stuck if any is. So only its holder is looked at. */
  *#ahead(wait: Wait): Generator<Wait> {
    if (wait.size.permits === 1) return
    for (const other of this.#waits.get(keyOf(wait.size)) ?? []) {
      if (other === wait) return
      yield other
    }
  }

  /** The waits from this one around the circle, for the message. */
  #circleOf(first: Wait, path: readonly Frame[]): Wait[] {
    const stuck = this.#stuck(first)
    const own = new Set(path)
    const along = new Set<Wait>()
    for (let wait: Wait | undefined = first; wait && !along.has(wait); ) {
      along.add(wait)
      const holders: Frame[] = [...this.#holding(wait)].filter(({ waits }) => anyOf(waits, stuck))
      if (holders.some((frame) => own.has(frame))) break
      const next: Wait[] = [...(holders[0]?.waits ?? this.#ahead(wait))]
      wait = next.find((each) => stuck.has(each))
    }
    return [...along]
  }
}

/** A run, and those around it. */
function* pathOf(innermost: Frame | undefined): Generator<Frame> {
  for (let frame = innermost; frame; frame = frame.outer) yield frame
}

function anyOf(waits: Iterable<Wait>, stuck: ReadonlySet<Wait>): boolean {
  for (const wait of waits) if (stuck.has(wait)) return true
  return false
}

function enter<T>(map: Map<string, Set<T>>, key: string, item: T): void {
  const items = map.get(key)
  if (items) items.add(item)
  else map.set(key, new Set([item]))
}

function leave<T>(map: Map<string, Set<T>>, key: string, item: T): void {
  const items = map.get(key)
  items?.delete(item)
  if (items?.size === 0) map.delete(key)
}
