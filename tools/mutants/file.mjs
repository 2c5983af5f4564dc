// @ts-check
// Mistakes in the embedded store, which no simulated run has. Each names the tests that find it. table.mjs has the list of all.

/** @typedef {import('./table.mjs').Mutant} Mutant */

/** @type {readonly Mutant[]} */
export const ofFiles = [
  {
    name: 'file-exchange-wakes-nobody',
    file: 'src/backends/file/backend.ts',
    find: '        this.#wake(old.name, woken) // before the rest, which may have to be repeated\n',
    put: '',
    stores: [],
    tests: ['backends/file/counts'],
    by: 'no-idle-lock',
  },
  {
    name: 'file-exchange-joins-before-it-leaves',
    file: 'src/backends/file/store.ts',
    find: '({ woken: this.leave(old, ticket), place: this.join(next) })',
    put: '({ place: this.join(next), woken: this.leave(old, ticket) })',
    stores: [],
    tests: ['conformance/file'],
    by: 'no-idle-lock',
  },
  {
    name: 'file-exchange-keeps-the-old-claim',
    file: 'src/backends/file/store.ts',
    find: '({ woken: this.leave(old, ticket), place: this.join(next) })',
    put: '({ woken: [], place: this.join(next) })',
    stores: [],
    tests: ['conformance/file'],
    by: 'nothing-left',
  },
  {
    name: 'file-one-that-does-not-wait-trusts-an-old-look',
    file: 'src/backends/file/removals.ts',
    find: 'const isWaiting = place !== undefined && claim.wait',
    put: 'const isWaiting = place !== undefined || !claim.wait',
    stores: [],
    tests: ['backends/file/crash-looks'],
    by: 'no-idle-lock',
  },
  {
    name: 'file-waiter-looks-after-nobody',
    file: 'src/backends/file/claims.ts',
    find: "if (cause === 'tick' && guarded && allAlive()) return undefined",
    put: "if (cause === 'tick' && guarded) return undefined",
    stores: [],
    tests: ['backends/file/crash-looks'],
    by: 'no-idle-lock',
  },
  {
    name: 'file-new-wait-keeps-the-pace-of-an-old-one',
    file: 'src/backends/file/beats.ts',
    find: '    this.#settledMs = 0\n    if (this.#restMs > this.#pace.leastMs) this.#forgetTick()\n',
    put: '',
    stores: [],
    tests: ['backends/file/beats'],
    by: 'no-idle-lock',
  },
  {
    name: 'file-wait-without-an-event-slows-down',
    file: 'src/backends/file/beats.ts',
    find: '    if (hasUnwatched) this.#settledMs = 0 // such a wait learns of its turn by these looks alone\n',
    put: '',
    stores: [],
    tests: ['backends/file/beats'],
    by: 'no-idle-lock',
  },
  {
    name: 'file-mutex-counts-no-other-form',
    file: 'src/backends/file/sql.ts',
    find: '(permits <> ?4 OR (session = ?2 AND id = ?3) OR NOT ?6)',
    put: '((session = ?2 AND id = ?3) OR NOT ?6)',
    stores: [],
    tests: ['conformance/file'],
    by: 'conformance',
  },
]
