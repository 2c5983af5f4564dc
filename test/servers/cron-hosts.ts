// Ten processes of cron-host.mjs with one cron job, each with a clock of its own. Owns the account of what they ran and were
// told, as their tables of ticks.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { spawnOwned } from '../../tools/servers/children.mjs'
import { clockAhead } from '../../tools/servers/packages.mjs'
import { until } from '../../tools/servers/wait.mjs'

const script = fileURLToPath(new URL('cron-host.mjs', import.meta.url))

/** How far the clocks of the sound hosts are ahead, in parts of an interval: with one minute, up to 20 s. The last is the fastest. */
export const skews = [-20, -14, -9, -5, 0, 5, 10, 15, 20].map((seconds) => seconds / 60)
/** How far the clock of the tenth host is ahead. */
export const tenYearsMs = 3_652 * 86_400_000

/** One line of a process. */
interface Said {
  readonly up?: string
  readonly ran?: string
  readonly at?: string
  readonly missed?: string
  /** With the first missed tick: the tick on record since which all were missed, if there are more than are told. */
  readonly since?: string
  readonly told?: string
  readonly message?: string
  readonly tickMs?: number
}

/** One host. */
export class CronHost {
  readonly said: Said[] = []
  readonly skewMs: number
  stderr = ''
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  constructor(child: ChildProcess, skewMs: number) {
    this.#child = child
    this.skewMs = skewMs
    this.#exited = once(child, 'close')
    child.stderr?.setEncoding('utf8').on('data', (text) => (this.stderr += text))
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
    lines.on('line', (line) => this.said.push(JSON.parse(line)))
  }

  /** The ticks that it ran, ms. */
  get ran(): number[] {
    return this.said.flatMap(({ ran }) => (ran === undefined ? [] : [Date.parse(ran)]))
  }

  /** When its jobs ran, ms by the right clock. */
  get ranAt(): number[] {
    return this.said.flatMap(({ ran, at = '' }) => (ran === undefined ? [] : [Date.parse(at) - this.skewMs]))
  }

  /** The ticks that it reported as run by nobody, ms. */
  get missed(): number[] {
    return this.said.flatMap(({ missed }) => (missed === undefined ? [] : [Date.parse(missed)]))
  }

  /** The messages of errors of this name. */
  told(name: string): string[] {
    return this.said.flatMap(({ told, message = '' }) => (told === name ? [message] : []))
  }

  /** Asks it to end, and resolves with its exit status. */
  async end(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    await this.#exited
    return this.#child.exitCode
  }

  /** Kills it. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

/** The cron job of all hosts. */
export interface CronPlace {
  readonly index: string
  readonly url: string
  readonly name: string
  readonly schedule: string
}

/** Starts a host whose clock is ahead by so much. */
export async function startHost(
  { index, url, name, schedule }: CronPlace,
  skewMs: number,
): Promise<CronHost> {
  const env = { ...process.env, ...(await clockAhead(skewMs)) }
  const args = [script, index, url, name, schedule]
  return new CronHost(spawnOwned(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }), skewMs)
}

/** Resolves when all hosts keep the schedule. */
export async function allUp(hosts: readonly CronHost[]): Promise<void> {
  const missing = (): CronHost[] => hosts.filter(({ said }) => !said.some(({ up }) => up !== undefined))
  await until(async () => missing().length === 0, {
    deadlineMs: 30_000,
    describe: () =>
      `up: ${missing().map(({ skewMs, stderr }) => `the host at ${skewMs} ms is not: ${stderr}`)}`,
  })
}

/** For each tick of the schedule from the first to the last that ran: how often it ran, and how often it was told. */
export function tableOf(
  hosts: readonly CronHost[],
  everyMs: number,
): { at: number; ran: number; told: number }[] {
  const count = (ticks: readonly number[], at: number): number => ticks.filter((each) => each === at).length
  const ran = hosts.flatMap((host) => host.ran)
  const missed = hosts.flatMap((host) => host.missed)
  const first = Math.min(...ran)
  const ticks = Math.round((Math.max(...ran) - first) / everyMs) + 1
  return Array.from({ length: ticks }, (_, index) => {
    const at = first + index * everyMs
    return { at, ran: count(ran, at), told: count(missed, at) }
  })
}
