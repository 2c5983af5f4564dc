// Recognizes the claims of one look in the next one. Owns how a claim is identified from its wait to the end of its hold.
import { printableJson } from '../../base/printable.ts'
import type { Standing } from '../../contract.ts'
import { parseHolder } from '../../core/holder.ts'
import type { Span } from './ui-messages.ts'
import { timeOf } from './views.ts'

/** A claim as it was seen last. */
export interface Known {
  readonly token: bigint
  readonly identity: string
  readonly held: boolean
  /** When it began to hold or to wait, as far as the server knows, in ms since 1970. */
  readonly since: number
  /** Whether the server saw it begin. */
  readonly whole: boolean
  /** Its entry in the history, if it holds. */
  readonly span?: Span
}

/** The claims of a name now, and the ones that are over: whether a claim that waited has become a hold. */
export interface Successors {
  readonly now: readonly { readonly claim: Standing; readonly known: Known }[]
  readonly over: readonly { readonly known: Known; readonly held: boolean }[]
}

/**
 * Compares the claims of a name with those of the look before. A token identifies a claim. On Consul a claim gets another
 * token when it holds: then its session and the time at which it asked identify it.
 */
export function successors(
  claims: readonly Standing[],
  before: readonly Known[],
  { nowMs, whole }: { readonly nowMs: number; readonly whole: boolean },
): Successors {
  const byToken = new Map(before.map((known) => [known.token, known]))
  const tokens = new Set(claims.map(({ token }) => token))
  const waited = new Map<string, Known>()
  for (const known of before) if (!known.held && !tokens.has(known.token)) waited.set(known.identity, known)
  const continued = new Map<Known, boolean>()
  const now = claims.map((claim) => {
    const identity = identityOf(claim)
    const last = byToken.get(claim.token) ?? (claim.held ? waited.get(identity) : undefined)
    if (last) continued.set(last, claim.held)
    if (last && last.held === claim.held) return { claim, known: last }
    const asked = timeOf(parseHolder(claim.value)?.since) ?? nowMs
    const since = whole ? nowMs : Math.min(asked, nowMs)
    return { claim, known: { token: claim.token, identity, held: claim.held, since, whole } }
  })
  const over = before.filter((known) => continued.get(known) !== known.held)
  return { now, over: over.map((known) => ({ known, held: continued.get(known) === true })) }
}

function identityOf({ session, value, token }: Standing): string {
  return printableJson([session, parseHolder(value)?.since ?? String(token)])
}
