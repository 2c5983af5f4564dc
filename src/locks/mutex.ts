// A lock that one may hold at a time.
import { checkName } from '../core/arguments.ts'
import { Lock, type LockClient } from './lock.ts'

/**
 * One holder at a time, in the order in which they came. On etcd this is the lock of `etcdctl lock NAME` and of Go's
 * `concurrency.Mutex`.
 */
export class Mutex extends Lock {
  /** Throws TypeError or RangeError for a bad name. Sends nothing. */
  constructor(client: LockClient, name: string) {
    checkName(name)
    super(client, name, 1)
  }
}
