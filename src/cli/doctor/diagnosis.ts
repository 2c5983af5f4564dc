// Collects the findings of `leasehold doctor`: those of the store's own module, and those that are the same for every store.
// Owns the order of the questions. report.ts shows the findings.
import { type Clock, leastElapsedMs, pause } from '../../base/clock.ts'
import { LeaseholdError } from '../../base/errors.ts'
import type { Finding } from '../../base/finding.ts'
import { sourceOf } from '../../connect.ts'
import type { BackendSource, Examination } from '../../contract.ts'
import { checkTtl } from '../../core/arguments.ts'
import { renewalMs } from '../../core/lifetime.ts'
import { eventLoopDelay } from './event-loop.ts'
import { trySession } from './session-trial.ts'
import { timingFindings } from './timing.ts'

/** The store and the circumstances. */
export interface DiagnosisOptions {
  readonly url: string
  /** The time to live of the clients; by default that of the stores. */
  readonly ttlMs?: number | undefined
  /** The lock whose permissions are tried; by default a name that nobody has. */
  readonly name?: string | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
  /** How long the event loop is measured at least, in ms. */
  readonly measuredMs?: number
}

/** All findings about a store. */
export interface Diagnosis {
  /** The store's URL without secrets. */
  readonly url: string
  readonly ttlMs: number
  readonly findings: readonly Finding[]
}

/** The default time to live of every store. */
const usualTtlMs = 15_000
/** A second of the event loop shows the pauses of a busy machine. */
const usualMeasuredMs = 1_000

/**
 * Examines a store, and changes nothing in it: a session without claims is opened and ended. Takes about two seconds, and up to
 * half a minute if servers hang. Rejects with TypeError or RangeError for a wrong URL or time to live, and with the reason of
 * the signal.
 */
export async function diagnose(options: DiagnosisOptions): Promise<Diagnosis> {
  const { url, clock, signal, ttlMs = usualTtlMs } = options
  const source = await sourceOf(url)
  const loop = eventLoopDelay()
  const since = clock.mark()
  const name = options.name ?? `leasehold-doctor-${clock.id().toString(16)}`
  const nothing: Examination = { findings: [], mayOpen: true }
  const examined = (await source.examine?.({ clock, ttlMs, name, signal })) ?? nothing
  const inside = examined.mayOpen ? await lookInside(source, { ...options, ttlMs }) : undefined
  const leftMs = (options.measuredMs ?? usualMeasuredMs) - leastElapsedMs(since, clock.mark())
  if (leftMs > 0) await pause(clock, leftMs, signal)
  const late = loop.finding(inside?.renewalMs ?? ttlMs / 3)
  const findings = [...examined.findings, ...(inside?.findings ?? []), late]
  return { url: source.url, ttlMs, findings }
}

/** The findings for which the store has to be open. */
async function lookInside(
  source: BackendSource,
  { clock, ttlMs, signal }: DiagnosisOptions & { readonly ttlMs: number },
): Promise<{ readonly findings: Finding[]; readonly renewalMs: number }> {
  const backend = await source.open(clock, ttlMs).catch(asFinding)
  if ('check' in backend) return { findings: [backend], renewalMs: ttlMs / 3 }
  try {
    checkTtl(ttlMs, backend.facts)
    const { finding, renewedMs } = await trySession(backend, ttlMs, { clock, signal, store: source.url })
    const findings = [finding, ...timingFindings(ttlMs, backend.facts, renewedMs)]
    return { findings, renewalMs: renewalMs(ttlMs, backend.facts) }
  } finally {
    await backend.close()
  }
}

/** The finding for a store that cannot be opened. Wrong arguments stay errors. */
function asFinding(error: unknown): Finding {
  if (!(error instanceof LeaseholdError)) throw error
  return {
    check: 'store',
    level: 'problem',
    text: error.message,
    next: 'see the error: it names the file or the server',
  }
}
