// Work for one term. Owns the order at its end, and returns the result or the error of the work to the caller. lead.ts works
// for term after term.
import type { LedTerm } from '../api/term.ts'
import type { Scope } from '../base/scope.ts'
import { awaitWithGrace, type Grace } from '../core/grace.ts'
import { type ClaimTerm, WorkTerm } from './term.ts'

/** How long the work may go on, and what asks it to stop. */
export interface Limits {
  readonly scope: Scope
  readonly grace: Grace
  readonly stopBeforeMs: number
}

/** Works, then resigns. Resolves and rejects as `run` of an election, once it leads. */
export async function serveOnce<T>(
  term: ClaimTerm,
  work: (term: LedTerm) => T | Promise<T>,
  { scope, grace, stopBeforeMs }: Limits,
): Promise<T> {
  const forget = scope.onEnd((reason) => term.askToStop(reason))
  term.stopBefore(stopBeforeMs)
  const working = (async () => work(new WorkTerm(term, { stepDown() {}, proclaimed() {} })))()
  try {
    const stuck = await awaitWithGrace(working, term.signal, grace)
    if (stuck) throw stuck
    term.assertNotLost()
    return await working
  } finally {
    forget()
    // An error of the resignation must not replace that of the work. The session's end frees the name.
    await term.resign().catch(() => {})
  }
}
