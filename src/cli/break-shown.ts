// Breaks a lock by the token that a person was shown. Owns the way from that token to the one in the store.
import type { Leasehold } from '../api/leasehold.ts'
import type { Standing } from '../contract.ts'
import { tokenOf } from '../core/holder.ts'

/**
 * Takes the lock from the holder with this token, and resolves with whether it did and with that holder, if it was seen. A
 * mutex on etcd shows the token of its hold, which is not the one in the store. Costs two requests; rejects as `break`.
 */
export async function breakShown(
  client: Leasehold,
  name: string,
  token: bigint,
): Promise<{ readonly loser: Standing | undefined; readonly broken: boolean }> {
  const line = await client.line(name)
  const loser = line.find((claim) => claim.held && tokenOf(claim) === token)
  return { loser, broken: await client.break(name, loser?.token ?? token) }
}
