// What an operator sees of Consul, and does to it: the claims on one name or on many, and the end of a hold. Owns which of a
// datacenter's keys are claims, since others keep their data there.

import { UnavailableError } from '../../base/errors.ts'
import type { NameState, Standing } from '../../contract.ts'
import { without } from './holders.ts'
import { type Layout, lockFlags, type NameKeys, parseTicket, semaphoreFlags } from './layout.ts'
import {
  parseSlots,
  readContenders,
  readLimit,
  readLock,
  readStandings,
  readTickets,
  tokenOf,
} from './line.ts'
import type { Entry, Operation, Transport } from './wire/transport.ts'

const triesMax = 8

/** The names of one datacenter, as an operator sees them. */
export class Operator {
  readonly #transport: Transport
  readonly #layout: Layout

  constructor(transport: Transport, layout: Layout) {
    this.#transport = transport
    this.#layout = layout
  }

  async line(name: string, signal: AbortSignal): Promise<Standing[]> {
    const keys = this.#layout.keys(name)
    return readStandings(keys, (await this.#transport.read({ prefix: keys.folder }, signal)).entries)
  }

  /** One read of all that lies under the prefix. */
  async survey(prefix: string, signal: AbortSignal): Promise<NameState[]> {
    const { entries } = await this.#transport.read({ prefix: this.#layout.within(prefix) }, signal)
    return [...this.#byName(entries)]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, its]) => {
        const keys = this.#layout.keys(name)
        return { name, permits: readLimit(keys, its), claims: readStandings(keys, its) }
      })
      .filter(({ claims }) => claims.length > 0)
      .sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  /** One transaction takes the keys away by which the claim holds, if they are as they were read. */
  async break(name: string, token: bigint, signal: AbortSignal, tries: number = triesMax): Promise<boolean> {
    const keys = this.#layout.keys(name)
    const { entries } = await this.#transport.read({ prefix: keys.folder }, signal)
    const operations = ofMutex(keys, entries, token) ?? ofSemaphore(keys, entries, token)
    if (!operations) return false
    if ((await this.#transport.txn(operations, signal, 'gives back')).applied) return true
    if (tries === 1) throw new UnavailableError('the lock changed too fast to break it; ask again')
    return this.break(name, token, signal, tries - 1)
  }

  #byName(entries: readonly Entry[]): Map<string, Entry[]> {
    const names = new Map<string, Entry[]>()
    for (const entry of entries) {
      const name = this.#layout.nameOf(entry.key)
      if (name === undefined || !isOfClaim(this.#layout.keys(name), entry)) continue
      const others = names.get(name)
      if (others) others.push(entry)
      else names.set(name, [entry])
    }
    return names
  }
}

/** Whether a key is one of those that tell of claims: ours, those of `consul lock` and of Go. */
function isOfClaim(keys: NameKeys, { key, flags, session }: Entry): boolean {
  if (key === keys.lock) return flags === lockFlags || flags === semaphoreFlags
  if (parseTicket(keys, key)) return session !== undefined
  return flags === semaphoreFlags && session !== undefined && key === `${keys.folder}${session}`
}

/** What takes a mutex away: its key, and the place in line that its holder keeps, so that the next one is woken. */
function ofMutex(keys: NameKeys, entries: readonly Entry[], token: bigint): Operation[] | undefined {
  const lock = readLock(keys, entries)
  if (lock?.flags !== lockFlags || !lock.session || tokenOf(lock) !== token) return undefined
  const own = readTickets(keys, entries).filter(
    ({ session, created }) => session === lock.session && created < lock.createIndex,
  )
  return [
    { verb: 'check-index', key: lock.key, index: lock.modifyIndex },
    ...[lock, ...own].map(({ key }): Operation => ({ verb: 'delete', key })),
  ]
}

/** What takes a permit away: its holder is taken off the list, and its own key deleted. */
function ofSemaphore(keys: NameKeys, entries: readonly Entry[], token: bigint): Operation[] | undefined {
  const lock = readLock(keys, entries)
  const slots = lock?.flags === semaphoreFlags ? parseSlots(lock) : undefined
  const own = readContenders(keys, entries).find((entry) => tokenOf(entry) === token)
  if (!lock || !own?.session || !slots?.holders.includes(own.session)) return undefined
  return [
    { verb: 'check-index', key: own.key, index: own.modifyIndex },
    { verb: 'check-index', key: lock.key, index: lock.modifyIndex },
    without(lock.key, { ...slots, index: lock.modifyIndex }, own.session),
    { verb: 'delete', key: own.key },
  ]
}
