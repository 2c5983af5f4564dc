// Listens to the channels of a test's clients, and keeps the events in their order. Owns that a test stops listening.
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { onTestFinished } from 'vitest'
import type { LeaseholdEvents, LeaseholdTraces } from '../../src/index.ts'

/** The events of a plain channel, from now on. */
export function heard<K extends keyof LeaseholdEvents>(name: K): LeaseholdEvents[K][] {
  const events: LeaseholdEvents[K][] = []
  const listen = (event: unknown): void => void events.push(event as LeaseholdEvents[K])
  subscribe(name, listen)
  onTestFinished(() => void unsubscribe(name, listen))
  return events
}

/** The traces that begin on a channel from now on, and those that have ended. */
export function traced<K extends keyof LeaseholdTraces>(
  name: K,
): { begun: LeaseholdTraces[K][]; ended: LeaseholdTraces[K][]; stop: () => void } {
  const [begun, ended] = [[] as LeaseholdTraces[K][], [] as LeaseholdTraces[K][]]
  const nothing = (): void => {}
  const channel = tracingChannel<unknown, LeaseholdTraces[K]>(name)
  const subscribers = {
    start: (event: LeaseholdTraces[K]) => void begun.push(event),
    asyncEnd: (event: LeaseholdTraces[K]) => void ended.push(event),
    end: nothing,
    asyncStart: nothing,
    error: nothing,
  }
  channel.subscribe(subscribers)
  const stop = (): void => channel.unsubscribe(subscribers)
  onTestFinished(stop)
  return { begun, ended, stop }
}
