// The public face of the package: everything that users import from 'leasehold'. Each backend has an entry of its own.

export type { AskOptions } from './api/ask.ts'
export type {
  CronGuard,
  CronJob,
  CronOptions,
  CronState,
  StartOptions,
  TickOptions,
  TickPreview,
  TickRecord,
  TickResult,
} from './api/cron.ts'
export type {
  CampaignOptions,
  Candidate,
  CandidateValue,
  Election,
  LeaderService,
  LeadOptions,
  LeadWork,
  ObserveOptions,
  Observing,
  SeenLeader,
  TermOptions,
  TryCampaignOptions,
} from './api/election.ts'
export type { CandidateHealth, CandidatePart, ClientHealth } from './api/health.ts'
export type { GroupHold, Hold, Holder, PermitHold, ReadHold, ReleaseOptions, WriteHold } from './api/hold.ts'
export { type ConnectOptions, Leasehold } from './api/leasehold.ts'
export type {
  AcquireOptions,
  Lock,
  Mutex,
  MutexGroup,
  MutexOptions,
  PermitOptions,
  PermitRunOptions,
  PermitTryOptions,
  RunOptions,
  RwLock,
  Semaphore,
  SemaphoreOptions,
  TryOptions,
} from './api/lock.ts'
export type { LedTerm, StepDownOptions, Term } from './api/term.ts'
export type { Clock, Mark } from './base/clock.ts'
export {
  ClockError,
  ClosedError,
  ConflictError,
  type DeadlockCode,
  DeadlockError,
  type HoldLostCode,
  HoldLostError,
  LeaseholdError,
  RefusedError,
  SessionGoneError,
  TickLostError,
  UnavailableError,
  WaitTimeoutError,
} from './base/errors.ts'
export { connect } from './connect.ts'
export type {
  Admitted,
  Announcement,
  Attempt,
  Backend,
  BackendSource,
  CatalogBackend,
  Check,
  Claim,
  Examination,
  ExamineOptions,
  Facts,
  Finding,
  GroupBackend,
  KeepingBackend,
  Kept,
  Leader,
  LeaderBackend,
  Level,
  NameState,
  Observation,
  OperatorBackend,
  Overtaking,
  Renewal,
  ReplacingBackend,
  SessionGrant,
  Source,
  Standing,
  StoreKey,
  Waiting,
} from './contract.ts'
