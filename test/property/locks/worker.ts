// The programs of a run: each job opens a client if there is none, waits for a lock, works and releases. Owns the
// expectations of these calls, as a program sees them.
import { getEventListeners } from 'node:events'
import type { Hold } from '../../../src/api/hold.ts'
import type { Leasehold } from '../../../src/api/leasehold.ts'
import type { Lock } from '../../../src/api/lock.ts'
import { connect } from '../../../src/connect.ts'
import type { BackendSource } from '../../../src/contract.ts'
import type { SimProcess } from '../../../src/testing/process.ts'
import type { Checker } from './checker.ts'
import type { Job } from './plan.ts'
import type { Register } from './register.ts'
import type { Releases } from './releases.ts'
import type { Turn, Turns } from './turns.ts'

/** A process with the client that its jobs share. */
export interface Machine {
  readonly process: SimProcess
  readonly source: BackendSource
  client: Promise<Leasehold> | undefined
}

/** The parts that all jobs of a run share. */
export interface Shop {
  readonly permits: number
  readonly ttlMs: number
  readonly checker: Checker
  readonly turns: Turns
  readonly register: Register
  readonly releases: Releases
}

/** How soon an aborted call must have ended: a timeout asks for the holder for half a second. */
export const givenUpMs = 1_500

/** Does one job. Rejects as its calls do. */
export async function work(shop: Shop, machine: Machine, job: Job): Promise<void> {
  const client = await opened(shop, machine)
  const { permits } = shop
  const name = `n${job.name}`
  if (job.atRelease === 'begin') await shop.releases.next(name, machine.process)
  const lock = permits === 1 ? client.mutex(name) : client.semaphore(name, { permits })
  const turn = shop.turns.begin(machine.process.name, name, job.patience !== 'try')
  try {
    const hold = await acquire(shop, machine.process, job, lock)
    if (hold) await protectedWork(shop, { process: machine.process, client }, job, { lock, hold, turn })
  } finally {
    shop.turns.end(turn)
  }
}

async function opened({ ttlMs }: Shop, machine: Machine): Promise<Leasehold> {
  machine.client ??= connect(machine.source, { clock: machine.process, ttlMs })
  const opening = machine.client
  return opening.catch((error) => {
    if (machine.client === opening) machine.client = undefined
    throw error
  })
}

async function acquire(
  { checker, releases }: Shop,
  process: SimProcess,
  job: Job,
  lock: Lock,
): Promise<Hold | undefined> {
  const controller = new AbortController()
  const { signal } = controller
  const { abortMs, patience } = job
  const waitMs = typeof patience === 'number' ? patience : undefined
  const cancels: (() => void)[] = []
  const after = (ms: number | undefined, run: () => void): void => {
    if (ms !== undefined) cancels.push(process.after(ms, run))
  }
  const late = (): void =>
    checker.violated('prompt-giving-up', `${process.name} gave up waiting for ${lock.name}, in vain`)
  after(abortMs, () => controller.abort('enough'))
  if (job.atRelease === 'give up')
    cancels.push(releases.on(lock.name, () => after(0, () => controller.abort('enough'))))
  // In steps: the first action of a process after a stop is to give up, and it may stop between two steps.
  for (const ms of [abortMs, waitMs]) after(ms, () => after(givenUpMs, () => after(givenUpMs, late)))
  try {
    return await (patience === 'try' ? lock.tryAcquire({ signal }) : lock.acquire({ waitMs, signal }))
  } finally {
    for (const cancel of cancels) cancel()
    if (getEventListeners(signal, 'abort').length > 0)
      checker.violated('nothing-left', `${process.name} left a listener on a caller's signal`)
  }
}

async function protectedWork(
  { permits, checker, turns, register, releases }: Shop,
  who: { process: SimProcess; client: Leasehold },
  job: Job,
  { lock, hold, turn }: { lock: Lock; hold: Hold; turn: Turn },
): Promise<void> {
  turns.granted(turn)
  const { calledMs } = turn
  const grant = checker.granted({ ...who, listens: job.listens === true, calledMs }, hold)
  const goesOn = (): boolean => (job.listens ? grant.told === 0 && !grant.released : hold.held)
  for (let left = job.workMs; left > 0 && goesOn(); left -= 250) {
    await new Promise<void>((resolve) => who.process.after(Math.min(left, 250), resolve))
    checker.look()
    if (!job.checkpoint || job.listens) continue
    if (permits === 1) await register.read(lock).catch(() => {})
    await register.write(hold).catch(() => {})
  }
  const wasHeld = grant.told === 0 && (job.listens === true || hold.held)
  const released = hold.release()
  checker.released(grant, wasHeld)
  releases.tell(hold.name)
  await released
}
