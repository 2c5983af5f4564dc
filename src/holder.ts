// Who stands behind a claim, for people to read: written into the claim's value, which no decision rests on. Claims of
// other clients (etcdctl, Go) carry none.
import { hostname } from 'node:os'
import type { Standing } from './backend.ts'

/** The process that holds or waits. */
export interface Holder {
  readonly host: string
  readonly pid: number
}

/** This process, as the value of its claims. */
export function holderValue(): string {
  const holder: Holder = { host: hostname(), pid: process.pid }
  return JSON.stringify(holder)
}

/** A claim's holder in a few words: its host and process where it says so, its session otherwise. */
export function describeHolder({ value, session }: Standing): string {
  const holder = parseHolder(value)
  return holder ? `${holder.host} (pid ${holder.pid})` : `session ${session}`
}

/** The holder that a value names, or undefined where somebody else's client wrote it. */
export function parseHolder(value: string): Holder | undefined {
  try {
    const { host, pid } = JSON.parse(value)
    return typeof host === 'string' && typeof pid === 'number' ? { host, pid } : undefined
  } catch {
    return undefined
  }
}
