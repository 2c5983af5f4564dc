// Runs the real command, built from the sources as they are, in processes of its own. Owns the
// processes that a test starts, and what a test may ask about processes; the tests say what should happen.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { builtPackage } from '../built.ts'

/** The environment and the terminal of a run. */
export interface RunSettings {
  readonly env?: Record<string, string>
  readonly input?: string
  /** Keeps stdin open after `input`, for `Run.write`. */
  readonly open?: boolean
  /** Runs it on a terminal of its own, which `script` makes: stdout is then all that the terminal shows. */
  readonly terminal?: boolean
  /** A script of `sh` that runs it: "$@" is the command line of leasehold. */
  readonly shell?: string
}

/** Starts `leasehold` with these arguments. The test's end kills what is left of it. */
export function leasehold(args: readonly string[], settings: RunSettings = {}): Run {
  const run = new Run(args, settings)
  onTestFinished(() => run.destroy())
  return run
}

/** A folder that the test's end removes. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** How a run ended. */
export interface Ending {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** One process `leasehold`. */
export class Run {
  readonly pid: number
  /** Resolves when it has exited and nobody holds its stdout or stderr open any more. */
  readonly ended: Promise<Ending>
  readonly #child: ChildProcess
  readonly #listeners = new Set<() => void>()
  #stdout = ''
  #stderr = ''

  constructor(args: readonly string[], settings: RunSettings) {
    const { env = {}, input = '', open = false, terminal, shell } = settings
    const own = [process.execPath, program(), ...args]
    const command = shell === undefined ? own : ['sh', '-c', shell, 'sh', ...own]
    const [file = '', ...rest] = terminal ? onTerminal(command) : command
    this.#child = spawn(file, rest, {
      detached: true, // the terminal of the test runner is not theirs
      env: { ...process.env, LEASEHOLD_URL: 'memory:', ...(terminal && { TERM: 'xterm' }), ...env },
    })
    this.pid = this.#child.pid ?? 0
    this.#child.stdin?.write(input)
    if (!open) this.#child.stdin?.end()
    this.#child.stdout?.on('data', (data) => this.#heard(() => (this.#stdout += data)))
    this.#child.stderr?.on('data', (data) => this.#heard(() => (this.#stderr += data)))
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (status) => {
        resolve({ status, stdout: this.#stdout, stderr: this.#stderr })
        this.#heard(() => {})
      })
    })
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  get exited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Resolves with the match as soon as stdout and stderr together have it. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#stdout + this.#stderr)
      if (match) return match
      if (this.exited) throw new Error(`ended without saying ${pattern}: ${this.#stdout}${this.#stderr}`)
      await new Promise<void>((resolve) => this.#listeners.add(resolve))
    }
  }

  /** Resolves with the process id that it prints as `<word> <pid>`. */
  async pidOf(word: string): Promise<number> {
    return Number((await this.says(new RegExp(`^${word} (\\d+)$`, 'm')))[1])
  }

  write(text: string): void {
    this.#child.stdin?.write(text)
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name)
  }

  /** Kills it and every process that it has named. */
  destroy(): void {
    if (!this.exited) this.#child.kill('SIGKILL')
    for (const [, pid] of this.#stdout.matchAll(/^\w+ (\d+)$/gm)) {
      if (isRunning(Number(pid))) killIfThere(Number(pid))
    }
  }

  #heard(note: () => void): void {
    note()
    for (const resolve of this.#listeners) resolve()
    this.#listeners.clear()
  }
}

/** The command on a pseudo-terminal: `script` of util-linux takes it as one string, that of BSD as it is. */
function onTerminal(command: readonly string[]): string[] {
  if (process.platform !== 'linux') return ['script', '-q', '/dev/null', ...command]
  const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
  return ['script', '-qefc', `exec ${quoted.join(' ')}`, '/dev/null']
}

/** Its guardian may have killed it meanwhile. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Whether the process does or could do anything: a zombie cannot. */
export function isRunning(pid: number): boolean {
  return /^[^Z]/.test(processState(pid))
}

/** The state of the process as `ps` has it, such as `S` or `T`; empty when there is none. */
export function processState(pid: number): string {
  return ps('stat=', pid)
}

/** The process group of the process. */
export function processGroup(pid: number): number {
  return Number(ps('pgid=', pid))
}

/** Process ids of the guardian of a run; none when it has ended. */
export function guardiansOf(run: Run): number[] {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,args=', '-ww'], { encoding: 'utf8' })
  const own = new RegExp(`^\\s*(\\d+) (?=[\\s\\S]*leasehold-guardian ${run.pid}(?: |$))`)
  return all
    .split('\n')
    .flatMap((line) => own.exec(line)?.[1] ?? [])
    .map(Number)
}

/** Waits until the process is gone. */
export async function untilGone(pid: number): Promise<void> {
  await expect.poll(() => isRunning(pid), { timeout: 20_000, interval: 20 }).toBe(false)
}

function ps(column: string, pid: number): string {
  return spawnSync('ps', ['-o', column, '-p', String(pid)], { encoding: 'utf8' }).stdout.trim()
}

let main: string | undefined

/** The program, as JavaScript. */
export function program(): string {
  main ??= join(builtPackage(), 'dist', 'cli', 'main.js')
  return main
}
