// @ts-check
// Mistakes in elections and cron jobs that the properties in test/property/election and test/property/cron must find.
// Owns the list; table.mjs has the one for locks.

/** @typedef {import('./table.mjs').Mutant} Mutant */

const election = /** @type {const} */ (['election'])
const cron = /** @type {const} */ (['cron'])

const orderly = /** @type {const} */ ('work-within-term')
const one = /** @type {const} */ ('one-leader')
const oneWorker = /** @type {const} */ ('one-worker')
const observed = /** @type {const} */ ('ordered-sight')
const standing = /** @type {const} */ ('standing-candidates')
const first = /** @type {const} */ ('higher-first')
const successor = /** @type {const} */ ('named-successor')
const room = /** @type {const} */ ('room-made')
const fit = /** @type {const} */ ('fit-to-lead')
const once = /** @type {const} */ ('tick-once')
const inOrder = /** @type {const} */ ('ticks-in-order')
const exactly = /** @type {const} */ ('no-tick-lost')
const missed = /** @type {const} */ ('missed-tick-told')

/** @type {readonly Mutant[]} */
export const ofLeaders = [
  {
    name: 'priority-overtakes-nobody',
    file: 'src/election/precedence.ts',
    find: "  if (lower.length === 0) return 'none'\n",
    put: "  if (lower.length >= 0) return 'none'\n",
    stores: election,
    by: first,
  },
  {
    name: 'priority-overtakes-only-the-next-one',
    file: 'src/election/precedence.ts',
    find: '  const waiting = passed.slice(-mostAtOnce).map(({ token }) => token)\n',
    put: '  const waiting = passed.slice(-1).map(({ token }) => token)\n',
    tests: ['election/rolling'],
    stores: election,
    by: successor,
  },
  {
    name: 'hand-over-does-not-clear-the-way',
    file: 'src/election/term.ts',
    find: '      if (!way) return\n',
    put: '      if (way || !way) return\n',
    stores: election,
    by: successor,
  },
  {
    name: 'overtaking-takes-the-holder-too',
    file: 'src/backends/etcd/operator.ts',
    find: '  const removed = passed.map(({ key }) => remove(key))\n',
    put: '  const removed = [first, ...passed].map(({ key }) => remove(key))\n',
    stores: election,
    by: orderly,
  },
  {
    name: 'a-draining-leader-stays',
    file: 'src/election/lead.ts',
    find: '    const forget = this.#client.draining.onEnd(() => void this.#makeRoom(term))\n',
    put: '    const forget = () => {}\n',
    stores: election,
    by: room,
  },
  {
    name: 'a-draining-candidate-stays-in-line',
    file: 'src/election/entry.ts',
    find: '    return this.#client.draining.ended ? this.#asReserve(value) : this.#inLine(value, onStanding)\n',
    put: '    return this.#inLine(value, onStanding)\n',
    stores: election,
    by: standing,
  },
  {
    name: 'an-unfit-candidate-stands',
    file: 'src/election/entry.ts',
    find: '      const may = !eligible || (await eligible()) === true\n',
    put: '      const may = !eligible || (await eligible()) !== undefined\n',
    stores: [],
    tests: ['election/rolling'],
    by: fit,
  },
  {
    name: 'lead-resigns-while-the-work-goes-on',
    file: 'src/election/tenure.ts',
    find: '    const stuck = await awaitWithGrace(working, term.signal, grace)\n',
    put: '    const stuck = await Promise.race([working.then(() => undefined), new Promise((end) => term.signal.addEventListener("abort", () => end(undefined)))])\n',
    stores: election,
    by: orderly,
  },
  {
    name: 'lead-does-not-wait-for-stuck-work',
    file: 'src/election/tenure.ts',
    find: '    if (stuck) await this.#outlast(working, stuck)\n    const { failed, errors } = await working\n',
    put: '    const { failed, errors } = stuck ? { failed: true, errors: [] } : await working\n',
    stores: election,
    by: one,
  },
  {
    name: 'lead-ends-with-the-first-failure-of-its-work',
    file: 'src/election/tenure.ts',
    find: '    for (const error of [...errors, ...refused]) await tell(error)\n',
    put: '    if (failed) throw errors[0]\n',
    stores: election,
    by: standing,
  },
  {
    name: 'lead-campaigns-only-once-after-a-loss',
    file: 'src/election/lead.ts',
    find: '      const restMs = term ? await this.#serve(term) : backoffMs(clock, vain)\n',
    put: '      const restMs = term ? await this.#serve(term) : backoffMs(clock, vain)\n      if (term?.signal.reason?.name === "HoldLostError") return\n',
    stores: election,
    by: standing,
  },
  {
    name: 'lead-keeps-the-term-of-failed-work',
    file: 'src/election/tenure.ts',
    find: '    const refused = await term.resign().then(',
    put: '    const refused = !term.signal.aborted ? [] : await term.resign().then(',
    stores: election,
    by: standing,
  },
  {
    name: 'work-is-asked-to-stop-at-the-deadline',
    file: 'src/core/hold.ts',
    find: '    this.#stopBeforeMs = ms\n',
    put: '    this.#stopBeforeMs = 0 * ms\n',
    stores: election,
    by: oneWorker,
  },
  {
    name: 'lost-session-is-ended-at-its-deadline',
    file: 'src/core/session-end.ts',
    find: '    if (leftMs > 0) await pause(this.#clock, leftMs, scope.signal)\n',
    put: '',
    stores: election,
    by: oneWorker,
  },
  {
    name: 'close-does-not-wait-for-the-work-of-a-leader',
    file: 'src/core/closing.ts',
    find: '    await this.#works.settled()\n',
    put: '',
    stores: election,
    by: orderly,
  },
  {
    name: 'observer-trusts-its-watch-for-what-was-before',
    file: 'src/backends/etcd/observe.ts',
    find: '      if (since > revision) observeAgain(at, name, seen, settle, signal)\n',
    put: '',
    stores: election,
    by: observed,
  },
  {
    name: 'observer-never-asks-again-by-itself',
    file: 'src/election/sights.ts',
    find: '      restMs: () => ttlMs,\n',
    put: '      restMs: () => 1e9,\n',
    stores: election,
    by: observed,
  },
  {
    name: 'observer-tells-only-of-leaders',
    file: 'src/election/sights.ts',
    find: 'if (!isSameLeader(observation.leader, this.#seen.observation.leader))',
    put: 'if (observation.leader && !isSameLeader(observation.leader, this.#seen.observation.leader))',
    stores: [],
    tests: ['election/observe'],
    by: observed,
  },
  {
    name: 'observer-misses-proclamations',
    file: 'src/election/sights.ts',
    find: '  return one?.token === other?.token && one?.value === other?.value && one?.session === other?.session\n',
    put: '  return one?.token === other?.token && one?.session === other?.session\n',
    stores: election,
    by: observed,
  },
  {
    name: 'consul-observer-tells-the-index-of-the-last-write',
    file: 'src/backends/consul/line.ts',
    find: 'BigInt(lockIndex > 1 ? modifyIndex : createIndex)',
    put: 'BigInt(lockIndex > 0 ? modifyIndex : createIndex)',
    stores: election,
    by: observed,
  },
  {
    name: 'etcd-candidate-token-by-admission',
    file: 'src/backends/etcd/line.ts',
    find: 'permits === 1 && !candidate ? revision',
    put: 'permits === 1 ? revision',
    stores: election,
    by: observed,
  },
]

