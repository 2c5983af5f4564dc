// The line inside one process. Claims of one client for one name wait here first, so that the store sees only those of
// them that fit into the permits. The rule is that of the store. Owns the order among callers of this client.
import type { Hold } from '../api/hold.ts'
import type { Scope } from '../base/scope.ts'
import type { Claim } from '../contract.ts'
import type { Cohort } from './cohort.ts'
import type { Session } from './session.ts'
import { Succession } from './succession.ts'

/** Called with the number of calls of this client that stand ahead. */
export type LocalWait = (ahead: number, isLocal: true) => void

interface Line {
  /** The lines of its client. */
  readonly lines: Lines
  readonly name: string
  readonly permits: number
  /** How many callers have their turn now, and how many permits they take. */
  inside: number
  taken: number
  /**
   * In order of arrival. A Set, so that a waiter that gives up is removed at once. Made for the first waiter, since most lines have
   * none.
   */
  waiting: Set<Waiter> | undefined
  /** How many of them listen for the number ahead. Mostly none does, and then no change of the line has to look at each. */
  listening: number
}

interface Waiter {
  readonly weight: number
  /** Whether its first request may also withdraw the claim of the caller before. */
  readonly succeeds: boolean
  /** Gives the waiter its turn and, with a succession, the claim that its first request has to withdraw. */
  pass(before?: Succession): void
  /** Gives the waiter its turn with a hold on the claim of the caller before. Undefined if the waiter needs a claim of its own. */
  readonly succeed: ((cohort: Cohort) => void) | undefined
  /** Tells the waiter how many calls of this client stand ahead, if the number has changed. Undefined if it does not listen. */
  readonly tell: ((ahead: number) => void) | undefined
}

/** One fair line for each name and number of permits, kept only while a caller stands in it. */
export class Lines {
  /** By permits and name. A client uses few numbers of permits, so the maps of names stay. */
  readonly #lines = new Map<number, Map<string, Line>>()

  /**
   * The caller's turn, if it is free. Otherwise undefined or, with `wait`, a promise of it. When the scope ends, that
   * rejects with its reason, and the caller is out of the line. `onWait` is called with the number of callers of this
   * client that stand ahead, whenever that changes. With `takeOver` the turn may come with a hold, which that makes.
   */
  enter(
    { name, permits, weight, candidate = false }: Sought,
    wait: boolean,
    scope: Scope,
    { onWait, takeOver }: Listening = {},
  ): Turn | undefined | Promise<Turn> {
    const line = this.#line(name, permits)
    if (isWanted(line) || line.taken + weight > permits)
      return wait ? inLine(line, { weight, candidate, takeOver }, scope, onWait) : undefined
    enter(line, weight)
    return new Turn(line, weight)
  }

  /** Forgets a line in which nobody stands any more. */
  empty({ name, permits }: Line): void {
    this.#lines.get(permits)?.delete(name)
  }

  #line(name: string, permits: number): Line {
    const lines = this.#lines.get(permits) ?? new Map<string, Line>()
    const known = lines.get(name)
    if (known) return known
    const line = { lines: this, name, permits, inside: 0, taken: 0, waiting: undefined, listening: 0 }
    this.#lines.set(permits, lines.set(name, line))
    return line
  }
}

/** The size of a claim. A candidate succeeds no other claim. */
type Sought = Pick<Claim, 'name' | 'permits' | 'weight'> & Partial<Pick<Claim, 'candidate'>>

/** The ways in which a caller that waits learns of its turn, and of the callers ahead. */
export interface Listening {
  readonly onWait?: LocalWait | undefined
  readonly takeOver?: TakeOver | undefined
}

/** Makes the hold of a caller, on the claim that the caller before hands over. */
export type TakeOver = (turn: Turn, cohort: Cohort) => Hold

/** The permits that a caller has among the callers of this client. */
export class Turn {
  /** The claim of the caller before, if the first request of this caller has to withdraw it. */
  readonly before: Succession | undefined
  /** The hold that came with the turn, if the caller before handed its claim over. */
  hold: Hold | undefined
  readonly #line: Line
  #left: number

  constructor(line: Line, weight: number, before?: Succession) {
    this.#line = line
    this.#left = weight
    this.before = before
  }

