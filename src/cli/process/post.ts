// The guardians of commands. Owns when one is started: for a command that will run soon, and for no other, since it is a
// process of its own.
import { Guardian } from './guardian.ts'
import { type Inherited, inherited } from './inherited.ts'

/** Supplies one guardian for each command. */
export class Post {
  readonly inherited: Inherited = inherited()
  #next: Guardian | undefined

  constructor() {
    // The guardian would notice the end of this process by itself, but a moment later. A reader of its stdout would
    // wait for that.
    process.once('exit', () => this.#next?.dismiss())
  }

  /** A guardian for one command, whose caller dismisses it: the one that stands by, or a new one. */
  guardian(): Guardian {
    this.standBy()
    const guardian = this.#next as Guardian
    this.#next = undefined
    return guardian
  }

  /** Starts the guardian of the next command ahead of time, so that the command does not wait for it. */
  standBy(): void {
    this.#next ??= new Guardian(this.inherited)
  }
}
