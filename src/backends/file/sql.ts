// The statements of store.ts. A statement alone is a transaction of its own, in libsql between BEGIN IMMEDIATE and COMMIT if
// it writes. Every lock and every release costs one statement. The rule of admission is here as `taken`: a
// claim holds when the weights of all claims before it, and its own, fit into the permits.
//
// A name stands as `+?1`, and a limit as `?2 + 0`: SQLite 3.54 (Node 24) plans a statement with ORDER BY or LIMIT anew for each value of
// a parameter that stands there alone, which took three quarters of a cycle.
import { permitsIn, weightIn } from './layout.ts'

/**
 * Whether a row is a claim. The mark of a name that a mutex with `handoff` has held is a row of weight 0, so that its column
 * `permits` is negative: it keeps every other form from the name, and takes no permit.
 */
const isClaim = 'permits > 0'

/** The permits that the claims of the name ?1 take that this condition selects. */
const taken = (which = 'true'): string =>
  `(SELECT coalesce(sum(${weightIn('other.permits')}), 0) FROM claims AS other WHERE other.name = +?1 AND ${which})`

/** Whether the claim of a row holds. */
const holds = `${taken('other.ticket < claims.ticket')} + ${weightIn('claims.permits')} <= ${permitsIn('claims.permits')}`

/** How many claims of the name stand before a ticket. In the line of a mutex each of them takes one permit. */
const before = (ticket: string): string =>
  `(SELECT count(*) FROM claims AS other WHERE other.name = +?1 AND other.ticket < ${ticket}) AS before`

/** How many claims of the name stand before a ticket, and how many permits they take. */
const ahead = (ticket: string): string => `
     (SELECT count(*) FROM claims AS other WHERE other.name = +?1 AND other.ticket < ${ticket} AND ${isClaim}) AS before,
     ${taken(`other.ticket < ${ticket}`)} AS taken`

/**
 * The sessions of the claims that hold now, and would not if claims before them still took ?3 permits more; ?2 are the
 * permits of the name. Each claim takes at least one, so no more claims need to be read.
 */
const admittedBy = (lost: string, permits: string, but = 'true'): string => `
  SELECT session FROM (
    SELECT session, sum(${weightIn('permits')}) OVER (ORDER BY ticket) AS until FROM (
      SELECT session, ticket, permits FROM claims AS other WHERE name = +?1 AND ${isClaim} AND ${but} ORDER BY ticket LIMIT ${permits} + 0))
  WHERE until <= ${permits} AND until + ${lost} > ${permits}`

/** The ticket of the next claim; null unless it is above ?7. A row without a ticket is left out. */
const nextTicket = "(SELECT permits + 1 FROM claims WHERE name = '' AND ticket = 0 AND permits >= ?7)"

/**
 * Puts a claim in line and counts the claims before it. No row if its session is gone, if it stands already, if the
 * name has other permits, if it would have to wait and has no `wait`, or if its ticket would not be above ?7. Then its session
 * is null, and a row without a session is left out: so SQLite needs no table for a row to come, as for INSERT … SELECT.
 */
export const join: string = `
  INSERT OR IGNORE INTO claims (name, ticket, session, id, permits, value)
  VALUES (?1, ${nextTicket}, CASE WHEN
    EXISTS (SELECT 1 FROM sessions WHERE id = ?2)
    AND NOT EXISTS (SELECT 1 FROM claims WHERE name = +?1 AND
      (${permitsIn('permits')} <> ${permitsIn('?4')} OR (session = ?2 AND id = ?3)))
    AND (?6 OR ${taken()} + ${weightIn('?4')} <= ${permitsIn('?4')}) THEN ?2 END, ?3, ?4, ?5)
  RETURNING ticket, ${ahead('claims.ticket')}`

/**
 * The same for a mutex, without sums: any claim is in the way of one that does not wait, and a claim of another form has other
 * permits.
 */
export const joinMutex: string = `
  INSERT OR IGNORE INTO claims (name, ticket, session, id, permits, value)
  VALUES (?1, ${nextTicket}, CASE WHEN
    EXISTS (SELECT 1 FROM sessions WHERE id = ?2)
    AND NOT EXISTS (SELECT 1 FROM claims WHERE name = +?1 AND
      (permits <> ?4 OR (session = ?2 AND id = ?3) OR NOT ?6)) THEN ?2 END, ?3, ?4, ?5)
  RETURNING ticket, ${before('claims.ticket')},
    (SELECT session FROM claims AS other WHERE other.name = +?1 AND other.ticket < claims.ticket ORDER BY ticket DESC LIMIT 1) AS behind`

