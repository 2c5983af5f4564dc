// Metrics and spans as OpenTelemetry's own SDK exports them, from clients on a store in memory.
import {
  type Attributes,
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  trace,
} from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { expect, onTestFinished, test } from 'vitest'
import { type InstrumentOptions, instrument } from '../../src/opentelemetry/index.ts'
import { oneClient, twoClients } from '../core/clients.ts'
import { settle } from '../core/manual-clock.ts'
import { depose, lead, scene, untilAborted } from '../election/scene.ts'

/** An SDK of its own for each test, and the instrumentation. */
function observed(options: InstrumentOptions = {}) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 })
  const provider = new MeterProvider({ readers: [reader] })
  const finished = new InMemorySpanExporter()
  const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(finished)] })
  const instrumentation = instrument({
    meter: provider.getMeter('test'),
    tracer: tracers.getTracer('test'),
    ...options,
  })
  onTestFinished(async () => {
    instrumentation.stop()
    await provider.shutdown()
  })
  /** The points of a metric: the attributes in words, and the value or, of a histogram, its count. */
  const points = async (name: string): Promise<Record<string, number>> => {
    exporter.reset()
    await reader.forceFlush()
    const metrics = exporter.getMetrics().flatMap((all) => all.scopeMetrics.flatMap((scope) => scope.metrics))
    const metric = metrics.find(({ descriptor }) => descriptor.name === name)
    return Object.fromEntries(
      (metric?.dataPoints ?? []).map(({ attributes, value }) => [
        words(attributes),
        typeof value === 'number' ? value : value.count,
      ]),
    )
  }
  return { points, spans: () => finished.getFinishedSpans(), instrumentation, exporter, reader }
}

/** The values of attributes without those of the store, which is the same everywhere. */
const words = (attributes: Attributes): string =>
  Object.entries(attributes)
    .filter(([key]) => key !== 'leasehold.store')
    .map(([, value]) => String(value))
    .join(' ')

test('a run with a loss, a time-out and a change of the leader, as the SDK exports it', async () => {
  const { points, spans } = observed()
  const two = await scene()
  const { one, other, clock, store } = two
  const candidate = lead(two, untilAborted)
  await settle()
  const hold = await one.mutex('report').acquire()
  const late = expect(other.mutex('report').acquire({ waitMs: 100 })).rejects.toThrow('was not free')
  await settle()
  expect(await points('leasehold.waiters')).toMatchObject({ 'report mutex': 1 })
  expect(await points('leasehold.holds')).toMatchObject({ 'report mutex': 1, 'a election': 1 })
  await clock.advance(200)
  await late
  expect(await points('leasehold.wait.timeouts')).toMatchObject({ 'report mutex': 1, 'a election': 0 })
  expect(await points('leasehold.leader')).toEqual({ a: 1 })
  expect(await points('leasehold.session.remaining')).toEqual({ '': 10.6 })
  await depose(two)
  expect(hold.held).toBe(false)
  expect(await points('leasehold.hold.lost')).toMatchObject({
    'report mutex removed': 1,
    'report mutex expired': 0,
    'report mutex session-gone': 0,
    'a election removed': 1,
  })
  expect(await points('leasehold.holds')).toMatchObject({ 'report mutex': 0 })
  candidate.stop()
  await candidate.ended
  await settle()
  expect(await points('leasehold.leader')).toEqual({ a: 0 })
  expect(await points('leasehold.acquire.duration')).toMatchObject({
    'report mutex held': 1,
    'report mutex timeout': 1,
  })
  expect(await points('leasehold.hold.duration')).toMatchObject({
    'report mutex lost': 1,
    'a election lost': 1,
  })
  expect((await points('leasehold.renewal.slack'))['']).toBeGreaterThan(0)
  expect((await points('leasehold.request.duration')).attempt).toBeGreaterThan(2)
  expect(await points('leasehold.request.retries')).toMatchObject({ attempt: 0 })
  const lost = spans().find(
    ({ name, attributes }) => name === 'leasehold.hold' && attributes['leasehold.name'] === 'report',
  )
  expect(lost?.attributes).toMatchObject({
    'leasehold.token': String(hold.token),
    'leasehold.outcome': 'lost',
    'leasehold.cause': 'removed',
    'error.type': 'LEASEHOLD_HOLD_LOST',
  })
  store.faults.clear()
  await Promise.all([one.close(), other.close(), clock.advance(15_000)])
  expect(await points('leasehold.session.remaining')).toEqual({ '': 0 })
})

