// Several processes of taker.mjs, and kills of them. Owns the record of their turns, as they saw them on the clock that all
// processes of a machine share, and the invariants of these turns.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { spawnOwned } from '../../tools/servers/children.mjs'
import { seedFrom } from '../property/draw.ts'
import { currentSeed } from '../property/seed.mjs'

const script = fileURLToPath(new URL('taker.mjs', import.meta.url))

/** The store in which they contend, and what they take. */
export interface Contended {
  /** The built index.js. */
  readonly index: string
  readonly target: string
  readonly ttlMs: number
  readonly kind: 'readers' | 'pairs'
  readonly processes: number
  /** Ends the session of a process that was killed, if the store would keep it for long. */
  endSession?(session: string): Promise<unknown>
}

/** One turn, as its process saw it. */
interface Turn {
  readonly by: number | undefined
  /** The tokens by name. */
  readonly names: Readonly<Record<string, string>>
  readonly alone: boolean
  readonly began: number
  /** The last time at which it read that it holds. */
  held: number
}

/** A line of taker.mjs. */
interface Said {
  readonly session?: string
  readonly names?: Readonly<Record<string, string>>
  readonly alone?: boolean
  readonly held?: boolean
  readonly kept?: number
  /** Times. */
  readonly began?: number
  readonly read?: number
  readonly ended?: number
  readonly gaveUp?: number
}

/** One process, and its account of its turns. */
class Taker {
  readonly child: ChildProcess
  readonly exited: Promise<number | string>
  /** Resolves when it has its client, or has ended. */
  readonly ready: Promise<unknown>
  readonly turns: Turn[] = []
  session = ''
  gaveUp = 0
  kept = 0
  stderr = ''

  constructor({ index, target, ttlMs, kind }: Contended, number: number) {
    const seed = seedFrom(currentSeed(), 'takers', kind, String(number))
    const args = [script, index, target, String(ttlMs), kind, String(seed)]
    this.child = spawnOwned(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.exited = once(this.child, 'close').then(([code, signal]) => code ?? signal)
    this.child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })
    this.ready = Promise.race([once(lines, 'line'), this.exited])
    lines.on('line', (line) => this.#note(JSON.parse(line)))
    onTestFinished(() => void this.child.kill('SIGKILL'))
  }

  #note({ session, began, names, alone, read, ended, held, gaveUp, kept }: Said): void {
    if (session !== undefined) this.session = session
    if (began !== undefined && names)
      this.turns.push({ by: this.child.pid, names, alone: alone === true, began, held: began })
    const turn = this.turns.at(-1)
    if (turn && held) turn.held = began ?? read ?? ended ?? turn.held
    if (gaveUp !== undefined) this.gaveUp += 1
    this.kept += kept ?? 0
  }
}

/** The numbers of turns that they had. */
export interface Account {
  readonly turns: number
  /** Turns of writers. */
  readonly alone: number
  readonly kills: number
  readonly gaveUp: number
}

/**
 * Lets them take and release for so long. Now and then it kills one and starts another in its place. Then each of them has
 * to end its turn. Checks that no two had a name that only one may have, that tokens grew, that each process had its
 * turns, and that none kept a part of a group.
 */
export async function contend(
  place: Contended,
  plan: { seconds: number; killEveryMs: number },
): Promise<Account> {
  const all = Array.from({ length: place.processes }, (_, number) => new Taker(place, number))
  let crew = [...all]
  await Promise.all(all.map(({ ready }) => ready))
  const end = performance.now() + plan.seconds * 1_000
  let kills = 0
  for (; performance.now() + plan.killEveryMs < end; kills += 1) {
    await pause(plan.killEveryMs)
    const victim = crew[kills % crew.length] as Taker
    await victim.ready
    victim.child.kill('SIGKILL')
    expect(await victim.exited, victim.stderr).toBe('SIGKILL')
    if (victim.session) await place.endSession?.(victim.session)
    const next = new Taker(place, all.length)
    all.push(next)
    crew = crew.map((taker) => (taker === victim ? next : taker))
  }
  await pause(Math.max(0, end - performance.now()))
  await leave(crew)
  expectRightful(all.flatMap(({ turns }) => turns))
  for (const { turns, stderr } of crew) expect(turns.length, stderr).toBeGreaterThan(0)
  expect(all.reduce((sum, { kept }) => sum + kept, 0)).toBe(0)
  const turns = all.flatMap((taker) => taker.turns)
  const alone = turns.filter((turn) => turn.alone).length
  return { turns: turns.length, alone, kills, gaveUp: all.reduce((sum, { gaveUp }) => sum + gaveUp, 0) }
}

/** All are asked to end; each has its turn first. */
async function leave(crew: readonly Taker[]): Promise<void> {
  await Promise.all(crew.map(({ ready }) => ready))
  for (const { child } of crew) child.kill('SIGTERM')
  const late = AbortSignal.timeout(40_000)
  const stuck = new Promise<never>((_, reject) => {
    late.onabort = () => reject(new Error('a process still waits for its turn after 40 s'))
  })
  stuck.catch(() => {})
  for (const { exited, stderr } of crew) expect(await Promise.race([exited, stuck]), stderr).toBe(0)
}

/** By their own readings no one held a name while another one did that must be alone, and tokens grew. */
function expectRightful(turns: readonly Turn[]): void {
  const latest = new Map<string, { any: Turn | undefined; alone: Turn | undefined; token: bigint }>()
  for (const turn of turns.toSorted((one, other) => one.began - other.began)) {
    for (const [name, token] of Object.entries(turn.names)) {
      const before = latest.get(name) ?? { any: undefined, alone: undefined, token: 0n }
      const inTheWay = turn.alone ? before.any : before.alone
      if (inTheWay)
        expect(inTheWay.held, `${inTheWay.by} had ${name} when ${turn.by} began`).toBeLessThan(turn.began)
      if (turn.alone)
        expect(BigInt(token), `the token of ${turn.by} for ${name}`).toBeGreaterThan(before.token)
      const later = (earlier: Turn | undefined): Turn =>
        earlier && earlier.held > turn.held ? earlier : turn
      latest.set(name, {
        any: later(before.any),
        alone: turn.alone ? later(before.alone) : before.alone,
        token: BigInt(token) > before.token ? BigInt(token) : before.token,
      })
    }
  }
}
