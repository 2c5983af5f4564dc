// A lock of readers and writers: a reader takes one of all permits, a writer all of them. The order of the line does the
// rest. Owns the two locks of a name, and how a writer becomes a reader.
import type { AskOptions } from '../api/ask.ts'
import type { ReadHold, WriteHold } from '../api/hold.ts'
import type { RwLock } from '../api/lock.ts'
import { quoted } from '../base/printable.ts'
import { sharedPermits } from '../base/shapes.ts'
import { checkOptions } from '../core/arguments.ts'
import { ClaimHold } from '../core/hold.ts'
import { ClaimLock, type Form, type LockClient } from './lock.ts'
import { PartHold } from './part-hold.ts'

/** Both locks of a name, which take no options. Throws TypeError or RangeError for a bad argument. Sends nothing. */
export function rwlockOf(client: LockClient, name: string, options: object = {}): RwLock {
  checkOptions(options, {})
  return { name, read: new ClaimLock(client, name, reader), write: new ClaimLock(client, name, writer) }
}

/** A hold of a reader. */
class Reader extends ClaimHold implements ReadHold {
  upgrade(): never {
    const why = 'two readers that both became writers would wait for each other for ever'
    const advice = 'release this hold and acquire `write`, or acquire `write` first and call `downgrade`'
    throw new TypeError(`a reader of ${quoted(this.name)} cannot become a writer: ${why}; ${advice}`)
  }
}

/** A hold of a writer. */
class Writer extends PartHold implements WriteHold {
  downgrade(options: AskOptions = {}): Promise<void> {
    return this.lighten(1, options)
  }
}

const reader: Form<Reader> = {
  kind: 'reader',
  permits: sharedPermits,
  weight: 1,
  make: (grant) => new Reader(grant),
}
const writer: Form<Writer> = {
  kind: 'writer',
  permits: sharedPermits,
  weight: sharedPermits,
  make: (grant) => new Writer(grant),
}
