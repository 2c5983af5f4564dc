// The jobs of the application: one that runs once per tick over all hosts, one of the leader, and one under a lock.
import { setTimeout } from 'node:timers/promises'
import { Injectable, Logger } from '@nestjs/common'
import { Cron } from '@nestjs/schedule'
import { type Hold, Leasehold, type LedTerm } from 'leasehold' // a bundler or linter must keep this import of a class
import { LeaderOnly, OncePerTick } from 'leasehold/nest'

@Injectable()
export class Reports {
  readonly #log = new Logger(Reports.name)

  constructor(private readonly leasehold: Leasehold) {}

  /** Each second, on one of all hosts. */
  @Cron('* * * * * *', { timeZone: 'UTC' })
  @OncePerTick()
  async report(hold: Hold, tick: Date): Promise<void> {
    await fetch('data:,', { signal: hold.signal }) // the work; it stops when the lock is lost
    this.#log.log(`tick ${tick.toISOString()}, fenced by token ${hold.token}`)
  }

  /** On one host, for as long as it leads. When that host dies, another one begins. */
  @LeaderOnly()
  async sync(term: LedTerm): Promise<void> {
    this.#log.log(`leads, term ${term.token}`)
    while (!term.signal.aborted) {
      term.assertHeld(200)
      await setTimeout(200, undefined, { signal: term.signal }).catch(() => {})
    }
    this.#log.log('leads no longer')
  }

  /** What a controller calls: one request at a time over all hosts. */
  async rebuild(): Promise<bigint> {
    return this.leasehold.mutex('rebuild').run(async (hold) => hold.token, { waitMs: 10_000 })
  }
}
