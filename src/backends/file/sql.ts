// The statements of store.ts. A statement that writes runs between BEGIN IMMEDIATE and COMMIT; a read alone is a
// transaction of its own. Every lock and every release costs one statement.

/**
 * Puts a claim in line and counts the claims before it. No row if its session is gone, if it stands already, if the
 * name has other permits, or if it would have to wait and has no `wait`.
 */
export const join = `
  INSERT INTO claims (name, ticket, session, id, permits, value)
  SELECT ?1, permits + 1, ?2, ?3, ?4, ?5 FROM claims AS counter
  WHERE counter.name = '' AND counter.ticket = 0
    AND EXISTS (SELECT 1 FROM sessions WHERE id = ?2)
    AND NOT EXISTS (SELECT 1 FROM claims WHERE name = ?1 AND (permits <> ?4 OR (session = ?2 AND id = ?3)))
    AND (?6 OR (SELECT count(*) FROM claims WHERE name = ?1) < ?4)
  RETURNING ticket,
    (SELECT count(*) FROM claims AS other WHERE other.name = ?1 AND other.ticket < claims.ticket) AS before`

/** How many claims stand before this one. No row if it no longer stands. */
export const place = `
  SELECT (SELECT count(*) FROM claims WHERE name = ?1 AND ticket < ?2) AS before
  FROM claims WHERE name = ?1 AND ticket = ?2 AND session = ?3`

/** The reason why a claim did not join. */
export const obstacle = `
  SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?2) AS stands,
    (SELECT ticket FROM claims WHERE name = ?1 AND session = ?2 AND id = ?3) AS own,
    (SELECT permits FROM claims WHERE name = ?1 ORDER BY ticket LIMIT 1) AS permits,
    (SELECT count(*) FROM claims WHERE name = ?1) AS before,
    (SELECT permits FROM claims WHERE name = '' AND ticket = 0) AS counter`

/** Removes a claim. `next` is the session of the claim that is admitted instead, if there is one. */
export const leave = `
  DELETE FROM claims WHERE name = ?1 AND ticket BETWEEN ?2 AND ?3 AND session = ?4 AND id = ?5
  RETURNING (
    SELECT other.session FROM claims AS other WHERE other.name = ?1 AND other.ticket <> claims.ticket
    ORDER BY other.ticket LIMIT 1 OFFSET ?6
  ) AS next`

/**
 * The sessions of the claims before a ticket, in order. Time to live and renewals are null if there is no such session.
 */
export const sessionsAhead = `
  SELECT claims.session AS id, ttl, renewals FROM claims LEFT JOIN sessions ON sessions.id = claims.session
  WHERE name = ?1 AND ticket < ?2 ORDER BY ticket`

/**
 * The claims on a name, in order. Values are in hexadecimal digits, as in every statement that reads them: see
 * `readCheckpoint`.
 */
export const line =
  'SELECT session, id, hex(value) AS value, permits, ticket FROM claims WHERE name = ?1 ORDER BY ticket'
/** `name > ''` leaves out the counter. No lock has a name of more than 512 bytes. */
export const survey = `
  SELECT name, session, id, hex(value) AS value, permits, ticket FROM claims
  WHERE name > '' AND length(CAST(name AS BLOB)) <= 512 AND name >= ?1 AND substr(name, 1, length(?1)) = ?1 ORDER BY name, ticket`
/** Removes the claim that holds with this ticket. No row if none does. */
export const breakHold = `
  DELETE FROM claims WHERE name = ?1 AND ticket = ?2
    AND (SELECT count(*) FROM claims AS other WHERE other.name = ?1 AND other.ticket < ?2) < permits
  RETURNING session, permits`

/** The first claim on a name. */
export const leader =
  'SELECT session, hex(value) AS value, ticket FROM claims WHERE name = ?1 ORDER BY ticket LIMIT 1'
/** Replaces the value of a claim that holds. No row if it does not. */
export const proclaim = `
  UPDATE claims SET value = ?2 WHERE name = ?1 AND ticket = ?3 AND session = ?4
    AND (SELECT count(*) FROM claims WHERE name = ?1 AND ticket < ?3) < ?5
  RETURNING 1`

/** All sessions. */
export const sessions = 'SELECT id, ttl, renewals FROM sessions'
/** Adds a session that was never renewed. */
export const addSession = 'INSERT INTO sessions VALUES (?1, ?2, 0)'
/** Counts a renewal. No row if the session is gone. */
export const renew = 'UPDATE sessions SET renewals = renewals + 1 WHERE id = ?1 RETURNING 1'
/** Removes a session. If the second argument is not -1, only if the session was renewed exactly so often. */
export const removeSession = 'DELETE FROM sessions WHERE id = ?1 AND (?2 = -1 OR renewals = ?2) RETURNING 1'
/** Removes all claims of a session. */
export const removeClaims = 'DELETE FROM claims WHERE session = ?1 RETURNING name, permits'
/** The session of the last claim that a number of permits admits. */
export const lastAdmitted = 'SELECT session FROM claims WHERE name = ?1 ORDER BY ticket LIMIT 1 OFFSET ?2 - 1'

/** The ticket of the last claim that joined. */
export const readCounter = "SELECT permits FROM claims WHERE name = '' AND ticket = 0"
/** Moves the counter on. */
export const raiseCounter = "UPDATE claims SET permits = max(permits, ?1) WHERE name = '' AND ticket = 0"
/** Removes one claim. */
export const removeClaim = 'DELETE FROM claims WHERE name = ?1 AND ticket = ?2'
/** The largest token that may be handed out without another synced commit. */
export const readBound = 'SELECT bound FROM tokens WHERE one = 1'
/** Moves the bound on by a range of tokens, unless another process did. */
export const raiseBound = 'UPDATE tokens SET bound = ?1 + ?2 WHERE one = 1 AND bound < ?1'
/**
 * Moves the counter to the bound. When no session is alive, all tickets that were given out as tokens are at or below
 * it.
 */
export const skipToBound = `
  UPDATE claims SET permits = max(permits, (SELECT bound FROM tokens)) WHERE name = '' AND ticket = 0
  RETURNING permits`

/** Stores the checkpoint of a name for a claim that holds. No row if it does not. */
export const writeCheckpoint = `
  INSERT INTO checkpoints (name, text) SELECT ?1, ?2 FROM claims
  WHERE name = ?1 AND ticket = ?3 AND session = ?4
    AND (SELECT count(*) FROM claims WHERE name = ?1 AND ticket < ?3) < ?5
  ON CONFLICT (name) DO UPDATE SET text = excluded.text
  RETURNING 1`
/** The checkpoint of a name, in hexadecimal digits: libsql reads a text only up to its first NUL. */
export const readCheckpoint = 'SELECT hex(text) AS digits FROM checkpoints WHERE name = ?1'
/** The checkpoints of all names that begin so. */
export const checkpoints =
  'SELECT name, hex(text) AS digits FROM checkpoints WHERE name >= ?1 AND substr(name, 1, length(?1)) = ?1'

/** A number that changes when another connection has changed the database. */
export const version = 'PRAGMA data_version'