const ofClaim = 'FROM claims WHERE name = +?1 AND ticket = ?2 AND session = ?3'
/** How many claims stand before this one. No row if it no longer stands. */
export const place: string = `SELECT ${ahead('?2')} ${ofClaim}`
/** The same for a mutex. */
export const placeInMutex: string = `SELECT ${before('?2')} ${ofClaim}`

/** Whether a name has the mark of a mutex with `handoff`. */
export const marked: string = 'SELECT 1 FROM claims WHERE name = +?1 AND permits < 0'
/** Marks a name, unless claims of another form stand on it. ?2 is the column `permits` of a mark. */
export const mark: string = `
  INSERT INTO claims (name, ticket, session, id, permits, value)
  SELECT ?1, permits + 1, '', '', ?2, 'a mutex with handoff has held this name: no other lock may' FROM claims
  WHERE name = '' AND ticket = 0
    AND NOT EXISTS (SELECT 1 FROM claims WHERE name = +?1 AND (permits < 0 OR ${permitsIn('permits')} <> ${permitsIn('?2')}))`

/** The reason why a claim did not join. */
export const obstacle: string = `
  SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?2) AS stands,
    (SELECT ticket FROM claims WHERE name = +?1 AND session = ?2 AND id = ?3) AS own,
    (SELECT ${permitsIn('permits')} FROM claims WHERE name = +?1 ORDER BY ticket LIMIT 1) AS permits,
    (SELECT count(*) FROM claims WHERE name = +?1 AND ${isClaim}) AS before, ${taken()} AS taken,
    (SELECT permits FROM claims WHERE name = '' AND ticket = 0) AS counter`

const leaving =
  'DELETE FROM claims WHERE name = +?1 AND ticket BETWEEN ?2 AND ?3 AND session = ?4 AND id = ?5'
/** Removes a claim. `next` has the sessions of the claims that are admitted instead, with commas between. */
export const leave: string = `
  ${leaving} RETURNING (
    SELECT group_concat(session) FROM (${admittedBy('?7', '?6', 'other.ticket <> claims.ticket')})
  ) AS next`
/** The same for a mutex. The sum over a line, which only others need, costs four times the rest, even if it is not taken. */
export const leaveMutex: string = `
  ${leaving} RETURNING (
    SELECT session FROM claims AS other WHERE name = +?1 AND other.ticket <> claims.ticket ORDER BY ticket LIMIT 1
  ) AS next`

/** Makes a claim that holds lighter. No row if it does not. */
export const shrink: string = `
  UPDATE claims SET permits = ?4 WHERE name = +?1 AND ticket = ?2 AND session = ?3 AND ${holds}
  RETURNING 1`

/**
 * The sessions of the claims before a ticket, in order. Time to live and renewals are null if there is no such session.
 */
export const sessionsAhead: string = `
  SELECT claims.session AS id, ttl, renewals FROM claims LEFT JOIN sessions ON sessions.id = claims.session
  WHERE name = +?1 AND ticket < ?2 AND ${isClaim} ORDER BY ticket`

/** The session of the last claim before a ticket. */
export const predecessor: string = `
  SELECT claims.session AS id, ttl, renewals FROM claims LEFT JOIN sessions ON sessions.id = claims.session
  WHERE name = +?1 AND ticket < ?2 AND ${isClaim} ORDER BY ticket DESC LIMIT 1`

/** The tickets of a session, with commas between. There is no index for this, so all claims are read. */
export const ticketsOf: string = 'SELECT group_concat(ticket) AS tickets FROM claims WHERE session = ?1'

/**
 * The claims on a name, in order. Values are in hexadecimal digits, as in every statement that reads them: see
 * `readCheckpoint`.
 */
export const line: string = `
  SELECT session, id, hex(value) AS value, permits, ticket FROM claims WHERE name = +?1 AND ${isClaim} ORDER BY ticket`
/** `name > ''` leaves out the counter. No lock has a name of more than 512 bytes. */
export const survey: string = `
  SELECT name, session, id, hex(value) AS value, permits, ticket FROM claims
  WHERE name > '' AND ${isClaim} AND length(CAST(name AS BLOB)) <= 512 AND name >= ?1 AND substr(name, 1, length(?1)) = ?1 ORDER BY name, ticket`
/** Removes the claim that holds with this ticket. No row if none does. */
export const breakHold: string = `
  DELETE FROM claims WHERE name = +?1 AND ticket = ?2 AND ${isClaim}
    AND ${holds}
  RETURNING session, permits`

