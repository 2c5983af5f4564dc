// Writes a row of PostgreSQL under a lock, so that a write of an earlier holder that arrives late changes nothing.
import { connect } from 'leasehold'
import pg from 'pg'

// Step 1 raises the fence and reads. Step 2 writes only while the fence is ours. Both are needed: see docs/fencing.md.
const raise = 'update report set fence = $1 where id = 1 and fence <= $1 returning body'
const write = 'update report set body = $2, fence = $1 where id = 1 and fence <= $1'

const database = new pg.Pool() // PGHOST, PGUSER, PGPASSWORD and PGDATABASE, as for psql
const leasehold = await connect()
try {
  await createTable()
  await leasehold.mutex('report').run(addLine, { waitMs: 30_000 })
} finally {
  await leasehold.close()
  await database.end()
}

/** @param {import('leasehold').Hold} hold */
async function addLine(hold) {
  const { rows } = await database.query(raise, [hold.token])
  if (rows.length === 0) throw new Error(`a later holder than token ${hold.token} was here`)
  const body = `${rows[0].body}one more line, by ${process.pid}\n`
  hold.assertHeld(200) // saves a useless query; the fence is what protects
  const { rowCount } = await database.query(write, [hold.token, body])
  if (rowCount === 0) throw new Error(`the write of token ${hold.token} was refused: a later holder was here`)
  console.log(`written under token ${hold.token}:\n${body}`)
}

/** Begins the table, once. A second process at the same moment waits for the first. */
async function createTable() {
  await database.query(`
    begin;
    select pg_advisory_xact_lock(hashtext('report'));
    create table if not exists report (id bigint primary key, body text not null, fence bigint not null default 0);
    insert into report (id, body) values (1, '') on conflict do nothing;
    commit`)
}
