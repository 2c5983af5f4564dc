// The public face of the package: what users import from 'leasehold'. Backends have entrances of their own.

export type { Clock, Mark } from './base/clock.ts'
export {
  ConflictError,
  HoldLostError,
  LeaseholdError,
  RefusedError,
  SessionGoneError,
  UnavailableError,
  WaitTimeoutError,
} from './base/errors.ts'
export { type ConnectOptions, connect, type Leasehold } from './connect.ts'
export type {
  Admitted,
  Attempt,
  Backend,
  BackendSource,
  Claim,
  Facts,
  Leader,
  NameState,
  Observation,
  SessionGrant,
  Standing,
  Waiting,
} from './contract.ts'
export type { Hold } from './core/hold.ts'
export type { Holder } from './core/holder.ts'
export type { CronGuard, CronOptions } from './cron/guard.ts'
export type { StartOptions } from './cron/keeper.ts'
export type { CronJob, TickOptions, TickResult } from './cron/tick.ts'
export type { CampaignOptions, Election, ObserveOptions } from './election/election.ts'
export type { LeadOptions, LeadWork } from './election/lead.ts'
export type { Term } from './election/term.ts'
export type { AcquireOptions, Lock } from './locks/lock.ts'
export type { Mutex } from './locks/mutex.ts'
export type { Semaphore, SemaphoreOptions } from './locks/semaphore.ts'
