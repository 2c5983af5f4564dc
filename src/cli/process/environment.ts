// The environment of a command: all variables of leasehold (unchanged if they are UTF-8) and the variables about the
// hold. Owns their names, and the list of holds by which a leasehold below a command knows that it is nested.
import { hostname } from 'node:os'
import type { GroupHold, Hold } from '../../api/hold.ts'
import type { Leasehold } from '../../api/leasehold.ts'

const holdsName = 'LEASEHOLD_HOLDS'

/** A hold under which this process runs. The `leasehold` that has the hold wrote this. */
export interface OuterHold {
  readonly url: string
  readonly name: string
  readonly token: string
  readonly host: string
  readonly pid: number
}

/** The hold of a command: of one name with its token, or of several. */
export type JobHold = Pick<Hold, 'signal' | 'remainingMs' | 'assertHeld'> & Named

/** The names of a hold, with their tokens. */
type Named = Pick<Hold, 'name' | 'token'> | Pick<GroupHold, 'tokens'>

/** The hold that a command is started for. */
export interface Occasion {
  readonly client: Leasehold
  readonly hold: Named
  readonly env?: Readonly<Record<string, string>>
  readonly stripEnv?: readonly string[] | undefined
}

/**
 * The whole environment for the command. With several names there is no one name and token: then these variables are not
 * set, not even to those of a hold above.
 */
export function commandEnv({ client, hold, env, stripEnv = [] }: Occasion): Record<string, string> {
  const tokens = [...('tokens' in hold ? hold.tokens : [[hold.name, hold.token] as const])]
  const self = { host: hostname(), pid: process.pid }
  const own = tokens.map(([name, token]) => ({ url: client.url, name, token: String(token), ...self }))
  const stripped = new Set([...stripEnv, 'LEASEHOLD_NAME', 'LEASEHOLD_TOKEN'])
  const kept = Object.entries(process.env).filter(([name]) => !stripped.has(name))
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    ...env,
    ...('tokens' in hold ? {} : { LEASEHOLD_NAME: hold.name, LEASEHOLD_TOKEN: String(hold.token) }),
    LEASEHOLD_TOKENS: JSON.stringify(Object.fromEntries(own.map(({ name, token }) => [name, token]))),
    LEASEHOLD_URL: client.url,
    [holdsName]: JSON.stringify([...outerHolds(), ...own]),
  }
}

/**
 * The beginning of a variable that every process of this command has in its environment, and no process of another
 * command has.
 */
export function markOf(env: Readonly<Record<string, string>>): string {
  // A command below this one, run by another leasehold, has a longer list.
  return `${holdsName}=${env[holdsName]?.slice(0, -1)}`
}

/** The holds under which this process runs, outermost first, as the environment says. */
export function outerHolds(): OuterHold[] {
  try {
    const list: unknown = JSON.parse(process.env[holdsName] ?? '[]')
    return Array.isArray(list) ? list.filter(isHold) : []
  } catch {
    return [] // another program wrote it
  }
}

function isHold(entry: unknown): entry is OuterHold {
  const { url, name, token, host, pid } = (entry ?? {}) as Record<string, unknown>
  return [url, name, token, host].every((text) => typeof text === 'string') && typeof pid === 'number'
}
