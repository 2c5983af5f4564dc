// The lasting mark of a name that a mutex with `handoff` has held: a row among the claims of the name. Owns when it is made, and that
// a power cut cannot undo it: claims of other forms would get smaller tokens.
import { cohortPermits } from '../../base/shapes.ts'
import type { Claim } from '../../contract.ts'
import type { Connection } from './connection.ts'
import { markSize } from './layout.ts'
import * as sql from './sql.ts'

/** Marks the name of a claim with `handoff`, unless claims of another form stand there. Synced; once for each name. */
export function mark(connection: Connection, { name, permits }: Claim): void {
  if (permits !== cohortPermits || connection.ask(sql.marked, name).length > 0) return
  connection.synced(() => connection.transaction(() => connection.ask(sql.mark, name, markSize)))
}
