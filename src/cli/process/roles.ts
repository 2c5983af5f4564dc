// The role of a candidate, standby or leader, as it tells the outside: the service manager, and the hooks of the command
// line. Owns that they are told in order, and that an error of one of them is told and nothing more.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { messageOf } from '../exit.ts'

const run = promisify(execFile)

/** How long a hook may run, in ms, before it is killed: leasehold waits for it at its end. */
const hookMs = 10_000

/** The listeners of a role, and the words for errors. */
export interface RoleOptions {
  readonly name: string
  /** Shell commands. */
  readonly onLead?: string | undefined
  readonly onStandby?: string | undefined
  readonly say: (message: string) => void
}

/** Tells each change of the role. */
export class Roles {
  readonly #options: RoleOptions
  #told = ''
  #telling: Promise<void> = Promise.resolve()

  constructor(options: RoleOptions) {
    this.#options = options
  }

  /** It waits in line. Tells it once in a row. */
  standsBy(): void {
    if (this.#told !== 'standby') this.#tell('standby', this.#options.onStandby)
  }

  /** It leads with this token. */
  leads(token: bigint): void {
    this.#tell('leader', this.#options.onLead, { LEASEHOLD_TOKEN: String(token) })
  }

  /** Resolves when all that was told has been heard. */
  settled(): Promise<void> {
    return this.#telling
  }

  #tell(role: string, hook: string | undefined, env: Readonly<Record<string, string>> = {}): void {
    const { name, say } = this.#options
    this.#told = role
    const status = `${role === 'leader' ? 'leads' : 'stands by for'} ${name}`
    this.#telling = this.#telling
      .then(() => notifyManager(status))
      .then(() => hook && output(hook, { ...env, LEASEHOLD_NAME: name, LEASEHOLD_ROLE: role }))
      .then(
        () => {},
        (error: unknown) => say(`on becoming ${role}: ${messageOf(error)}`),
      )
  }
}

/** The standard output of a shell command, without the line break at its end. Rejects unless it exits with 0. */
export async function output(command: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { stdout } = await run('sh', ['-c', command], { timeout: hookMs, env: { ...process.env, ...env } })
  return stdout.replace(/\r?\n$/, '')
}

/**
 * Tells systemd that the service is ready, and its status. Node has no datagram sockets of Unix, so the program
 * `systemd-notify` sends it: the unit needs `NotifyAccess=all`.
 */
async function notifyManager(status: string): Promise<void> {
  if (!process.env.NOTIFY_SOCKET) return
  await run('systemd-notify', ['--ready', `--status=${status}`], { timeout: hookMs })
}