/** Hands a claim that holds, or is kept already, to the session ?4 that keeps it. No row if it does not hold. */
export const keep: string = `
  UPDATE claims SET session = ?4, value = ?5 WHERE name = +?1 AND ticket = ?2 AND (session = ?3 OR session >= 'f')
    AND ${holds}
  RETURNING 1`

/** The first claim on a name. */
export const leader: string = `
  SELECT session, hex(value) AS value, ticket FROM claims WHERE name = +?1 AND ${isClaim} ORDER BY ticket LIMIT 1`
/** Replaces the value of a claim that holds. No row if it does not. */
export const proclaim: string = `
  UPDATE claims SET value = ?2 WHERE name = +?1 AND ticket = ?3 AND session = ?4
    AND ${holds}
  RETURNING 1`

/** All sessions. */
export const sessions: string = 'SELECT id, ttl, renewals FROM sessions'
/** Some sessions of processes: those from an id on, and then from the first id on. Ids of kept claims begin with f. */
export const someSessions: string = `
  SELECT id, ttl, renewals FROM (
    SELECT * FROM (SELECT *, 0 AS part FROM sessions WHERE id >= ?1 AND id < 'f' ORDER BY id LIMIT ?2 + 0)
    UNION ALL SELECT * FROM (SELECT *, 1 AS part FROM sessions WHERE id < ?1 ORDER BY id LIMIT ?2 + 0))
  ORDER BY part, id LIMIT ?2 + 0`
/** The sessions of kept claims whose time is over first. */
export const firstKept: string =
  "SELECT id, ttl, renewals FROM sessions WHERE id >= 'f' ORDER BY id LIMIT ?1 + 0"
/** One session. */
export const session: string = 'SELECT 1 FROM sessions WHERE id = ?1'
/** Adds a session that was never renewed. */
export const addSession: string = 'INSERT INTO sessions VALUES (?1, ?2, 0)'
/** Counts a renewal. No row if the session is gone. */
export const renew: string = 'UPDATE sessions SET renewals = renewals + 1 WHERE id = ?1 RETURNING 1'
/** Removes a session. If the second argument is not -1, only if the session was renewed exactly so often. */
export const removeSession: string =
  'DELETE FROM sessions WHERE id = ?1 AND (?2 = -1 OR renewals = ?2) RETURNING 1'
/** Removes all claims of a session. */
export const removeClaims: string = 'DELETE FROM claims WHERE session = ?1 RETURNING name, permits'
/** Whether there is any claim on a name. */
export const anyClaim: string = `SELECT 1 FROM claims WHERE name = +?1 AND ${isClaim} LIMIT 1`
/** The sessions of the claims that hold since claims with a weight of ?3 left. */
export const admitted: string = admittedBy('?3', '?2')

/** The ticket of the last claim that joined. */
export const readCounter: string = "SELECT permits FROM claims WHERE name = '' AND ticket = 0"
/** Moves the counter on. */
export const raiseCounter: string =
  "UPDATE claims SET permits = max(permits, ?1) WHERE name = '' AND ticket = 0"
/** Removes one claim. */
export const removeClaim: string = 'DELETE FROM claims WHERE name = +?1 AND ticket = ?2'
/** The largest token that may be handed out without another synced commit. */
export const readBound: string = 'SELECT bound FROM tokens WHERE one = 1'
/** Moves the bound on by a range of tokens, unless another process did. */
export const raiseBound: string = 'UPDATE tokens SET bound = ?1 + ?2 WHERE one = 1 AND bound < ?1'
/**
 * Moves the counter to the bound. When no session is alive, all tickets that were given out as tokens are at or below
 * it.
 */
export const skipToBound: string = `
  UPDATE claims SET permits = max(permits, (SELECT bound FROM tokens)) WHERE name = '' AND ticket = 0
  RETURNING permits`

/** Stores the checkpoint of a name for a claim that holds. No row if it does not. */
export const writeCheckpoint: string = `
  INSERT INTO checkpoints (name, text) SELECT ?1, ?2 FROM claims
  WHERE name = +?1 AND ticket = ?3 AND session = ?4
    AND ${holds}
  ON CONFLICT (name) DO UPDATE SET text = excluded.text
  RETURNING 1`
/** The checkpoint of a name, in hexadecimal digits: libsql reads a text only up to its first NUL. */
export const readCheckpoint: string = 'SELECT hex(text) AS digits FROM checkpoints WHERE name = +?1'
/** The checkpoints of all names that begin so. */
export const checkpoints: string =
  'SELECT name, hex(text) AS digits FROM checkpoints WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1'

/** A number that changes when another connection has changed the database. */
export const version: string = 'PRAGMA data_version'
