// The errors for waits that can never end. Owns their messages; nesting.ts finds the waits.
import { isoTime } from '../base/clock.ts'
import { DeadlockError } from '../base/errors.ts'
import { quoted } from '../base/printable.ts'
import { cohortPermits, isUndivided, sharedPermits } from '../base/shapes.ts'
import type { Frame, Size, Wait } from './frame.ts'

/** The error for a call inside runs that hold so much of the name that it would wait for itself. */
export function nested(size: Size, taken: number, path: readonly Frame[]): DeadlockError {
  const { name } = size
  const runs = path.map(({ holds, sinceMs }) => {
    const tokens = [...holds].filter((hold) => hold.size.name === name).map(({ token }) => token)
    return `a run since ${isoTime(sinceMs)} (token ${tokens.join(', ')})`
  })
  const held = `${amount(size, taken)} held by the very chain of calls that asks for ${wanted(size)}, inside ${runs.join(' and ')}`
  return new DeadlockError(`${held}; it would wait for itself for ever: ${advice(size)}`, {
    code: 'LEASEHOLD_NESTED',
  })
}

/** The error for a call that would close a circle. `circle` has its own wait first. */
export function circle(size: Size, path: readonly Frame[], circle: readonly Wait[]): DeadlockError {
  const held = path.flatMap(({ holds }) => [...holds].map(({ name }) => quoted(name)))
  const [, ...others] = circle.map(({ size }) => quoted(size.name))
  let holding = quoted(size.name)
  const waits = others.map((name) => {
    const wait = `a call under ${holding} waits for ${name}`
    holding = name
    return wait
  })
  // A reader that reads again: the writer in between waits for the first of its two holds.
  if (waits.length === 0) waits.push('a call in line before it waits for what this chain holds')
  const own = `this call under ${[...new Set(held)].join(', ')} asks for ${quoted(size.name)}`
  const order = 'take the names in one order everywhere, or all together with `mutexes`'
  return new DeadlockError(
    `a circle of waits in this client: ${[own, ...waits].join(', and ')}. Release what this chain of calls ` +
      `holds and begin again; ${order}`,
  )
}

function amount({ name, permits }: Size, taken: number): string {
  if (permits === 1 || isUndivided(permits)) return `${quoted(name)} is`
  return `${taken} of ${permits} permits of ${quoted(name)} are`
}

function wanted({ permits, weight }: Size): string {
  if (permits === 1 || permits === cohortPermits) return 'it again'
  if (permits === sharedPermits) return weight === 1 ? 'it again, to read' : 'it again, to write'
  return `${weight} more`
}

function advice({ permits }: Size): string {
  if (permits === 1 || permits === cohortPermits)
    return 'pass the hold on as an argument, or create both mutexes with { reentrant: true }'
  if (permits === sharedPermits)
    return 'pass the hold on as an argument; to read after a write, call `downgrade` of the writer'
  return 'take all permits in one call, or pass the hold on as an argument'
}