  /**
   * Gives the permits to the next callers of this client, all or all but some. Idempotent. If the claim of the caller before
   * has not left the store yet, the next callers get them only after that.
   */
  leave(kept = 0): void {
    if (this.before?.isOpen) this.before.decide(false)
    if (this.before && !this.before.isOver) return void this.before.over.then(() => this.#leave(kept))
    this.#leave(kept)
  }

  /**
   * Gives the whole turn to the next caller, whose first request is to withdraw this claim, too. Undefined if nobody waits
   * for whom that is possible; then the turn stays.
   */
  passOn(claim: Claim, session: Session): Succession | undefined {
    const { permits, waiting } = this.#line
    const [next] = waiting ?? []
    const isFree = this.#left === permits && !(this.before && !this.before.isOver)
    if (permits > 1 || claim.candidate || !isFree || !next?.succeeds) return undefined
    this.#left = 0 // the next caller has the same permits: they stay taken
    const succession = new Succession(claim, session)
    next.pass(succession)
    return succession
  }

  /**
   * Gives the whole turn to the next caller together with the claim, if the claim may be handed over. Returns whether that was
   * done; otherwise the turn stays.
   */
  handOver(cohort: Cohort): boolean {
    const [next] = this.#line.waiting ?? []
    if (!next?.succeed || !cohort.isOpen) return false
    this.#left = 0 // the next caller has the same permits: they stay taken
    next.succeed(cohort)
    return true
  }

  #leave(kept: number): void {
    const line = this.#line
    if (this.#left <= kept) return
    line.taken -= this.#left - kept
    this.#left = kept
    if (kept === 0) line.inside -= 1
    passTurns(line)
    if (line.inside === 0) line.lines.empty(line)
  }
}

function isWanted({ waiting }: Line): boolean {
  return waiting !== undefined && waiting.size > 0
}

function enter(line: Line, weight: number): void {
  line.inside += 1
  line.taken += weight
}

/** Gives their turns to the first waiters, as many as fit. */
function passTurns(line: Line): void {
  if (line.taken === line.permits) return // to find the first of many costs time if many have left
  for (const next of line.waiting ?? []) {
    if (line.taken + next.weight > line.permits) return
    enter(line, next.weight)
    next.pass()
  }
}

/** Puts a waiter at the end of the line. */
function join(line: Line, waiter: Waiter): void {
  line.waiting = (line.waiting ?? new Set()).add(waiter)
  if (waiter.tell) line.listening += 1
  tellAll(line)
}

/** Takes a waiter out of the line, which stands there. */
function leave(line: Line, waiter: Waiter): void {
  line.waiting?.delete(waiter)
  if (waiter.tell) line.listening -= 1
}

/** Takes out a waiter that gives up. A lighter one behind it may fit. */
function drop(line: Line, waiter: Waiter): void {
  leave(line, waiter)
  passTurns(line)
  tellAll(line)
}

interface Newcomer {
  readonly weight: number
  readonly takeOver: TakeOver | undefined
  readonly candidate: boolean
}

/** Resolves with the turn when callers that leave pass it on. */
function inLine(line: Line, newcomer: Newcomer, scope: Scope, onWait: LocalWait | undefined): Promise<Turn> {
  return new Promise((resolve, reject) => {
    const begin = (turn: Turn): void => {
      leave(line, waiter)
      giveUp()
      tellAll(line)
      resolve(turn)
    }
    const waiter = waiterOf(line, newcomer, begin, onWait && changesOf(onWait))
    join(line, waiter)
    const giveUp = scope.onEnd((reason) => {
      reject(reason)
      drop(line, waiter)
    })
  })
}

/** Tells a number only if it differs from the last one. */
function changesOf(onWait: LocalWait): (ahead: number) => void {
  let told = 0
  return (ahead) => {
    if (ahead !== told) onWait(ahead, true)
    told = ahead
  }
}

/** The waiter of a caller, whose turn begins by `begin`. */
function waiterOf(
  line: Line,
  { weight, candidate, takeOver }: Newcomer,
  begin: (turn: Turn) => void,
  tell: Waiter['tell'],
): Waiter {
  const succeed = (cohort: Cohort): void => {
    const turn = new Turn(line, weight)
    begin(turn)
    turn.hold = takeOver?.(turn, cohort)
  }
  const pass = (before?: Succession): void => begin(new Turn(line, weight, before))
  return { weight, succeeds: !candidate, pass, succeed: takeOver && succeed, tell }
}

function tellAll({ inside, waiting, listening }: Line): void {
  if (listening === 0) return
  let ahead = inside
  for (const { tell } of waiting ?? []) {
    tell?.(ahead)
    ahead += 1
  }
}
