// Two candidates of one election, the first of which is cut off from its store while it works. Owns when each of them
// worked, on one clock, and how late the timers of this machine were.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { onTestFinished } from 'vitest'
import { coveredMs, marginMs } from '../../src/core/lifetime.ts'
import type { Election, LeadWork } from '../../src/index.ts'
import { freshNamespace } from './etcd.ts'
import { type Link, openLink } from './link.ts'
import type { RealStore } from './real-stores.ts'

/** The work of one term: when it began, had to stop, and ended, in ms. */
export interface Shift {
  readonly worker: string
  readonly beganMs: number
  endedMs: number
}

/** Which messages of the first candidate are lost. */
export const losses = {
  'requests and answers': (link: Link) => {
    link.drop('up')
    link.drop('down')
  },
  requests: (link: Link) => link.drop('up'),
  answers: (link: Link) => link.drop('down'),
} as const

/** One round. */
export interface Round {
  readonly ttlMs: number
  /** `stopBeforeMs`, which is also the time that the work takes to end. */
  readonly stopBeforeMs: number
  /** When the first candidate is cut off, from the beginning of its work. */
  readonly cutAtMs: number
  readonly lost: keyof typeof losses
  /** Whether the store ends the session at that moment, as one that `endsEarly` may. */
  readonly endsSession: boolean
}

/** The first two shifts of a round, and the margin for timers that are late. */
export interface Played {
  readonly shifts: readonly [Shift, Shift]
  readonly marginMs: number
  readonly cutMs: number
  /** How late a timer of this process was at most, from the cut on. */
  readonly lateMs: number
}

/** Plays a round until the second candidate works. */
export async function play(store: RealStore, round: Round): Promise<Played> {
  const { ttlMs, stopBeforeMs, cutAtMs, lost } = round
  const namespace = freshNamespace()
  const link = await openLink(store.endpoint)
  const first = await store.client(namespace, { ttlMs, endpoint: link.address })
  const second = await store.client(namespace, { ttlMs })
  const shifts: Shift[] = []
  const one = stand(first.election('a'), { worker: 'one', shifts, stopBeforeMs })
  await one.works
  const two = stand(second.election('a'), { worker: 'two', shifts, stopBeforeMs })
  await store.line(namespace, 'a', { holders: 1, waiters: 1 })
  await new Promise((resolve) => setTimeout(resolve, cutAtMs))
  if (shifts.length > 1) throw new Error('the second candidate works while the first one does')
  losses[lost](link)
  const cutMs = performance.now()
  const lag = monitorEventLoopDelay({ resolution: 10 })
  lag.enable()
  if (round.endsSession) await store.endSession(first.session ?? '')
  await two.works
  lag.disable()
  link.forget()
  link.cut()
  await Promise.all([one.end(), two.end()])
  return {
    shifts: [shifts[0] as Shift, shifts[1] as Shift],
    marginMs: marginMs(coveredMs(ttlMs, first.facts)),
    cutMs,
    lateMs: lag.max / 1e6,
  }
}

interface Place {
  readonly worker: string
  readonly shifts: Shift[]
  readonly stopBeforeMs: number
}

/** A candidate whose work goes on until it has to stop, and for `stopBeforeMs` after that. */
function stand(election: Election, { worker, shifts, stopBeforeMs }: Place) {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  let begins = (): void => {}
  const works = new Promise<void>((resolve) => (begins = resolve))
  const work: LeadWork = async (term) => {
    const shift: Shift = { worker, beganMs: performance.now(), endedMs: Infinity }
    shifts.push(shift)
    begins()
    await new Promise((resolve) => term.signal.addEventListener('abort', resolve))
    await new Promise((resolve) => setTimeout(resolve, stopBeforeMs))
    shift.endedMs = performance.now()
  }
  const ended = election.lead(work, { stopBeforeMs, signal: stop.signal, onError: () => {} })
  const end = (): Promise<void> => {
    stop.abort()
    return ended
  }
  return { works: Promise.race([works, ended]), end }
}
