// `leasehold/nest` in real Nest applications with the timers of @nestjs/schedule: each host is an application of its own,
// and all of them share one store.
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type LoggerService,
  Module,
  type OnApplicationShutdown,
  Scope,
  type Type,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Cron, CronExpression, Interval, ScheduleModule } from '@nestjs/schedule'
import { afterEach, describe, expect, test } from 'vitest'
import { Schedule } from '../../src/cron/schedule.ts'
import { connect, type Hold, type LedTerm } from '../../src/index.ts'
import { LeaderOnly, Leasehold, LeaseholdModule, OncePerTick } from '../../src/nest/index.ts'
import { FaultyStore } from '../core/faulty.ts'

type Application = Awaited<ReturnType<typeof NestFactory.createApplicationContext>>

const applications: Application[] = []
const logged: string[] = []
const note = (message: unknown): void => void logged.push(String(message))
const logger: LoggerService = { log: () => {}, warn: note, error: note, fatal: note }

afterEach(async () => {
  await Promise.all(applications.splice(0).map((application) => application.close()))
  logged.length = 0
})

/** Starts an application with these providers and modules. */
async function start(providers: unknown[], imports: unknown[]): Promise<Application> {
  class App {}
  Module({ imports: imports as Type[], providers: providers as Type[] })(App)
  const application = await NestFactory.createApplicationContext(App, { logger, abortOnError: false })
  applications.push(application)
  return application
}

/** Starts a host: an application with Nest's schedule, and a client of this store. */
function host(store: FaultyStore, ...providers: unknown[]): Promise<Application> {
  return start(providers, [ScheduleModule.forRoot(), LeaseholdModule.forRoot({ target: store.source })])
}

/** Closes an application, whose hooks would else run a second time after the test. */
async function close(application: Application): Promise<void> {
  applications.splice(applications.indexOf(application), 1)
  await application.close()
}

/** A promise, and the function that resolves it. */
function signpost(): { reached: Promise<void>; reach: () => void } {
  let reach = (): void => {}
  const reached = new Promise<void>((resolve) => (reach = resolve))
  return { reached, reach }
}

const until = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

describe('@OncePerTick()', () => {
  test('each tick of @Cron runs on exactly one of two hosts, under the lock', async () => {
    const store = new FaultyStore()
    const ran: number[] = []
    const held: boolean[] = []
    const [asked, enough] = [[0, 0], signpost()]
    const reports = (index: number): Type => {
      @Injectable()
      class Reports {
        @Cron('* * * * * *', { timeZone: 'UTC' })
        @OncePerTick()
        report(hold: Hold, tick: Date): void {
          held.push(hold.held)
          ran.push(tick.getTime())
        }

        @Cron('* * * * * *')
        count(): void {
          asked[index] = (asked[index] ?? 0) + 1
          if (Math.min(...asked) > 3) enough.reach()
        }
      }
      return Reports
    }
    await Promise.all([0, 1].map((index) => host(store, reports(index))))
    await enough.reached
    expect(new Set(ran).size).toBe(ran.length)
    expect(ran.length).toBeGreaterThanOrEqual(3)
    expect(ran.map((tick) => tick - (ran[0] ?? 0))).toEqual(ran.map((_, index) => index * 1_000))
    expect(new Set(held)).toEqual(new Set([true]))
    expect(logged).toEqual([])
  })

  test('it may stand above or below @Cron, and the name is that of @Cron, its own, or that of class and method', async () => {
    const store = new FaultyStore()
    @Injectable()
    class Jobs {
      @OncePerTick()
      @Cron('0 0 3 * * *', { name: 'above' })
      one(): string {
        return 'one'
      }

      @Cron('0 0 3 * * *', { name: 'timer' })
      @OncePerTick({ name: 'own' })
      two(): void {}

      @OncePerTick({ schedule: '* * * * *', timezone: 'UTC' })
      async three(_hold?: Hold, tick?: Date): Promise<string | undefined> {
        return tick?.toISOString()
      }
    }
    const application = await host(store, Jobs)
    const jobs = application.get(Jobs)
    expect(await jobs.three()).toMatch(/:00\.000Z$/)
    expect(await jobs.three()).toBe(undefined) // taken
    const names = (await application.get(Leasehold).cronJobs()).map(({ name }) => name)
    expect(names).toEqual(['Jobs.three'])
    for (const name of ['above', 'own'])
      expect(
        (await application.get(Leasehold).cron(name, { schedule: '0 0 3 * * *' }).preview()).tick,
      ).toBeTruthy()
  })

  test('the error of a method is logged, and the next tick runs', async () => {
    const store = new FaultyStore()
    const again = signpost()
    @Injectable()
    class Reports {
      runs = 0

      @Cron('* * * * * *')
      @OncePerTick()
      report(): void {
        this.runs += 1
        if (this.runs === 1) throw new Error('no disk')
        again.reach()
      }
    }
    await host(store, Reports)
    await again.reached
    expect(logged).toEqual(['Error: no disk'])
  })

  test('a store that refuses rejects the call, and nothing runs', async () => {
    const store = new FaultyStore()
    let runs = 0
    @Injectable()
    class Reports {
      @OncePerTick({ schedule: '* * * * *', timezone: 'UTC' })
      report(): void {
        runs += 1
      }
    }
    const reports = (await host(store, Reports)).get(Reports)
    store.faults.set('readCheckpoint', 'forbid')
    await expect(async () => reports.report()).rejects.toThrow('the store says no')
    expect(runs).toBe(0)
  })

  test('on an object that Nest did not make, the call says so', async () => {
    class Reports {
      @OncePerTick({ schedule: '@daily' })
      report(): void {}
    }
    expect(() => new Reports().report()).toThrow(
      '@OncePerTick(): report was called on an object without a client; let Nest make the object, in an application ' +
        "that imports LeaseholdModule.forRoot(), in a unit test with { target: 'memory:' }",
    )
  })

  test('every expression that Nest has a name for is a schedule', () => {
    const expressions = Object.values(CronExpression)
    expect(expressions.length).toBeGreaterThan(70)
    const now = Date.UTC(2026, 0)
    expect(expressions.filter((each) => (new Schedule(each, 'UTC').next(now) ?? 0) <= now)).toEqual([])
  })
})

