// The module for Nest: makes the client, and offers it to the whole application. Owns how its options arrive; host.ts runs
// the decorated methods.
import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
  Optional,
  type Provider,
} from '@nestjs/common'
import { DiscoveryModule, DiscoveryService } from '@nestjs/core'
import { type ConnectOptions, Leasehold } from '../api/leasehold.ts'
import { checkOptions, type Kind, type Table } from '../base/options.ts'
import { connect } from '../connect.ts'
import type { BackendSource } from '../contract.ts'
import { connectOptions } from '../core/arguments.ts'
import { Host } from './host.ts'
import { hostToken } from './marks.ts'

/** How the module connects. */
export interface LeaseholdModuleOptions extends ConnectOptions {
  /**
   * The store, as for `connect`: a URL, or the result of `leasehold/etcd` and the others. By default `LEASEHOLD_URL`, and
   * without that `file:`, which serves one machine.
   */
  readonly target?: string | BackendSource | undefined
}

/** How the module gets its options from other providers. */
export interface LeaseholdModuleAsyncOptions {
  /** Modules with the providers that `inject` names. */
  readonly imports?: ModuleMetadata['imports']
  /** The arguments of `useFactory`. */
  readonly inject?: FactoryProvider['inject']
  /** Returns the options, or a promise for them. It gets the providers of `inject`. */
  // biome-ignore lint/suspicious/noExplicitAny: the types of what is injected are known only to the caller
  readonly useFactory: (...args: any[]) => LeaseholdModuleOptions | Promise<LeaseholdModuleOptions>
}

const optionsToken = Symbol('the options of LeaseholdModule')
/** `connect` judges the target itself. */
const target: Kind = { takes: 'a URL', judge: () => 'fits', alsoCalled: ['url', 'uri', 'store', 'endpoints'] }
const moduleOptions: Table = { target, ...connectOptions }

/**
 * Gives a Nest application one client of Leasehold: import `forRoot` or `forRootAsync` once, in the module of the
 * application. Then every provider can inject `Leasehold`, and use `@OncePerTick()` and `@LeaderOnly()`. When the application
 * closes, work under a hold is asked to stop and awaited in `onModuleDestroy`, and the client is closed in
 * `onApplicationShutdown`.
 */
export class LeaseholdModule {
  /** Nest makes it. Throws TypeError if the class itself was imported. */
  constructor(options: LeaseholdModuleOptions | undefined) {
    if (options === undefined)
      throw new TypeError('LeaseholdModule: import LeaseholdModule.forRoot(), not the class itself')
  }

  /**
   * The module with these options. The start of the application rejects as `connect`. Throws TypeError or RangeError for a
   * bad option.
   */
  static forRoot(options: LeaseholdModuleOptions = {}): DynamicModule {
    checkOptions(options, moduleOptions)
    return dynamic({ provide: optionsToken, useValue: options })
  }

  /** The module with options that a function returns, which gets other providers, such as a ConfigService. */
  static forRootAsync(options: LeaseholdModuleAsyncOptions): DynamicModule {
    const { imports = [], inject = [], useFactory } = options
    return dynamic({ provide: optionsToken, inject, useFactory }, imports)
  }
}

// These are functions here, since Node can run this source as it is, and knows no decorators.
Module({})(LeaseholdModule)
Inject(optionsToken)(LeaseholdModule, undefined, 0)
Optional()(LeaseholdModule, undefined as never, 0)

function dynamic(options: Provider, imports: NonNullable<ModuleMetadata['imports']> = []): DynamicModule {
  const client: Provider = { provide: Leasehold, inject: [optionsToken], useFactory: open }
  const host: Provider = {
    provide: hostToken,
    inject: [Leasehold, DiscoveryService],
    useFactory: (leasehold: Leasehold, discovery: DiscoveryService) => new Host(leasehold, discovery),
  }
  return {
    module: LeaseholdModule,
    global: true,
    imports: [DiscoveryModule, ...imports],
    providers: [options, client, host],
    exports: [Leasehold, hostToken],
  }
}

function open(options: LeaseholdModuleOptions): Promise<Leasehold> {
  checkOptions(options, moduleOptions)
  const { target, ...others } = options
  return connect(target, others)
}
