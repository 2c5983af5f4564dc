// The entry `leasehold/web-locks`: the Web Locks API (https://w3c.github.io/web-locks/) over any store, so that code for
// navigator.locks runs across a cluster. manager.ts has the verbs.
import type { Leasehold } from '../api/leasehold.ts'
import { ClusterLocks } from './manager.ts'
import { checkConstruction } from './requests.ts'
import type { WebLocks, WebLocksOptions } from './types.ts'

export type {
  WebLock,
  WebLockCallback,
  WebLockInfo,
  WebLockMode,
  WebLockOptions,
  WebLocks,
  WebLocksOptions,
  WebLocksSnapshot,
} from './types.ts'

/**
 * navigator.locks over the store of this client. Make one for each client, since `query` and `steal` know the requests
 * of their own object best. Sends nothing. It ends with its client. Throws TypeError or RangeError for bad arguments.
 */
export function webLocks(leasehold: Leasehold, options: WebLocksOptions = {}): WebLocks {
  checkConstruction(leasehold, options)
  return new ClusterLocks(leasehold, options.prefix ?? '')
}
