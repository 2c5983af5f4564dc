// The properties of the embedded store, as data for the code that all stores share.
import { UnavailableError } from '../../base/errors.ts'
import type { Facts } from '../../contract.ts'

const atOnce: NonNullable<Facts['atOnce']> = {
  signal: new AbortController().signal,
  refusal: new UnavailableError('the database is locked, or has to be opened or synced'),
}

/** Throws the refusal for a request that must not wait. */
export function mayWait(signal: AbortSignal): void {
  if (signal === atOnce.signal) throw atOnce.refusal
}

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
  atOnce,
  checkpointBytesMax: 1_048_576,
  valueBytesMax: 1_048_576,
}
