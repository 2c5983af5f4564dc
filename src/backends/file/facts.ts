// The properties of the embedded store, as data for the code that all stores share.
import type { Facts } from '../../contract.ts'

/** See Facts. `answersAtOnce` is false, since an answer may have to wait for the transaction of another process. */
export const facts: Facts = {
  scheme: 'file',
  ttlMs: { min: 1_000, max: 86_400_000, default: 15_000 },
  keepMs: { min: 1, max: 86_400_000 },
  handoff: true,
  fair: true,
  lockDelayMs: 0,
  endsEarly: false,
  electionMs: 0,
  freesOnCrash: true,
  endFreesAll: true,
  answersAtOnce: false,
  checkpointBytesMax: 1_048_576,
  valueBytesMax: 1_048_576,
}
