// Connects node-cron to a cron guard: a RunCoordinator, as node-cron 4.6 expects it. Owns only the translation. See
// https://nodecron.com/distributed-coordination
import type { CronGuard, CronOptions } from '../api/cron.ts'
import { check, withMethods } from '../base/options.ts'
import { warn } from '../core/grace.ts'

/** The calls that node-cron makes when a task with `distributed: true` is due. */
export interface RunCoordinator {
  /** Whether this host runs the fire that `key` names. Waits for the lock for up to `ttlMs`. Rejects as `run` of a cron guard. */
  shouldRun(key: string, ttlMs: number): Promise<boolean>
  /** Says that the task of `key` has ended, so that its lock is released. */
  onComplete(key: string): void
}

/** The part of a client that this needs. */
export interface CronClient {
  /** The cron job of this name, as `cron` of a client. */
  cron(name: string, options: CronOptions): CronGuard
}

/**
 * Lets node-cron run each fire of its distributed tasks on one host: give it to `setRunCoordinator`, or to a task as
 * `runCoordinator`. The host holds a lock with node-cron's name of the task until the task is complete. If the lock is
 * lost before that, the loss becomes a warning of the process. Costs as much as `run` of a cron guard. Throws TypeError
 * for a client that has no `cron`.
 */
export function runCoordinator(client: CronClient): RunCoordinator {
  check('client', client, withMethods('a client of Leasehold', ['cron']))
  const complete = new Map<string, () => void>()
  return {
    async shouldRun(key, ttlMs) {
      const [, name = '', at = ''] = /^(.+?):(\d{4}-\d\d-\d\dT.*)$/.exec(key) ?? []
      const guard = client.cron(name, {})
      return new Promise((resolve, reject) => {
        let runs = false
        const job = (): Promise<void> => {
          runs = true
          resolve(true)
          return new Promise((done) => complete.set(key, done))
        }
        const failed = (error: unknown): void => (runs ? warn(error) : reject(error))
        const settled = ({ ran }: { readonly ran: boolean }): void => void (ran || resolve(false))
        guard.run(job, { tick: new Date(at), waitMs: ttlMs }).then(settled, failed)
      })
    },
    onComplete(key) {
      complete.get(key)?.()
      complete.delete(key)
    },
  }
}
