// The entry `leasehold/nest`: a module, an injection token and decorators for NestJS. Its packages are optional peers, and
// are loaded only by this entry.

export { Leasehold } from '../api/leasehold.ts'
export { LeaderOnly, OncePerTick, type TermDecorator, type TickDecorator } from './decorators.ts'
export { LeaseholdModule, type LeaseholdModuleAsyncOptions, type LeaseholdModuleOptions } from './module.ts'
export type { LeaderOnlyOptions, OncePerTickOptions } from './options.ts'
