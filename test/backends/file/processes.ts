// Child processes that take locks, and the built code that they run: a child of Node 20 cannot run
// TypeScript.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const root = resolve(import.meta.dirname, '../../..')

/** Compiles `src` into a folder of its own in `.cache`, where the packages are found; returns the folder. */
export function build(): string {
  const built = join(root, '.cache', `built-${process.pid}`)
  const types = ['declaration', 'declarationMap', 'sourceMap', 'isolatedDeclarations'].map((name) => [
    `--${name}`,
    'false',
  ])
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  execFileSync(
    process.execPath,
    [tsc, '-p', 'tsconfig.build.json', '--noCheck', '--outDir', built, ...types.flat()],
    {
      cwd: root,
    },
  )
  return built
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
  readonly process: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(built: string, directory: string, ttlMs: number, ...role: (string | number)[]) {
    const script = join(import.meta.dirname, 'child.mjs')
    const node = process.env.LEASEHOLD_TEST_NODE || process.execPath
    this.process = spawn(node, [script, built, directory, String(ttlMs), ...role.map(String)], {
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