/** @type {readonly Mutant[]} */
export const ofCron = [
  {
    name: 'cron-tick-not-looked-up-under-the-lock',
    file: 'src/cron/contest.ts',
    find: '    if (!ruling) {\n',
    put: '    if (!ruling || hold.held) {\n',
    stores: cron,
    by: once,
  },
  {
    name: 'cron-marks-when-the-job-is-done',
    file: 'src/cron/turn.ts',
    find: 'await hold.mark(mark).catch(',
    put: 'await Promise.resolve().catch(',
    stores: cron,
    by: once,
  },
  {
    name: 'cron-gives-up-when-the-lock-is-taken',
    file: 'src/cron/contest.ts',
    find: '{ ...wish, waitMs, onWait',
    put: '{ ...wish, waitMs: 0, onWait',
    stores: cron,
    by: exactly,
  },
  {
    name: 'cron-tick-by-the-minute-of-its-own-clock',
    file: 'src/cron/keeper.ts',
    find: 'await attend(() => take(keeping, tickMs, options), keeping, options)',
    put: 'await attend(() => take(keeping, clock.wallMs(), options), keeping, options)',
    stores: cron,
    by: once,
  },
  {
    name: 'cron-forgets-what-was-missed',
    file: 'src/cron/taking.ts',
    find: '        this.#tellMissed(left.slice(told, until), told === 0 ? sinceMs : undefined)\n',
    put: '',
    stores: cron,
    by: missed,
  },
  {
    name: 'cron-makes-up-for-the-last-only',
    file: 'src/cron/taking.ts',
    find: 'const late = new Set(ticks.filter(isLate))',
    put: 'const late = new Set(ticks.filter(isLate).slice(-1))',
    stores: cron,
    by: missed,
  },
  {
    name: 'cron-runs-again-what-was-done',
    file: 'src/cron/ruling.ts',
    find: 'return done || !retry',
    put: 'return !retry',
    stores: cron,
    by: once,
  },
  {
    name: 'cron-runs-again-what-was-begun',
    file: 'src/cron/ruling.ts',
    find: 'return done || !retry',
    put: 'return done',
    stores: cron,
    by: once,
  },
  {
    name: 'cron-takes-ticks-that-are-over',
    file: 'src/cron/ruling.ts',
    find: "return later && { reason: 'over', span: later }",
    put: 'return undefined',
    stores: cron,
    tests: ['cron/guard'],
    by: inOrder,
  },
  {
    name: 'cron-retries-before-what-was-begun-later',
    file: 'src/cron/ruling.ts',
    find: '({ fromMs }) => fromMs > tickMs && fromMs <= horizonMs',
    put: '({ fromMs, done }) => done && fromMs > tickMs && fromMs <= horizonMs',
    stores: cron,
    tests: ['cron/late'],
    by: inOrder,
  },
  {
    name: 'cron-goes-back-with-the-clock',
    file: 'src/cron/keeper.ts',
    find: 'nearest !== undefined && nearest > lastMs ? nearest',
    put: 'nearest !== undefined && nearest !== lastMs ? nearest',
    stores: [],
    tests: ['cron/start'],
    by: inOrder,
  },
  {
    name: 'cron-takes-a-tick-of-tomorrow',
    file: 'src/cron/present.ts',
    find: 'early: tickMs - nowMs > aheadMs',
    put: 'early: false',
    stores: cron,
    tests: ['cron/promise'],
    by: once,
  },
  {
    name: 'cron-is-silenced-by-the-future',
    file: 'src/cron/ruling.ts',
    find: 'fromMs > tickMs && fromMs <= horizonMs',
    put: 'fromMs > tickMs',
    stores: cron,
    tests: ['cron/promise'],
    by: exactly,
  },
  {
    name: 'cron-forgets-the-future',
    file: 'src/cron/ruling.ts',
    find: '.filter((span) => span !== replaced)',
    put: '.filter((span) => span !== replaced && span.tickMs < tickMs)',
    stores: cron,
    tests: ['cron/promise'],
    by: once,
  },
  {
    name: 'cron-uses-up-a-tick-that-it-does-not-begin',
    file: 'src/cron/turn.ts',
    find: '  if (scope.ended) await giveBack(turn, token)\n',
    put: '  scope.throwIfEnded()\n',
    stores: cron,
    tests: ['cron/promise'],
    by: exactly,
  },
  {
    name: 'cron-gives-back-a-mark-that-it-made-before',
    file: 'src/cron/turn.ts',
    find: 'replaced: before ? before.replaced : replaced',
    put: 'replaced',
    stores: [],
    tests: ['cron/promise'],
    by: exactly,
  },
  {
    name: 'cron-gives-up-in-an-outage',
    file: 'src/cron/outlast.ts',
    find: '!isOutage(error) ||',
    put: 'isOutage(error) ||',
    stores: cron,
    tests: ['cron/start', 'cron/guard'],
    by: exactly,
  },
]

/** @type {readonly Mutant[]} */
export const ofWork = [
  {
    name: 'grace-does-not-begin-where-the-end-came-before',
    file: 'src/base/scope.ts',
    find: '    if (signal.aborted) begin()\n    else signal',
    put: '    signal',
    stores: [],
    tests: ['core/work'],
    by: orderly,
  },
]