test('times are in seconds, with the buckets of the instrument', async () => {
  const { exporter, reader } = observed()
  const { client } = await oneClient(12_000)
  await (await client.mutex('a').acquire()).release()
  await reader.forceFlush()
  const [metric] = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    .filter(({ descriptor }) => descriptor.name === 'leasehold.acquire.duration')
  expect(metric?.descriptor.unit).toBe('s')
  expect(metric?.dataPoints[0]?.value).toMatchObject({
    count: 1,
    buckets: { boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3_600] },
  })
  await client.close()
})

test('repeated requests and ticks are counted', async () => {
  const { points } = observed()
  const { client, clock, store } = await oneClient(12_000)
  store.faults.set('attempt', 'refuse')
  const acquiring = client.mutex('a').acquire()
  await clock.advance(100)
  store.faults.clear()
  await clock.advance(200)
  await acquiring
  expect(await points('leasehold.request.retries')).toEqual({ createSession: 0, attempt: 2 })
  await client.cron('nightly', { schedule: '@daily' }).run(() => {}, { tick: new Date(clock.wallMs()) })
  expect(await points('leasehold.cron.ticks')).toMatchObject({ 'nightly ran': 1, 'nightly failed': 0 })
  await client.close()
})

/** The context of the caller, as a manager with AsyncLocalStorage keeps it; a constant is enough here. */
class Fixed implements ContextManager {
  readonly caller: Context
  constructor(caller: Context) {
    this.caller = caller
  }
  active = (): Context => this.caller
  with = ((_context, call, self, ...args) => call.apply(self as never, args)) as ContextManager['with']
  bind = <T>(_context: Context, target: T): T => target
  enable = (): this => this
  disable = (): this => this
}

test('an acquire is a child of the active span, and the hold its sibling, which links to it', async () => {
  const { spans } = observed()
  const caller = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
  context.setGlobalContextManager(new Fixed(trace.setSpanContext(ROOT_CONTEXT, caller)))
  onTestFinished(() => context.disable())
  const { client } = await oneClient(12_000)
  const hold = await client.mutex('a').acquire()
  expect(spans().map(({ name }) => name)).toEqual(['leasehold.acquire'])
  await hold.release()
  const [acquire, held] = spans()
  expect(acquire?.parentSpanContext?.spanId).toBe(caller.spanId)
  expect(held?.parentSpanContext?.spanId).toBe(caller.spanId)
  expect(held?.links[0]?.context.spanId).toBe(acquire?.spanContext().spanId)
  expect(held?.attributes).toMatchObject({
    'leasehold.name': 'a',
    'leasehold.kind': 'mutex',
    'leasehold.token': String(hold.token),
    'leasehold.outcome': 'released',
  })
  await client.close()
})

test('of ten thousand names a hundred are labels, and the others are one', async () => {
  const { points } = observed()
  const { client } = await oneClient(12_000)
  for (let name = 0; name < 10_000; name += 1)
    await (await client.mutex(`tenant/${name}`).acquire()).release()
  const found = await points('leasehold.hold.duration')
  expect(Object.keys(found)).toHaveLength(101)
  expect(found['other mutex released']).toBe(9_900)
  await client.close()
})

test('an option maps names, or leaves them out; a map that throws costs only its label', async () => {
  const mapped = observed({ names: (name) => name.replace(/\d+/, 'N') })
  const dropped = observed({ names: false })
  const broken = observed({
    names: () => {
      throw new Error('no')
    },
  })
  const { client } = await oneClient(12_000)
  await (await client.mutex('tenant/17').acquire()).release()
  const name = 'leasehold.hold.duration'
  expect(await mapped.points(name)).toEqual({ 'tenant/N mutex released': 1 })
  expect(await dropped.points(name)).toEqual({ 'mutex released': 1 })
  expect(await broken.points(name)).toEqual({ 'other mutex released': 1 })
  expect(mapped.spans()[0]?.attributes['leasehold.name']).toBe('tenant/N')
  await client.close()
})

test('a hold from before the instrumentation is not counted, and stopping it ends all of its effects', async () => {
  const { one, other } = await twoClients(12_000)
  const before = await one.mutex('a').acquire()
  const { points, spans, instrumentation } = observed()
  await before.release()
  expect([await points('leasehold.holds'), await points('leasehold.hold.duration')]).toEqual([{}, {}])
  const hold = await one.mutex('a').acquire()
  const waiting = other.mutex('a').acquire()
  await settle()
  instrumentation.stop()
  instrumentation.stop()
  expect(
    spans()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['leasehold.acquire', 'leasehold.acquire', 'leasehold.hold'])
  await hold.release()
  await (await waiting).release()
  expect(spans()).toHaveLength(3)
  expect(await points('leasehold.holds')).toEqual({})
  await Promise.all([one.close(), other.close()])
})
