// The servers that a client may ask, and the connections to them. Owns the token that a server is shown; http.ts sends
// requests, client.ts chooses the server.
import type { Clock } from '../../../base/clock.ts'
import { HttpConnection } from './http.ts'
import { type Connection, type Shown, shownTo } from './requests.ts'
import type { Access } from './transport.ts'

/** One server of the cluster, or a client that its owner made and closes. */
export interface Server {
  readonly address: string
  /** Makes a new connection, at the start and after every failure. */
  connect(clock: Clock): Connection
  /** Reads the token again where it is in a file. Returns false if the token is still the one of `used`. */
  hasNewToken?(used: Shown): boolean
}

/** For how long an idle socket is used again, unless an option says otherwise. */
const usualIdleMs = 16_000

/** A server to connect to, at `host:port` or `unix:///path/of/a/socket`. */
export function server(address: string, access: Access): Server {
  const { tls, token, tokenAgain, idleMs = usualIdleMs } = access
  let shown = shownTo(access)
  let last = token
  return {
    address,
    connect: (clock) => new HttpConnection(address, { tls, idleMs, clock }, shown),
    hasNewToken(used) {
      const now = shown === used ? tokenAgain?.() : undefined
      if (now && now !== last) {
        last = now
        shown = shownTo({ ...access, token: now })
      }
      return shown !== used
    },
  }
}