describe('@LeaderOnly()', () => {
  /** A worker that works until it has to stop, and a record of that. */
  function worker(events: string[], index: number, led = signpost()): { Worker: Type; led: Promise<void> } {
    @Injectable()
    class Worker {
      @LeaderOnly({ name: 'worker' })
      async work({ signal, held }: LedTerm): Promise<void> {
        events.push(`${index} leads ${held}`)
        led.reach()
        await until(signal)
        await new Promise((resolve) => setTimeout(resolve, 50))
        events.push(`${index} stops`)
      }
    }
    return { Worker, led: led.reached }
  }

  test('the method runs on one of two hosts, and on the other one when that one closes, never on both', async () => {
    const store = new FaultyStore()
    const events: string[] = []
    const [first, second] = [worker(events, 1), worker(events, 2)]
    const one = await host(store, first.Worker)
    await first.led
    const two = await host(store, second.Worker)
    const line = await two.get<Leasehold>(Leasehold).line('worker')
    expect(line[0]?.held).toBe(true)
    expect(events).toEqual(['1 leads true'])
    await close(one)
    await second.led
    expect(events).toEqual(['1 leads true', '1 stops', '2 leads true'])
  })

  test('an election that this host may not stand in is an error in the log', async () => {
    const store = new FaultyStore()
    store.faults.set('attempt', 'forbid')
    const { Worker } = worker([], 1)
    await host(store, Worker)
    await expect
      .poll(() => logged)
      .toEqual([
        expect.stringMatching(/^this process stands for the election "worker" no longer: RefusedError: /),
      ])
  })
})

