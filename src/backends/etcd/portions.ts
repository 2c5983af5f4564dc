// How much one transaction has, if a server takes fewer operations than etcd does by default. Owns what its refusals have taught one client.
// The callers know what they send.
import { RefusedError } from '../../base/errors.ts'
import { tooMany } from './wire/words.ts'

/** The most operations of a transaction by default: etcd's flag `--max-txn-ops`. */
const operationsDefault = 128

/** The size of the transactions of one client. */
export class Portions {
  #most = operationsDefault

  /** How many questions go into one transaction, of those that need `each` operations: at least one, and at most `most`. */
  size(most: number, each: number): number {
    return Math.max(1, Math.min(most, Math.floor(this.#most / each)))
  }

  /**
   * Sends questions that need `each` operations at most, and resolves with their answers in the same order. If the server refuses them since
   * they are too many, nothing was done: they are sent again, half as many in each transaction, and so are all later ones. Rejects as `send`
   * does.
   */
  async send<Q, A>(
    questions: readonly Q[],
    each: number,
    send: (some: readonly Q[]) => Promise<readonly A[]>,
  ): Promise<readonly A[]> {
    const size = this.size(questions.length, each)
    if (questions.length > size) {
      const parts = portions(questions, size).map((some) => this.send(some, each, send))
      return (await Promise.all(parts)).flat()
    }
    try {
      return await send(questions)
    } catch (error) {
      const isTooMany = error instanceof RefusedError && tooMany.test(error.message)
      if (!isTooMany || questions.length < 2) throw error
      this.#most = Math.min(this.#most, Math.floor((questions.length * each) / 2))
      return this.send(questions, each, send)
    }
  }
}

function portions<T>(all: readonly T[], size: number): (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  )
}
