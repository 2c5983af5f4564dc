// `consul lock`, the real program, which holds until the test releases it. Owns the child process.
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { ownedFolder, spawnOwned } from '../../tools/servers/children.mjs'
import { cleanEnvironment } from '../../tools/servers/command.mjs'
import { serverOf } from '../../tools/servers/fetch.mjs'

/** Reports that it holds, and runs until the file exists or its parent is gone. */
const script =
  'echo "held=$CONSUL_LOCK_HELD"; while kill -0 $PPID 2>/dev/null && ! [ -e "$0" ]; do sleep 0.01; done'

/** The arguments of one `consul lock`. */
export interface ConsulLockOptions {
  /** `-n`: more than one is a semaphore. */
  readonly permits?: number
  /** The child of `consul lock`; default: holds until `release`. */
  readonly command?: readonly string[]
  /** More arguments of `consul lock`. */
  readonly args?: readonly string[]
}

let locks = 0

export class ConsulLock {
  /** Whether its child has been started. */
  holds = false
  /** When its child was started. */
  heldAt = Number.NaN
  output = ''
  /** Its output on stderr. */
  stderr = ''
  /** Resolves when its child was started; rejects if it ends before that. */
  readonly held: Promise<void>
  /** Resolves with the exit code. */
  readonly exited: Promise<number>
  readonly #sign: string

  private constructor(file: string, address: string, name: string, options: ConsulLockOptions) {
    locks += 1
    const { permits = 1, args = [] } = options
    const folder = ownedFolder('leasehold-consul-lock')
    this.#sign = join(folder.path, `release-${locks}`)
    const command = options.command ?? ['sh', '-c', script, this.#sign]
    const all = ['lock', `-n=${permits}`, '-shell=false', ...args, name, ...command]
    const env = cleanEnvironment({ CONSUL_HTTP_ADDR: address })
    const child = spawnOwned(file, all, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.exited = once(child, 'close').then(([code]) => code ?? 128)
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    const exited = this.exited.then((code) => {
      if (!this.holds) throw new Error(`consul lock ended with ${code}: ${this.stderr}`)
    })
    const said = new Promise<void>((resolve) => {
      child.stdout?.setEncoding('utf8').on('data', (text) => {
        this.output += text
        if (!this.holds) this.heldAt = performance.now()
        this.holds = true
        resolve()
      })
    })
    this.held = Promise.race([said, exited])
    this.held.catch(() => {})
    onTestFinished(async () => {
      const killed = setTimeout(() => child.kill('SIGKILL'), 5_000)
      child.kill('SIGTERM')
      await this.exited
      clearTimeout(killed)
      await folder.remove()
    })
  }

  /** Starts `consul lock NAME` against the agent at `address`. */
  static async start(address: string, name: string, options: ConsulLockOptions = {}): Promise<ConsulLock> {
    const { dir } = await serverOf('consul', undefined)
    return new ConsulLock(join(dir, 'consul'), address, name, options)
  }

  /** Ends its child. Resolves with the exit code when it has released the lock. */
  async release(): Promise<number> {
    await writeFile(this.#sign, '')
    return this.exited
  }
}
