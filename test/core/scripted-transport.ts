// A connection to etcd of which a test answers some calls. Owns the refusal of the others.
import type { Transport } from '../../src/backends/etcd/wire/transport.ts'

/** A transport with these calls. The others throw. */
export function scripted(calls: Partial<Transport>): Transport {
  const none = (): never => {
    throw new Error('the test has no answer to this call')
  }
  const close = (): void => {}
  return {
    ...{ txn: none, grant: none, keepAlive: none, revoke: none, timeToLive: none, watch: none, close },
    ...calls,
  }
}
