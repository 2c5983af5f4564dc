// The guardians of commands. Decides when a guardian is started: only for a command that will run soon, since each
// guardian is a process of its own.
import { Guardian } from './guardian.ts'
import { type Inherited, inherited } from './inherited.ts'

/** Supplies one guardian for each command. */
export class Guardians {
  #inherited: Inherited | undefined
  #next: Guardian | undefined

  constructor() {
    // A guardian that stands by would notice the end of this process a moment later. Until then it keeps our stdout
    // open, and a reader of that would wait.
    process.once('exit', () => this.#next?.dismiss())
  }

  /** The parts of the caller that commands get. It is found out once, when it is needed first. */
  get inherited(): Inherited {
    return (this.#inherited ??= inherited())
  }

  /** The guardian for one command: the one that stands by, or a new one. The caller dismisses it. */
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
