// The statements of store.ts. A statement outside of BEGIN is a transaction of its own, and the leanest
// there is: what every lock and release costs is therefore one statement each.

export const join = `
  INSERT INTO claims (name, ticket, session, id, permits, value)
  SELECT ?1, permits + 1, ?2, ?3, ?4, ?5 FROM claims AS counter
  WHERE counter.name = '' AND counter.ticket = 0
    AND EXISTS (SELECT 1 FROM sessions WHERE id = ?2)
    AND NOT EXISTS (SELECT 1 FROM claims WHERE name = ?1 AND (permits <> ?4 OR (session = ?2 AND id = ?3)))
    AND (?6 OR (SELECT count(*) FROM claims WHERE name = ?1) < ?4)
  RETURNING ticket,
    (SELECT count(*) FROM claims AS other WHERE other.name = ?1 AND other.ticket < claims.ticket) AS before`

export const place = `
  SELECT (SELECT count(*) FROM claims WHERE name = ?1 AND ticket < ?2) AS before
  FROM claims WHERE name = ?1 AND ticket = ?2 AND session = ?3`

export const obstacle = `
  SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?2) AS stands,
    (SELECT ticket FROM claims WHERE name = ?1 AND session = ?2 AND id = ?3) AS own,
    (SELECT permits FROM claims WHERE name = ?1 ORDER BY ticket LIMIT 1) AS permits,
    (SELECT count(*) FROM claims WHERE name = ?1) AS before`

export const leave = `
  DELETE FROM claims WHERE name = ?1 AND ticket BETWEEN ?2 AND ?3 AND session = ?4 AND id = ?5
  RETURNING (
    SELECT other.session FROM claims AS other WHERE other.name = ?1 AND other.ticket <> claims.ticket
    ORDER BY other.ticket LIMIT 1 OFFSET ?6
  ) AS next`

export const sessionsAhead = `
  SELECT sessions.id AS id, ttl, renewals FROM claims JOIN sessions ON sessions.id = claims.session
  WHERE name = ?1 AND ticket < ?2 ORDER BY ticket`

export const line = 'SELECT session, value, permits, ticket FROM claims WHERE name = ?1 ORDER BY ticket'
/** `name > ''` leaves out the counter. */
export const survey = `
  SELECT name, session, value, permits, ticket FROM claims
  WHERE name > '' AND name >= ?1 AND substr(name, 1, length(?1)) = ?1 ORDER BY name, ticket`
export const breakHold = `
  DELETE FROM claims WHERE name = ?1 AND ticket = ?2
    AND (SELECT count(*) FROM claims AS other WHERE other.name = ?1 AND other.ticket < ?2) < permits
  RETURNING session, permits`

export const leader = 'SELECT session, value, ticket FROM claims WHERE name = ?1 ORDER BY ticket LIMIT 1'
export const proclaim = `
  UPDATE claims SET value = ?2 WHERE name = ?1 AND ticket = ?3 AND session = ?4
    AND (SELECT count(*) FROM claims WHERE name = ?1 AND ticket < ?3) < ?5
  RETURNING 1`

export const sessions = 'SELECT id, ttl, renewals FROM sessions'
export const addSession = 'INSERT INTO sessions VALUES (?1, ?2, 0)'
export const renew = 'UPDATE sessions SET renewals = renewals + 1 WHERE id = ?1 RETURNING 1'
export const removeSession = 'DELETE FROM sessions WHERE id = ?1 AND (?2 = -1 OR renewals = ?2) RETURNING 1'
export const removeClaims = 'DELETE FROM claims WHERE session = ?1 RETURNING name, permits'
export const lastAdmitted = 'SELECT session FROM claims WHERE name = ?1 ORDER BY ticket LIMIT 1 OFFSET ?2 - 1'

export const readBound = 'SELECT bound FROM tokens WHERE one = 1'
export const raiseBound = 'UPDATE tokens SET bound = ?1 + ?2 WHERE one = 1 AND bound < ?1'
/** No ticket is above `bound` once nobody is alive, but for those that were never given out as tokens. */
export const skipToBound = `
  UPDATE claims SET permits = max(permits, (SELECT bound FROM tokens)) WHERE name = '' AND ticket = 0
  RETURNING permits`

export const writeCheckpoint = `
  INSERT INTO checkpoints (name, text) SELECT ?1, ?2 FROM claims
  WHERE name = ?1 AND ticket = ?3 AND session = ?4
    AND (SELECT count(*) FROM claims WHERE name = ?1 AND ticket < ?3) < ?5
  ON CONFLICT (name) DO UPDATE SET text = excluded.text
  RETURNING 1`
/** In hexadecimal digits: libsql reads a text only up to its first NUL. */
export const readCheckpoint = 'SELECT hex(text) AS digits FROM checkpoints WHERE name = ?1'

export const version = 'PRAGMA data_version'
