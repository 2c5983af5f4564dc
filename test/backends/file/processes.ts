// Child processes that take locks, on built code: a child of Node 20 cannot run TypeScript.
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterEach, beforeAll } from 'vitest'
import type { Leasehold } from '../../../src/api/leasehold.ts'
import { builtPackage } from '../../built.ts'
import { watched } from './witnessed.ts'

/** The Node under test. */
const node = process.env.LEASEHOLD_TEST_NODE || process.execPath

/** Whether other users can be played. */
export const isRoot: boolean = process.getuid?.() === 0

/** Runs a command to its end. */
export function execute(command: string, ...args: string[]): void {
  execFileSync(command, args)
}

/** The result of another user's client in a directory: 'true' or 'false' for whether it held "job", or the error. */
export async function tryAs(user: number, directory: string): Promise<string> {
  const script = join(import.meta.dirname, 'user.mjs')
  const args = [script, join(builtPackage(), 'dist'), directory, String(user)]
  const { stdout } = await promisify(execFile)(node, args, { env: { ...process.env, ...watched } })
  return stdout.trim()
}

/** A new empty directory. */
export function emptyDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'leasehold-file-'))
}

/** Removes directories with all that is in them. */
export function remove(...directories: string[]): void {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
}

/** A child process in one of the roles of child.mjs. */
export class Child {
  /** Variables for the next children, in addition to the present environment. */
  static environment: Readonly<Record<string, string>> = {}
  /** A command that runs the next children, such as strace. */
  static under: readonly string[] = []
  readonly process: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(built: string, directory: string, ttlMs: number, ...role: (string | number)[]) {
    const script = join(import.meta.dirname, 'child.mjs')
    const [command = node, ...rest] = [...Child.under, node, script, built, directory, String(ttlMs)]
    this.process = spawn(command, [...rest, ...role.map(String)], {
      env: { ...process.env, ...watched, ...Child.environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const output = this.process.stdout
    if (!output) throw new Error('no standard output')
    this.#lines = createInterface({ input: output })[Symbol.asyncIterator]()
  }

  /** The words of its next line, which must begin with `word`. */
  async said(word: string): Promise<string[]> {
    const { value } = await this.#lines.next()
    const words = String(value).split(' ')
    if (words[0] !== word) throw new Error(`expected "${word}", the child said "${value}"`)
    return words
  }

  tell(word: string): void {
    this.process.stdin?.write(`${word}\n`)
  }

  /** Kills it, and resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    this.process.kill('SIGKILL')
    await once(this.process, 'exit')
  }

  /** Resolves with its exit code when it exits by itself. */
  async exited(): Promise<number | null> {
    if (this.process.exitCode !== null) return this.process.exitCode
    const [code] = await once(this.process, 'exit')
    return code
  }
}

/** The things of one test, which are ended and removed after it. */
export interface Things {
  /** The folder of the built package. */
  built: string
  readonly children: Child[]
  readonly clients: Leasehold[]
  readonly directories: string[]
  /** A new empty directory. */
  directory(): string
}

/** Builds before the tests of a file, and cleans up after each of them: first the children, then clients and directories. */
export function useThings(): Things {
  const things: Things = {
    ...{ built: '', children: [], clients: [], directories: [] },
    directory() {
      const directory = emptyDirectory()
      things.directories.push(directory)
      return directory
    },
  }
  beforeAll(() => {
    things.built = join(builtPackage(), 'dist')
  })
  afterEach(async () => {
    Child.environment = {}
    for (const child of things.children.splice(0)) await child.kill()
    for (const client of things.clients.splice(0)) await client.close()
    remove(...things.directories.splice(0))
  })
  return things
}
