// Two candidates of one election on one store, on a clock that the test moves: the beginning of the tests of `lead`.
import type { LeadOptions, LeadWork, LedTerm } from '../../src/index.ts'
import { type TwoClients, twoClients } from '../core/clients.ts'
import { settle } from '../core/manual-clock.ts'

export const never: AbortSignal = new AbortController().signal

export type Scene = TwoClients

export const scene = (): Promise<Scene> => twoClients(12_000)

/** One candidate at work. */
interface Candidate {
  readonly ended: Promise<void>
  readonly errors: unknown[]
  readonly stop: (reason?: unknown) => void
}

/** A candidate of the first host, its reports, and a function that ends it. */
export function lead({ one }: Scene, work: LeadWork, options: LeadOptions = {}): Candidate {
  const controller = new AbortController()
  const errors: unknown[] = []
  const onError = (error: unknown): void => void errors.push(error)
  const ended = one.election('a').lead(work, { value: 'one', signal: controller.signal, onError, ...options })
  ended.catch(() => {})
  return { ended, errors, stop: (reason?: unknown) => controller.abort(reason) }
}

/** Whether a promise has settled, without waiting for it. */
export const isOver = (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([
    promise.then(
      () => true,
      () => true,
    ),
    settle().then(() => false),
  ])

/** Resolves when the term wants its work to end. */
export const untilAborted = ({ signal }: Pick<LedTerm, 'signal'>): Promise<unknown> =>
  new Promise((resolve) => signal.addEventListener('abort', resolve))

export const leader = async ({ other }: Scene): Promise<string | undefined> =>
  (await other.election('a').leader())?.value

/** Ends the leader's session in the store, and lets the leader notice. */
export async function depose({ clock, truth }: Scene): Promise<void> {
  const [standing] = await truth.line('a', never)
  await truth.destroySession(standing?.session ?? '', never)
  await clock.advance(4_000)
}
