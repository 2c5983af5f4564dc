// @ts-check
// Nineteen mistakes of a backend that somebody else writes, as patches of the one in memory. Owns the list. The
// conformance suite alone must find each of them: its users have none of the properties of test/property/.
// test/conformance/mistakes.test.ts runs the case that is named here, `npm run test:mutants` the whole suite.

/** @typedef {import('./table.mjs').Mutant} Mutant */
/** @typedef {Mutant & { by: 'conformance', case: string }} Mistake with the title of a case that finds it */

const backend = 'src/backends/memory/backend.ts'

/** @type {readonly Omit<Mistake, 'stores' | 'tests' | 'by'>[]} */
const mistakes = [
  {
    name: 'foreign-one-waiter-too-many',
    file: 'src/backends/memory/line.ts',
    find: 'weigh(line.slice(0, index)))',
    put: 'weigh(line.slice(0, index)) - (place.claim.permits > 1 ? 1 : 0))',
    case: 'a semaphore admits as many as it has permits, then the next in line, with growing tokens',
  },
  {
    name: 'foreign-one-woken-for-two-permits',
    file: backend,
    find: 'for (const key of keys) for',
    put: 'for (const key of keys.slice(0, 2)) for',
    case: 'two permits that become free together wake two waiters, and no third one',
  },
  {
    name: 'foreign-woken-late',
    file: backend,
    find: '(this.watchers.get(key) ?? [])]) look()',
    put: '(this.watchers.get(key) ?? [])]) this.#clock.after(8_000, look)',
    case: 'a claim that waits is woken soon after the lock became free, and not before',
  },
  {
    name: 'foreign-change-before-the-wait-missed',
    file: backend,
    find: '      look() // for changes between the answer and the start of this watch\n',
    put: '',
    case: 'a claim that begins to wait just after the lock became free is woken',
  },
  {
    name: 'foreign-expiry-wakes-nobody',
    file: backend,
    find: 'return this.#clock.after(ttlMs, () => this.#endSession(id), true)',
    put: `return this.#clock.after(ttlMs, () => {
      const watchers = [...this.watchers]
      this.watchers.clear()
      this.#endSession(id)
      for (const [name, those] of watchers) this.watchers.set(name, those)
    })`,
    case: 'a session that is not renewed ends in time, and its end wakes a waiter that does not ask again',
  },
  {
    name: 'foreign-late-attempt-is-a-ghost',
    file: backend,
    find: '  async attempt(claim: Claim, signal: AbortSignal): Promise<Attempt> {\n',
    put: `  async attempt(claim: Claim, signal: AbortSignal): Promise<Attempt> {
    signal.throwIfAborted()
    const givenUp = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
    const arrived = new Promise((arrive) => setTimeout(arrive, 20)).then(() => this.arrive(claim))
    return Promise.race([arrived, givenUp as Promise<never>])
  }

  async arrive(claim: Claim, signal = new AbortController().signal): Promise<Attempt> {\n`,
    case: 'an attempt that was aborted before its answer leaves nothing after its withdrawal, even if it arrives late',
  },
  {
    name: 'foreign-abort-heard-after-the-answer',
    file: backend,
    find: '    return answerTo(claim, this.places(claim.name))\n  }\n\n  /** Resolves with the new answer',
    put: `    if (!this.#holds(claim)) await new Promise((answer) => setTimeout(answer, 4_000))
    return answerTo(claim, this.places(claim.name))\n  }\n\n  /** Resolves with the new answer`,
    case: 'an abort before the store answers ends every question soon, with the reason of the abort',
  },
  {
    name: 'foreign-session-shorter-than-granted',
    file: backend,
    find: 'return this.#clock.after(ttlMs, () => this.#endSession(id), true)',
    put: 'return this.#clock.after(ttlMs / 2, () => this.#endSession(id))',
    case: 'a session that is not renewed ends in time, and its end wakes a waiter that does not ask again',
  },
  {
    name: 'foreign-session-longer-than-granted',
    file: backend,
    find: 'return this.#clock.after(ttlMs, () => this.#endSession(id), true)',
    put: 'return this.#clock.after(ttlMs * 5, () => this.#endSession(id))',
    case: 'a session that is not renewed ends in time, and its end wakes a waiter that does not ask again',
  },
  {
    name: 'foreign-dead-session-renewed',
    file: backend,
    find: '    const session = this.#session(id)\n    session.cancelExpiry()\n',
    put: '    const session = this.#sessions.get(id)\n    if (!session) return { lost: [] }\n    session.cancelExpiry()\n',
    case: 'the store rejects a renewal of a session that it no longer knows',
  },
  {
    name: 'foreign-withdrawal-takes-all-of-its-session',
    file: backend,
    find: 'this.#remove(claim.name, isOf(claim))',
    put: 'this.#remove(claim.name, (place) => place.claim.session === claim.session)',
    case: 'one client may hold several permits, and releasing one keeps the others',
  },
  {
    name: 'foreign-tokens-begin-anew',
    file: backend,
    find: '    else this.#lines.delete(name)\n',
    put: '    else this.#lines.delete(name)\n    if (rest.length === 0) this.#tickets = 0n\n',
    case: 'tokens grow, also if the name was free in between',
  },
  {
    name: 'foreign-refused-claim-stays',
    file: backend,
    find: ' && (claim.wait || fits(claim, weigh(line)))',
    put: '',
    case: 'a claim without wait holds if the name is free, and leaves nothing in the store if it is refused',
  },
  {
    name: 'foreign-asked-again-stands-again',
    file: backend,
    find: 'if (this.#position(claim) < 0 && (',
    put: 'if ((',
    case: 'attempt, withdraw and destroySession are idempotent and touch no other claim',
  },
  {
    name: 'foreign-checkpoint-of-anybody',
    file: backend,
    find: '    if (!this.#holds(claim)) return false\n    this.texts',
    put: '    this.texts',
    case: 'the next holder reads the checkpoint of the last one, and only the holder can store one',
  },
  {
    name: 'foreign-proclamation-wakes-nobody',
    file: backend,
    find: 'if (holds) this.#change(claim.name, line)',
    put: 'if (holds) this.#lines.set(claim.name, line)',
    case: 'a waiting observer is woken soon by a new value and by the next leader, and not before',
  },
  {
    name: 'foreign-break-takes-any-holder',
    file: backend,
    find: 'ticket === token && this.#holds(claim)',
    put: 'ticket <= token && this.#holds(claim)',
    case: 'break changes nothing if no holder has the token: that of a waiter, of a past holder, or of no claim',
  },
  {
    name: 'foreign-permits-not-compared',
    file: backend,
    find: '    checkForm(claim, line[0]?.claim, this.#cohorts)\n',
    put: '',
    case: 'another number of permits, or another kind of lock, is a conflict that leaves nothing behind',
  },
  {
    name: 'foreign-verified-from-memory',
    file: backend,
    find: '    signal.throwIfAborted()\n    return this.#holds(claim)\n',
    put: '    signal.throwIfAborted()\n    return claim.name.length > 0\n',
    case: 'verify reports a loss before any renewal has reported it',
  },
]

/** The mistakes, for the table of all mutants. @type {readonly Mistake[]} */
export const ofForeigners = mistakes.map((mistake) => {
  return { ...mistake, stores: [], tests: ['conformance/memory'], by: 'conformance' }
})
