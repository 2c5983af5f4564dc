// Makes the messages about names and cron jobs out of the answers of a store. Owns how much of a foreign text a message has.
import type { CronState } from '../../api/cron.ts'
import type { NameState, Standing } from '../../contract.ts'
import { nameOf, parseHolder, tokenOf } from '../../core/holder.ts'
import { kindOf } from '../states.ts'
import type { ClaimView, JobView, Kind, NameView } from './ui-messages.ts'

/** The most characters of one foreign text in a message. */
const textMost = 200
/** The most claims of one name in a message. More of them would fit on no screen. */
const claimsMost = 100
/** Two ends of a session that differ by less than this are the same one, so that a look without news sends nothing. */
const sameEndMs = 1_000

/** When a claim was first seen as it is now, if that was not at the first look. */
export type SeenSince = (claim: Standing) => number | null

/** One name at `nowMs`. `before` is its last view. */
export function nameView(
  state: NameState,
  nowMs: number,
  seenSince: SeenSince,
  before: NameView | undefined,
): NameView {
  const ends = new Map(before?.holders.map(({ token, ends }) => [token, ends]))
  const view = (claim: Standing): ClaimView => claimView(claim, nowMs, seenSince(claim), ends)
  const [holders, waiters] = [true, false].map((held) => state.claims.filter((claim) => claim.held === held))
  return {
    name: state.name,
    kind: kindOf(state).replace(/\/.*/, '') as Kind,
    permits: state.permits ?? null,
    holders: (holders ?? []).slice(0, claimsMost).map(view),
    waiters: (waiters ?? []).slice(0, claimsMost).map(view),
    holding: holders?.length ?? 0,
    waiting: waiters?.length ?? 0,
  }
}

function claimView(
  claim: Standing,
  nowMs: number,
  seen: number | null,
  ends: ReadonlyMap<string, number | null>,
): ClaimView {
  const holder = parseHolder(claim.value)
  const token = String(tokenOf(claim))
  return {
    who: whoIs(claim),
    token,
    value: holder || claim.value.trim() === '' ? null : cut(claim.value),
    asked: timeOf(holder?.since),
    seen,
    ends: steady(claim.ttlLeftMs === undefined ? null : nowMs + claim.ttlLeftMs, ends.get(token)),
    weight: claim.weight ?? 1,
    keptUntil: holder?.keptUntil ?? null,
  }
}

/** The owner of a claim in a few words: its host and process, its value, its key, or its session. */
export function whoIs({ value, session, key }: Standing): string {
  if (key !== undefined) return cut(`the key ${key}`)
  const holder = parseHolder(value)
  return cut(holder ? nameOf(holder) : value.trim() || `session ${session}`)
}

/** A cron job with its last tick. */
export function jobView({ name, last: { tick, by, done, ended } }: CronState): JobView {
  return {
    name,
    tick: tick.getTime(),
    by: cut(nameOf(by)),
    began: timeOf(by.since),
    ended: ended?.getTime() ?? null,
    done,
  }
}

/** A time in ISO 8601 in ms since 1970. Another client wrote it, so it may be any text: then null. */
export function timeOf(text: string | undefined): number | null {
  const time = Date.parse(text ?? '')
  return Number.isNaN(time) ? null : time
}

function steady(end: number | null, before: number | null | undefined): number | null {
  if (end === null || before === null || before === undefined) return end
  return Math.abs(end - before) < sameEndMs ? before : end
}

function cut(text: string): string {
  return text.length > textMost ? `${text.slice(0, textMost).toWellFormed()}…` : text.toWellFormed()
}
