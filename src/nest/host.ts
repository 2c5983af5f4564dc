// Runs the decorated methods of one Nest application. Owns the choice of the cron job or election for each method, the
// checks at the start of the application, and the order in which everything ends.
import {
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common'
import { type DiscoveryService, MetadataScanner } from '@nestjs/core'
import type { CronGuard } from '../api/cron.ts'
import type { Leasehold } from '../api/leasehold.ts'
import { messageLine, quoted } from '../base/printable.ts'
import { checkName, checkOptions, leadOptions } from '../core/arguments.ts'
import {
  hostSlot,
  type LeaderMark,
  leaderKey,
  type Method,
  type MethodHost,
  nameKind,
  type TickMark,
  tickKey,
} from './marks.ts'
import { jobOf, refuseScheduled } from './schedule-metadata.ts'

/** A provider or controller, as Nest shows it. */
type Provider = ReturnType<DiscoveryService['getProviders']>[number]

/** The method that has a name. */
interface Named {
  readonly method: Method
  /** Its class, if it runs once per tick, or its instance, if it is the work of a leader. */
  readonly of: unknown
}

/** A method that runs while this process leads the election of that name. */
interface Candidacy {
  readonly name: string
  readonly instance: Record<string | symbol, Method>
  readonly mark: LeaderMark
}

/** The decorated methods of one application, and the client that guards them. */
export class Host
  implements MethodHost, OnModuleInit, OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown
{
  readonly #client: Leasehold
  readonly #discovery: DiscoveryService
  readonly #logger = new Logger('Leasehold')
  readonly #stop = new AbortController()
  readonly #working = new Set<Promise<unknown>>()
  readonly #names = new Map<string, Named>()
  readonly #guards = new Map<string, CronGuard>()
  readonly #candidacies: Candidacy[] = []

  constructor(client: Leasehold, discovery: DiscoveryService) {
    this.#client = client
    this.#discovery = discovery
  }

  /** Finds all decorated methods. Throws if one of them cannot work, before any of them has run. */
  async onModuleInit(): Promise<void> {
    try {
      const all = [...this.#discovery.getControllers(), ...this.#discovery.getProviders()]
      for (const provider of all) this.#explore(provider)
    } catch (error) {
      await this.#client.close() // the application does not start, and nothing else closes it
      throw error
    }
  }

  /** Stands for all elections. */
  onApplicationBootstrap(): void {
    for (const each of this.#candidacies) this.#track(this.#lead(each))
  }

  /** Asks everything that runs to stop, and waits for it. The things that it needs are closed in later hooks. */
  async onModuleDestroy(): Promise<void> {
    this.#stop.abort(new DOMException('the application closes', 'AbortError'))
    await Promise.allSettled(this.#working)
  }

  /** Closes the client in the last hook, so that other providers can use it in the earlier ones. */
  onApplicationShutdown(): Promise<void> {
    return this.#client.close()
  }

  async once(instance: object, mark: TickMark): Promise<unknown> {
    const { signal } = this.#stop
    if (signal.aborted) return undefined
    const { waitMs, graceMs, giveUpMs, onError = this.#warn } = mark.options
    const job: Parameters<CronGuard['run']>[0] = (hold, tick) => mark.method.call(instance, hold, tick)
    const options = { waitMs, graceMs, giveUpMs, onError, signal }
    try {
      const result = await this.#track(this.#guardOf(instance, mark).run(job, options))
      return result.ran ? result.value : undefined
    } catch (error) {
      if (error === signal.reason) return undefined // the job has not begun
      throw error
    }
  }

  #explore(provider: Provider): void {
    const { instance } = provider
    if (typeof instance !== 'object' || instance === null || !Object.getPrototypeOf(instance)) return
    for (const key of new MetadataScanner().getAllMethodNames(Object.getPrototypeOf(instance))) {
      const method: Method = instance[key]
      const tick: TickMark | undefined = Reflect.getMetadata(tickKey, method)
      const leader: LeaderMark | undefined = Reflect.getMetadata(leaderKey, method)
      if (tick || leader) instance[hostSlot] ??= this // if a factory made it, Nest has not injected it
      if (tick) this.#guardOf(instance, tick)
      if (leader) this.#admit(provider, leader)
    }
  }

  #guardOf(instance: object, mark: TickMark): CronGuard {
    const { name, ...options } = jobOf(instance, mark)
    const known = this.#guards.get(name)
    this.#take(name, { method: mark.method, of: instance.constructor })
    const guard = known ?? this.#client.cron(name, options)
    this.#guards.set(name, guard)
    return guard
  }

  #admit(provider: Provider, mark: LeaderMark): void {
    const { instance } = provider
    const where = `${instance.constructor.name}.${String(mark.key)}`
    const { name = where } = mark.options
    const method = instance[mark.key] as Method
    refuseScheduled(method, where)
    if (!provider.isDependencyTreeStatic())
      throw new TypeError(
        `@LeaderOnly(): ${where} belongs to a provider with request scope, its own or that of a dependency; use the default scope`,
      )
    const { signal: _, ...table } = leadOptions(this.#client.facts, this.#client.ttlMs)
    checkOptions(mark.options, { name: nameKind, ...table })
    checkName(name)
    if (this.#candidacies.some((other) => other.instance === instance && other.name === name)) return // an alias
    this.#take(name, { method, of: instance })
    this.#candidacies.push({ name, instance, mark })
  }

  /** Takes a name for a method. Throws if another one has it: each lock serves one purpose. */
  #take(name: string, named: Named): void {
    const { method, of } = this.#names.get(name) ?? named
    this.#names.set(name, named)
    if (method === named.method && of === named.of) return
    throw new TypeError(`name: ${quoted(name)} belongs to two decorated methods; give each a name of its own`)
  }

  async #lead({ name, instance, mark }: Candidacy): Promise<void> {
    const { name: _, onError = this.#warn, ...options } = mark.options
    const work = (term: unknown): unknown => instance[mark.key]?.(term)
    try {
      const { signal } = this.#stop
      await this.#client.election(name).lead(work, { ...options, onError, signal })
    } catch (error) {
      this.#logger.error(
        `this process stands for the election ${quoted(name)} no longer: ${messageOf(error)}`,
      )
    }
  }

  readonly #warn = (error: unknown): void => this.#logger.warn(messageOf(error))

  #track<T>(working: Promise<T>): Promise<T> {
    const settled = working.catch(() => {}).finally(() => this.#working.delete(settled))
    this.#working.add(settled)
    return working
  }
}

function messageOf(error: unknown): string {
  return messageLine(String(error))
}
