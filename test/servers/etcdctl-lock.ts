// `etcdctl lock` of a given version line, which holds until the test releases it. Owns the child process.
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { ownedFolder, spawnOwned } from '../../tools/servers/children.mjs'
import { cleanEnvironment } from '../../tools/servers/command.mjs'
import { serverOf } from '../../tools/servers/fetch.mjs'
import type { EtcdLine } from '../../tools/servers/run.mjs'

/** Prints its token, and runs until the file exists or its parent, etcdctl, is gone. */
const script = 'echo "$ETCD_LOCK_REV"; while kill -0 $PPID 2>/dev/null && ! [ -e "$0" ]; do sleep 0.01; done'

let locks = 0

export class EtcdctlLock {
  /** Resolves with the fencing token once it holds. */
  readonly held: Promise<bigint>
  readonly #exited: Promise<unknown>
  readonly #sign: string

  /** `file` is the path of etcdctl. */
  constructor(file: string, endpoint: string, name: string) {
    locks += 1
    const folder = ownedFolder('leasehold-etcdctl')
    this.#sign = join(folder.path, `release-${locks}`)
    const args = [`--endpoints=${endpoint}`, 'lock', '--ttl=10', '--', name, 'sh', '-c', script, this.#sign]
    const env = cleanEnvironment({ ETCDCTL_API: '3' })
    const child = spawnOwned(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    this.#exited = once(child, 'close')
    this.held = once(child.stdout as NodeJS.ReadableStream, 'data').then(([text]) =>
      BigInt(String(text).trim()),
    )
    onTestFinished(async () => {
      child.kill('SIGKILL')
      await folder.remove()
    })
  }

  /** Ends it, and resolves when it has released the lock. */
  async release(): Promise<void> {
    await writeFile(this.#sign, '')
    await this.#exited
  }
}

/** The path of the etcdctl of a version line. */
export async function etcdctlOf(line: EtcdLine): Promise<string> {
  return join((await serverOf('etcd', line)).dir, 'etcdctl')
}
