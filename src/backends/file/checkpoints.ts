// Reads checkpoints from the database. store.ts writes them, since each write is fenced.
import type { Connection } from './connection.ts'
import type { Row } from './driver.ts'
import * as sql from './sql.ts'

/** The checkpoints of an open database. All methods are synchronous, and throw as the methods of Store do. */
export class Checkpoints {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  read(name: string): string | undefined {
    const [row] = this.#connection.ask(sql.readCheckpoint, name)
    return row && textOf(row)
  }

  /** The checkpoints of all names that begin with a prefix. */
  all(prefix: string): Map<string, string> {
    const rows = this.#connection.ask(sql.checkpoints, prefix)
    return new Map(rows.map((row) => [String(row.name), textOf(row)]))
  }
}

function textOf({ digits }: Row): string {
  return Buffer.from(String(digits), 'hex').toString()
}
