// The invariants of every run: each with its name and one sentence. Owns the words. The judges of locks, elections,
// cron jobs and connections check them, and their failures, the titles of tests and the table of mutants use these
// names.

const ofLocks = {
  'true-belief': 'A program that believes that it holds a name owns it in the store.',
  'permits-kept': 'No more programs believe that they hold a name than it has permits.',
  'growing-tokens': 'The token of a hold is larger than that of each earlier hold of the name.',
  'loss-told-once': 'A program learns of the loss of a hold once, and of nothing after it released the hold.',
  'no-needless-loss': 'No hold is lost, and no call fails, while nothing goes wrong.',
  'possible-history': 'The holds of a mutex fit one order, whatever its store says.',
  'no-overtaking': 'While nothing goes wrong, the claim that came first holds first.',
  'no-idle-lock': 'While nothing goes wrong, no name stays free while a program waits for it.',
  'bounded-handover':
    'A hold passes only among the callers of one client, no more often and no longer than its bounds say.',
  'time-to-work': 'A hold begins with at least half of the life of its session.',
  'prompt-giving-up': 'A call that its caller gives up ends soon.',
  'fresh-checkpoint': 'A reader finds the last checkpoint that was acknowledged, or a later one.',
} as const

const ofAll = {
  progress: 'Every call ends, once all is well again.',
  'nothing-left': 'No key, timer, listener or connection is left at the end.',
  'few-requests': 'A run sends no more requests than its length and its calls allow.',
  'no-stray-error': 'No rejection is left without a handler.',
} as const

const ofLeaders = {
  'one-leader': 'Terms do not overlap, and no process works for two of them.',
  'one-worker':
    'Work that ends within `stopBeforeMs` of being asked has ended before another candidate works, unless somebody took its term away or stopped its process.',
  'work-within-term':
    'Work begins under a term that is held, and the term is kept until the work had its time to end.',
  'ordered-sight': 'An observer sees terms in their order, and only values that their leader proclaimed.',
  'standing-candidates':
    'While candidates stand, one leads and works, and all observers know it, once all is well again.',
  'higher-first': 'While nothing goes wrong, no candidate leads before one of a higher priority that waits.',
  'named-successor': 'While nothing goes wrong, the candidate to which a leader hands over leads next.',
  'room-made': 'A candidate that makes room leads only if no other one stands, once all is well again.',
  'fit-to-lead': 'No term begins for a candidate that was not eligible for the last ten seconds.',
} as const

const ofTicks = {
  'tick-once': 'A tick runs at most once; with `retry`, no more after its job was done.',
  'tick-at-its-time': 'A tick runs no earlier than clocks may differ.',
  'ticks-in-order': 'No tick runs after a later one, and no two jobs run at one time.',
  'no-tick-lost': 'A tick runs if a host could run it.',
  'missed-tick-told': 'A tick that no host ran is told or made up for, and no other tick is told.',
} as const

const ofStreams = {
  'own-answer': 'A request settles once, by its own answer or an error that a transport may have.',
  'ordered-events': 'A watch hears its own events once and in order, until it hears of its end.',
} as const

/** All invariants, with what each says. */
export const invariants = { ...ofLocks, ...ofAll, ...ofLeaders, ...ofTicks, ...ofStreams } as const

/** The name of an invariant. */
export type Invariant = keyof typeof invariants

/** One invariant that a run broke. */
export interface Violation {
  readonly invariant: Invariant
  /** When, in ms since the beginning of the run, and what happened. */
  readonly what: string
}

/** A violation in one line, with what its invariant says. */
export function tellViolation({ invariant, what }: Violation): string {
  return `${what} [${invariant}: ${invariants[invariant]}]`
}
