// Starts the guardian of the next command early. Owns that one is started at once, while leasehold connects and waits,
// so that the command does not wait for it.
import { Guardian } from './guardian.ts'
import { type Inherited, inherited } from './inherited.ts'

/** Supplies one guardian for each command. */
export class Post {
  readonly inherited: Inherited = inherited()
  #next: Guardian | undefined = new Guardian(this.inherited)

  constructor() {
    // The guardian would notice the end of this process by itself, but a moment later. A reader of its stdout would
    // wait for that.
    process.once('exit', () => this.#next?.dismiss())
  }

  /** A guardian for one command, whose caller dismisses it. */
  guardian(): Guardian {
    const guardian = this.#next ?? new Guardian(this.inherited)
    this.#next = undefined
    return guardian
  }

  /** Starts a guardian for a further command, unless one stands by. */
  standBy(): void {
    this.#next ??= new Guardian(this.inherited)
  }
}
