// A lock that one may hold at a time.
import { checkName } from '../arguments.ts'
import { Lock, type LockHost } from './lock.ts'

/**
 * One holder at a time, in the order in which they came. On etcd this is the lock of `etcdctl lock NAME` and of Go's
 * `concurrency.Mutex`.
 */
export class Mutex extends Lock {
  /** Throws TypeError or RangeError for a bad name. Sends nothing. */
  constructor(host: LockHost, name: string) {
    checkName(name)
    super(host, name, 1)
  }
}