describe('app.close()', () => {
  test('stops work, then lets other providers end, then releases their holds and closes the client', async () => {
    const store = new FaultyStore()
    const events: string[] = []
    const [ticking, leading] = [signpost(), signpost()]
    @Injectable()
    class Jobs implements BeforeApplicationShutdown, OnApplicationShutdown {
      @Inject(Leasehold) readonly leasehold!: Leasehold

      @Cron('* * * * * *')
      @OncePerTick()
      async tick({ signal }: Hold): Promise<void> {
        ticking.reach()
        await until(signal)
        events.push(`tick stops: ${signal.reason.message}`)
      }

      @LeaderOnly()
      async lead({ signal }: LedTerm): Promise<void> {
        leading.reach()
        await until(signal)
        events.push(`leader stops: ${signal.reason.message}`)
      }

      async beforeApplicationShutdown(): Promise<void> {
        const lines = await Promise.all(
          ['Jobs.tick', 'Jobs.lead', 'own'].map((name) => this.leasehold.line(name)),
        )
        events.push(`still held: ${lines.map(({ length }) => length)}`)
      }

      onApplicationShutdown(): void {
        events.push('shut down')
      }
    }
    const application = await host(store, Jobs)
    const own = await application.get(Jobs).leasehold.mutex('own').acquire()
    await Promise.all([ticking.reached, leading.reached])
    expect(events).toEqual([])
    await close(application)
    expect(events.slice(0, 2).sort()).toEqual([
      'leader stops: the application closes',
      'tick stops: the application closes',
    ])
    expect(events.slice(2)).toEqual(['still held: 0,0,1', 'shut down'])
    expect(own.held).toBe(false)
    await using other = await connect(store.source)
    expect(await other.survey()).toEqual([])
    expect(logged).toEqual([])
  })

  test('a tick that comes while the application closes does not run', async () => {
    const store = new FaultyStore()
    let runs = 0
    @Injectable()
    class Reports implements BeforeApplicationShutdown {
      @OncePerTick({ schedule: '* * * * *', timezone: 'UTC' })
      report(): void {
        runs += 1
      }

      async beforeApplicationShutdown(): Promise<void> {
        expect(await this.report()).toBe(undefined)
      }
    }
    await close(await host(store, Reports))
    expect(runs).toBe(0)
  })

  test('a tick that waits for another host gives way when the application closes', async () => {
    const store = new FaultyStore()
    await using other = await connect(store.source)
    await other.mutex('Reports.report').acquire()
    @Injectable()
    class Reports {
      @OncePerTick({ schedule: '0 3 * * *', timezone: 'UTC', aheadMs: 86_400_000 })
      report(): string {
        return 'ran'
      }
    }
    const application = await host(store, Reports)
    const waiting = application.get(Reports).report()
    await expect.poll(() => other.line('Reports.report')).toHaveLength(2)
    await close(application)
    expect(await waiting).toBe(undefined)
  })
})

describe('LeaseholdModule', () => {
  test('forRootAsync gets its options from another provider', async () => {
    const store = new FaultyStore()
    class Config {
      readonly target = store.source
    }
    class ConfigModule {}
    Module({ providers: [Config], exports: [Config] })(ConfigModule)
    const module = LeaseholdModule.forRootAsync({
      imports: [ConfigModule],
      inject: [Config],
      useFactory: async ({ target }: Config) => ({ target, ttlMs: 5_000 }),
    })
    const leasehold = (await start([], [module])).get<Leasehold>(Leasehold)
    expect(leasehold).toBeInstanceOf(Leasehold)
    expect(leasehold.ttlMs).toBe(5_000)
  })

  test('without its options it says what to import', async () => {
    await expect(start([], [LeaseholdModule])).rejects.toThrow(
      'LeaseholdModule: import LeaseholdModule.forRoot(), not the class itself',
    )
  })

  test('a wrong option is refused, and the message names it', async () => {
    expect(() => LeaseholdModule.forRoot({ url: 'memory:' } as never)).toThrow(
      'url: is not an option; did you mean target (a URL)? The options are target, ttlMs, waitMs, signal, clock',
    )
    const useFactory = (): never => ({ ttl: 1 }) as never
    await expect(start([], [LeaseholdModule.forRootAsync({ useFactory })])).rejects.toThrow(
      'ttl: is not an option; did you mean ttlMs',
    )
  })

  test('the application does not start without the module, and the error names it', async () => {
    @Injectable()
    class Reports {
      @OncePerTick({ schedule: '@daily' })
      report(): void {}
    }
    @Injectable()
    class Worker {
      @LeaderOnly()
      work(): void {}
    }
    const named = /import LeaseholdModule\.forRoot\(\) of leasehold\/nest into the module of the application/
    await expect(start([Reports], [ScheduleModule.forRoot()])).rejects.toThrow(named)
    await expect(start([Worker], [ScheduleModule.forRoot()])).rejects.toThrow(named)
  })
})

