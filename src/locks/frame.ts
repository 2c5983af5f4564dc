// A run under way and a wait inside it, as data. nesting.ts keeps them, and finds the waits that can never end.
import type { Claim } from '../contract.ts'

/** A number of permits of a name. */
export type Size = Pick<Claim, 'name' | 'permits' | 'weight'>

/** The parts of a hold that a run needs to know. */
export interface RunHold {
  readonly name: string
  readonly token: bigint
  readonly held: boolean
  /** Its permits now. */
  readonly size: Readonly<Size>
}

/** A `run` under way, or a group that has some of its names. */
export interface Frame {
  /** The run around it. Runs that have ended are left out. */
  outer: Frame | undefined
  ended: boolean
  readonly holds: Set<RunHold>
  /** When it began, by the wall clock. */
  readonly sinceMs: number
  /** The waits of calls inside it, at any depth. */
  readonly waits: Set<Wait>
}

/** A call that asks for a name and has no answer yet. */
export interface Wait {
  readonly size: Size
  /** Whether only a hold or an abort ends it. A wait with a time limit ends by itself, so no circle with it is for ever. */
  readonly endless: boolean
}

/** The line of a form and a name. */
export function keyOf({ name, permits }: Pick<Size, 'name' | 'permits'>): string {
  return `${permits} ${name}`
}

/** Whether a hold is on the name in this form. */
export function isOn({ size }: RunHold, { name, permits }: Pick<Size, 'name' | 'permits'>): boolean {
  return size.name === name && size.permits === permits
}

/** How many permits of the name the holds of a run take now. */
export function takenBy({ holds }: Frame, of: Pick<Size, 'name' | 'permits'>): number {
  let taken = 0
  for (const hold of holds) if (isOn(hold, of) && hold.held) taken += hold.size.weight
  return taken
}
