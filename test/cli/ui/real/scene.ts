// A company whose jobs take turns, for the pictures of docs/ui.md: the answers of a store at each second, and a clock that runs
// faster, so that minutes of history take seconds.
import { type Clock, systemClock } from '../../../../src/base/clock.ts'
import type { NameState, Standing } from '../../../../src/contract.ts'
import type { CronState } from '../../../../src/index.ts'

/** A clock that runs `speed` times as fast as the real one until `slowDown`. */
export function fastClock(speed: number): { clock: Clock; slowDown: () => void } {
  const real = systemClock()
  let [factor, beginMs, wallMs] = [speed, real.wallMs(), real.wallMs()]
  const now = (): number => wallMs + (real.wallMs() - beginMs) * factor
  const slowDown = (): void => {
    wallMs = now()
    beginMs = real.wallMs()
    factor = 1
  }
  const after: Clock['after'] = (ms, run, inBackground) => real.after(ms / factor, run, inBackground)
  return { clock: { ...real, wallMs: now, after }, slowDown }
}

/** A name whose holders take turns. */
interface Turns {
  readonly name: string
  readonly kind?: 'mutex' | 'election'
  readonly hosts: readonly string[]
  /** How long each holds, and how long nobody does then. */
  readonly heldS: number
  readonly freeS: number
  readonly waiters: number
}

const turns: readonly Turns[] = [
  { name: 'backup/postgres', hosts: ['db-1', 'db-2'], heldS: 95, freeS: 40, waiters: 1 },
  { name: 'billing/invoices', hosts: ['web-1', 'web-3', 'web-2'], heldS: 22, freeS: 0, waiters: 4 },
  { name: 'deploy/production', hosts: ['ci-7', 'ci-2', 'ci-4'], heldS: 64, freeS: 25, waiters: 1 },
  { name: 'search/reindex', hosts: ['worker-5', 'worker-2'], heldS: 140, freeS: 12, waiters: 2 },
  {
    name: 'scheduler',
    kind: 'election',
    hosts: ['node-a', 'node-c', 'node-b'],
    heldS: 205,
    freeS: 2,
    waiters: 2,
  },
]

/** The claims at a time in ms since 1970. */
export function statesAt(nowMs: number): NameState[] {
  const states = turns.map((each) => stateOf(each, nowMs))
  const gpu = [11, 12, 14].map((host, index) =>
    claim(`gpu-${host}`, nowMs - 47_000 * (index + 1), 5_120 + index, true, nowMs),
  )
  const pool = { name: 'gpu', permits: 4, claims: [...gpu, claim('gpu-9', nowMs - 800, 5_199, false, nowMs)] }
  return [...states, pool]
    .filter(({ claims }) => claims.length > 0)
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

function stateOf({ name, kind, hosts, heldS, freeS, waiters }: Turns, nowMs: number): NameState {
  const periodMs = 1_000 * (heldS + freeS)
  const turn = Math.floor(nowMs / periodMs)
  const beganMs = turn * periodMs
  const hostOf = (ahead: number): string => hosts[(turn + ahead) % hosts.length] ?? ''
  const askedMs = (ahead: number): number => beganMs - periodMs * 0.4 * (waiters - ahead) - 700
  const token = (ahead: number): number => 4_000 + ((turn + ahead) % 3_000)
  const isFree = nowMs - beganMs > 1_000 * heldS
  const line = Array.from({ length: isFree ? 0 : waiters + 1 }, (_, ahead) =>
    claim(hostOf(ahead), askedMs(ahead), token(ahead), ahead === 0, nowMs, kind === 'election'),
  )
  return { name, permits: 1, claims: line }
}

function claim(
  host: string,
  askedMs: number,
  token: number,
  held: boolean,
  nowMs: number,
  candidate = false,
): Standing {
  const since = new Date(Math.min(askedMs, nowMs)).toISOString()
  const pid = 1_000 + ((host.charCodeAt(0) * 131 + token * 7) % 30_000)
  const value = JSON.stringify({ host, pid, since, ...(candidate && { candidate }) })
  const ttlLeftMs = held ? 15_000 - ((nowMs + token * 700) % 5_000) : undefined
  return { session: `${host}-${token}`, held, value, token: BigInt(token), ttlLeftMs }
}

/** The cron jobs at a time in ms since 1970. */
export function jobsAt(nowMs: number): CronState[] {
  return [
    jobOf('report/hourly', 3_600_000, 41_000, 'web-2', nowMs),
    jobOf('cache/warm', 60_000, 8_000, 'worker-2', nowMs),
    jobOf('mail/digest', 120_000, 19_000, 'web-1', nowMs),
  ]
}

function jobOf(name: string, everyMs: number, tookMs: number, host: string, nowMs: number): CronState {
  const tickMs = Math.floor(nowMs / everyMs) * everyMs
  const done = nowMs > tickMs + tookMs
  const by = { host, pid: 2_117, since: new Date(tickMs + 40).toISOString() }
  return {
    name,
    last: { tick: new Date(tickMs), by, done, ended: done ? new Date(tickMs + tookMs) : undefined },
  }
}
