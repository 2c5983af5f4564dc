// Shows claims to people and to programs. Owns the table and the JSON document; core/holder.ts names the owner of a
// claim.
import stringWidth from 'string-width'
import type { CronState, TickRecord } from '../api/cron.ts'
import { printable } from '../base/printable.ts'
import { cohortPermits, sharedPermits } from '../base/shapes.ts'
import type { NameState, Standing } from '../contract.ts'
import { nameOf, parseHolder, tokenOf, who } from '../core/holder.ts'

/** The length of the longest name, so that a person can copy each name whole. */
const nameMost = 512

/** A table: one line for each claim, holders first. Each line has the name, so that grep finds it. */
export function table(states: readonly NameState[]): string {
  const head = ['NAME', 'KIND', 'STATE', 'WHO', 'SINCE', 'TOKEN', 'TTL']
  return aligned([head, ...states.flatMap(rowsOf)])
}

function aligned(rows: readonly (readonly string[])[]): string {
  const [head = []] = rows
  const widths = head.map((_, column) => Math.max(...rows.map((row) => widthOf(row[column]))))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell))).join('  ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}

function rowsOf(state: NameState): string[][] {
  const { name, claims } = state
  const holders = claims.filter(({ held }) => held).length
  return claims.map((claim, index) => [
    printable(name, nameMost),
    kindOf(state),
    `${claim.held ? heldAs(claim) : `waits ${index - holders + 1}`}${partOf(state, claim)}`,
    who(claim),
    sinceOf(claim),
    String(tokenOf(claim)),
    claim.ttlLeftMs === undefined ? '-' : `${Math.round(claim.ttlLeftMs / 1_000)}s`,
  ])
}

/** A table of cron jobs: one line for each, with its last tick. */
export function cronTable(jobs: readonly CronState[]): string {
  const head = ['CRON JOB', 'LAST TICK', 'WHO', 'BEGAN', 'ENDED']
  return aligned([head, ...jobs.map(({ name, last }) => [printable(name, nameMost), ...cells(last)])])
}

/** Tick, host, begin and end. A job without an end runs, or its host is gone. */
function cells({ tick, by, done, ended }: TickRecord): string[] {
  const end = ended ? toSecond(ended.toISOString()) : done ? 'yes' : 'no'
  return [toSecond(tick.toISOString()), printable(nameOf(by)), toSecond(by.since), end]
}

/** The number of columns that a text takes on a terminal: letters of East Asia take two. */
export function widthOf(text = ''): number {
  return stringWidth(text)
}

/** The beginning of a text, as much as fits into `columns`. */
export function fitted(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  let [fits, width] = ['', 0]
  for (const character of text) {
    width += widthOf(character)
    if (width > columns) break
    fits += character
  }
  return fits
}

/** To the store an election is a mutex. The values of the claims show candidates. */
export function kindOf({ permits, claims }: NameState): string {
  if (permits === undefined) return '?'
  if (permits === sharedPermits) return 'rwlock'
  if (permits === cohortPermits) return 'mutex/handoff'
  if (permits > 1) return `semaphore/${permits}`
  return claims.some(isCandidate) ? 'election' : 'mutex'
}

/** Whether a claim holds, or only stays taken after its release, and until when by the clock of the machine that released it. */
function heldAs({ value }: Standing): string {
  const until = parseHolder(value)?.keptUntil
  return until === undefined ? 'holds' : `kept until ${toSecond(until)}`
}

/** The part of a claim in its lock: whether it reads or writes, or how many permits it takes if not one. */
function partOf({ permits }: NameState, { weight = 1 }: Standing): string {
  if (permits === cohortPermits) return ''
  if (permits === sharedPermits) return weight === 1 ? ' (reads)' : ' (writes)'
  return weight === 1 ? '' : ` (${weight})`
}

function isCandidate({ value }: Standing): boolean {
  const holder = parseHolder(value)
  return holder ? holder.candidate === true : value.trim() !== ''
}

/** The time to the second. Another client wrote the value, so only a text that looks like a time is shown. */
function sinceOf({ value }: Standing): string {
  return toSecond(parseHolder(value)?.since)
}

function toSecond(text = ''): string {
  const [time] = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.exec(text) ?? []
  return time === undefined ? '-' : `${time}Z`
}

/** A document for programs. Tokens are strings, since many readers of JSON cannot hold such large numbers. */
export function documentOf(
  url: string,
  states: readonly NameState[],
  jobs: readonly CronState[] = [],
): object {
  const names = states.map(({ name, permits, claims }) => ({
    name,
    kind: kindOf({ name, permits, claims }).replace(/\/.*/, ''),
    permits: permits ?? null,
    holders: claims.filter(({ held }) => held).map(asObject),
    waiters: claims.filter(({ held }) => !held).map(asObject),
  }))
  const cronJobs = jobs.map(({ name, last: { tick, by, done, ended } }) => {
    const { host, pid, since } = by
    return { name, tick, host, pid, since: since ?? null, done, ended: ended ?? null }
  })
  return { url, names, cronJobs }
}

/** How many characters of a value a document has. With all values whole, it could exceed the longest string of Node. */
const valueMost = 4_096

/** Unknown values are null. */
function asObject(claim: Standing): object {
  const { session, value, ttlLeftMs, key } = claim
  const { host, pid, since, keptUntil } = parseHolder(value) ?? {}
  const holder = { host: host ?? null, pid: pid ?? null, since: since ?? null, keptUntil: keptUntil ?? null }
  const known = {
    ...holder,
    value: cutTo(value, valueMost),
    session: cutTo(session, valueMost),
    token: String(tokenOf(claim)),
    weight: claim.weight ?? 1,
    ttlLeftMs: ttlLeftMs ?? null,
  }
  return key === undefined ? known : { ...known, key }
}

function cutTo(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most).toWellFormed()}…` : text
}
