// Decides which HTTP requests may see the page of `leasehold ui`, and which may change something. Owns the token and the
// cookie, and the checks against other websites in the same browser.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { Clock } from '../../base/clock.ts'

/** A token of 189 random bits, for a URL. */
export function newToken(clock: Clock): string {
  return [clock.id(), clock.id(), clock.id()].map((id) => id.toString(36)).join('')
}

/** The reason for which a request is refused: a status of HTTP, and what its sender can do. */
export interface Refusal {
  readonly status: 401 | 403
  readonly message: string
}

/** The checks of one server. */
export class Access {
  readonly #token: string
  readonly #host: string
  #cookie = 'leasehold-ui'

  /** `host` is the address that the server listens on, as its user named it. */
  constructor(token: string, host: string) {
    this.#token = token
    this.#host = host
  }

  /** The servers of one machine share their cookies, so the name of the cookie has the port. */
  listensOn(port: number): void {
    this.#cookie = `leasehold-ui-${port}`
  }

  /** The header that stores the token in the browser: no script can read it, and no other website sends it. */
  get setCookie(): string {
    return `${this.#cookie}=${this.#token}; Path=/; HttpOnly; SameSite=Strict`
  }

  /** Why the request may not see anything. Undefined if it may. Only the page itself takes the token of the URL. */
  refusal(request: IncomingMessage, { takesUrl }: { readonly takesUrl: boolean }): Refusal | undefined {
    if (!this.#isOwnHost(request.headers.host))
      return {
        status: 403,
        message: 'This server does not have that name: use its address, localhost, or the value of --host.',
      }
    const offered = [bearerOf(request), this.#cookieOf(request), takesUrl ? tokenInUrl(request) : undefined]
    if (offered.some((token) => token !== undefined && this.#isToken(token))) return undefined
    return { status: 401, message: 'The token is missing or wrong: open the URL that leasehold ui printed.' }
  }

  /** Whether the token in the URL is right. The browser gets the cookie then. */
  hasTokenInUrl(request: IncomingMessage): boolean {
    const token = tokenInUrl(request)
    return token !== undefined && this.#isToken(token)
  }

  /** Why the request may not change anything. A browser says where the request comes from, and that must be this page. */
  writeRefusal(request: IncomingMessage): Refusal | undefined {
    const { origin, host } = request.headers
    const own = origin === undefined ? bearerOf(request) !== undefined : originHost(origin) === host
    return own ? undefined : { status: 403, message: 'Only the page of this server may change something.' }
  }

  /**
   * Whether the browser reached this server by a name that no other website can have. A website may point its own name
   * to this address (DNS rebinding), but it cannot have the name localhost, an address, or the name of this machine.
   */
  #isOwnHost(header: string | undefined): boolean {
    const name = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(header ?? '')?.[1]?.toLowerCase() ?? ''
    const known = ['localhost', hostname().toLowerCase(), this.#host.toLowerCase()]
    return name !== '' && (isIP(name.replace(/^\[|\]$/g, '')) !== 0 || known.includes(name))
  }

  #cookieOf({ headers }: IncomingMessage): string | undefined {
    const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim())
    return pairs.find((pair) => pair.startsWith(`${this.#cookie}=`))?.slice(this.#cookie.length + 1)
  }

  /** Takes the same time for every wrong token. */
  #isToken(offered: string): boolean {
    return timingSafeEqual(digest(offered), digest(this.#token))
  }
}

function bearerOf({ headers }: IncomingMessage): string | undefined {
  return /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}

function tokenInUrl({ url = '' }: IncomingMessage): string | undefined {
  const query = url.includes('?') ? url.slice(url.indexOf('?')) : ''
  return new URLSearchParams(query).get('token') ?? undefined
}

/** A proxy may add TLS, so the scheme does not count. */
function originHost(origin: string): string | undefined {
  return /^https?:\/\/([^/]+)$/.exec(origin)?.[1]
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
