// The environment of a command: all variables of leasehold (unchanged if they are UTF-8) and the variables about the
// hold. Owns their names, and the list of holds by which a leasehold below a command knows that it is nested.
import { hostname } from 'node:os'
import type { Hold } from '../../api/hold.ts'
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

/** The hold that a command is started for. */
export interface Occasion {
  readonly client: Leasehold
  readonly hold: Pick<Hold, 'name' | 'token'>
  readonly env?: Readonly<Record<string, string>>
  readonly stripEnv?: readonly string[] | undefined
}

/** The whole environment for the command. */
export function commandEnv({ client, hold, env, stripEnv = [] }: Occasion): Record<string, string> {
  const own = {
    url: client.url,
    name: hold.name,
    token: String(hold.token),
    host: hostname(),
    pid: process.pid,
  }
  const stripped = new Set(stripEnv)
  const kept = Object.entries(process.env).filter(([name]) => !stripped.has(name))
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    ...env,
    LEASEHOLD_NAME: hold.name,
    LEASEHOLD_TOKEN: own.token,
    LEASEHOLD_URL: client.url,
    [holdsName]: JSON.stringify([...outerHolds(), own]),
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