describe('bad use ends the start of the application with an error that says what to do', () => {
  const refusals: [title: string, make: () => Type[], message: string][] = [
    [
      'no schedule',
      () => {
        class Reports {
          @OncePerTick()
          report(): void {}
        }
        return [Reports]
      },
      '@OncePerTick(): Reports.report has no schedule; add @Cron(…), or give it `schedule`',
    ],
    [
      'a bad schedule',
      () => {
        class Reports {
          @OncePerTick({ schedule: '61 * * * *' })
          report(): void {}
        }
        return [Reports]
      },
      'schedule: "61 * * * *" cannot be used: field 1 is "61", but a minute takes 0 to 59',
    ],
    [
      'two schedules that differ',
      () => {
        class Reports {
          @Cron('0 3 * * *')
          @OncePerTick({ schedule: '0 4 * * *' })
          report(): void {}
        }
        return [Reports]
      },
      '@OncePerTick(): Reports.report has the schedule "0 4 * * *", but that of its @Cron is "0 3 * * *"; leave it out here',
    ],
    [
      'a @Cron with an offset',
      () => {
        class Reports {
          @Cron('0 3 * * *', { utcOffset: 60 })
          @OncePerTick()
          report(): void {}
        }
        return [Reports]
      },
      '@OncePerTick(): Reports.report has `utcOffset`; use `timeZone` in @Cron instead',
    ],
    [
      'a @Cron with a date',
      () => {
        class Reports {
          @Cron(new Date(Date.now() + 86_400_000))
          @OncePerTick()
          report(): void {}
        }
        return [Reports]
      },
      "@OncePerTick(): Reports.report has @Cron with a date; it takes an expression such as '0 3 * * *'",
    ],
    [
      'two methods of one name',
      () => {
        class Reports {
          @OncePerTick({ name: 'x', schedule: '@daily' })
          report(): void {}

          @LeaderOnly({ name: 'x' })
          work(): void {}
        }
        return [Reports]
      },
      'name: "x" belongs to two decorated methods; give each a name of its own',
    ],
    [
      'a leader with a timer',
      () => {
        class Worker {
          @Interval(1_000)
          @LeaderOnly()
          work(): void {}
        }
        return [Worker]
      },
      '@LeaderOnly(): Worker.work has @Cron, @Interval or @Timeout, which call it on every host; @LeaderOnly() calls the ' +
        'method itself, so remove the timer, or use @OncePerTick() with @Cron',
    ],
    [
      'a leader per request',
      () => {
        class Worker {
          @LeaderOnly()
          work(): void {}
        }
        Injectable({ scope: Scope.REQUEST })(Worker)
        return [Worker]
      },
      '@LeaderOnly(): Worker.work belongs to a provider with request scope, its own or that of a dependency; use the default scope',
    ],
    [
      'a bad option of a leader',
      () => {
        class Worker {
          @LeaderOnly({ gracePeriod: 1 } as never)
          work(): void {}
        }
        return [Worker]
      },
      'gracePeriod: is not an option; did you mean graceMs (a number of ms from 0)? The options are name, value,',
    ],
  ]

  test.each(refusals)('%s', async (_, make, message) => {
    const store = new FaultyStore()
    await expect(host(store, ...make())).rejects.toThrow(message)
    await using other = await connect(store.source)
    expect(await other.survey()).toEqual([])
  })

  test('a wrong option of @OncePerTick() is refused at once', () => {
    expect(() => OncePerTick({ timeZone: 'UTC' } as never)).toThrow(
      'timeZone: is not an option; did you mean timezone (a string)? The options are name, schedule, timezone,',
    )
  })

  test.each([
    ['@OncePerTick()', OncePerTick({ schedule: '@daily' })],
    ['@LeaderOnly()', LeaderOnly()],
  ])('%s on anything but a method is refused at once', (title, decorator) => {
    class Reports {
      static report(): void {}
      report(): void {}
    }
    const message = `${title}: belongs in front of a method of a provider, which is not static`
    const loose = decorator as (...args: unknown[]) => unknown
    expect(() => loose(Reports)).toThrow(message)
    expect(() => loose(Reports.prototype, 'field', undefined)).toThrow(message)
    const descriptor = Object.getOwnPropertyDescriptor(Reports, 'report')
    expect(() => loose(Reports, 'report', descriptor)).toThrow(message)
    expect(() => loose(Reports.report, { kind: 'method' })).toThrow(message) // a decorator of ECMAScript
  })
})
