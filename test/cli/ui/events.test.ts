// The events of `leasehold ui`: the whole state first, then the differences, once for all pages, and nothing without a page.
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { memory } from '../../../src/backends/memory/index.ts'
import { UnavailableError } from '../../../src/base/errors.ts'
import type { NameView, Span } from '../../../src/cli/ui/ui-messages.ts'
import { connect, type Leasehold } from '../../../src/index.ts'
import { open, serve } from './page.ts'

let store: ReturnType<typeof memory>
let client: Leasehold
beforeEach(async () => {
  store = memory()
  client = await another()
})

async function another(): Promise<Leasehold> {
  const opened = await connect(store)
  onTestFinished(() => opened.close())
  return opened
}

const named = (name: string) => (change: { names: NameView[] }) =>
  change.names.some((view) => view.name === name)
const view = (change: { names: NameView[] }, name: string) => change.names.find((each) => each.name === name)

/** Waits in line, until the end of the test. */
async function waitFor(name: string, place: number): Promise<{ held: Promise<unknown> }> {
  const own = await another()
  const asked = own.mutex(name).acquire()
  asked.catch(() => {}) // the client is closed before its turn comes
  await expect.poll(async () => (await own.line(name)).length).toBe(place + 1)
  return { held: asked }
}

test('the first event has holders, the line in order, elections with their terms, and cron jobs with their ticks', async () => {
  const hold = await client.mutex('deploy').acquire()
  await waitFor('deploy', 1)
  await waitFor('deploy', 2)
  const line = await client.line('deploy')
  const term = await client.election('boss').campaign({ value: 'http://10.0.0.1/' })
  await client.semaphore('gpu', { permits: 4 }).acquire({ permits: 3 })
  const tick = new Date('2026-03-01T08:00:00Z')
  await client.cron('nightly', {}).run(() => {}, { tick })
  const { port } = await serve(client)

  const state = await (await open(port)).next('state')

  expect(state).toMatchObject({ url: client.url, mayBreak: false, gone: [] })
  const deploy = view(state, 'deploy')
  const me = expect.stringMatching(new RegExp(` \\(pid ${process.pid}\\)$`))
  expect(deploy).toMatchObject({ kind: 'mutex', permits: 1, holding: 1, waiting: 2 })
  expect(deploy?.holders).toMatchObject([{ who: me, token: String(hold.token), seen: null, value: null }])
  expect(deploy?.waiters.map(({ token }) => token)).toEqual(line.slice(1).map(({ token }) => String(token)))
  expect(view(state, 'boss')).toMatchObject({
    kind: 'election',
    holders: [{ token: String(term.token), value: 'http://10.0.0.1/' }],
  })
  expect(view(state, 'gpu')).toMatchObject({ kind: 'semaphore', permits: 4, holders: [{ weight: 3 }] })
  expect(state.jobs).toMatchObject([{ name: 'nightly', tick: tick.getTime(), by: me, done: true }])
  expect(state.spans.map(({ name, to }: Span) => [name, to])).toEqual([
    ['boss', null],
    ['deploy', null],
    ['gpu', null],
  ])
})

test('a hand-over is sent within a second, with the wait that it ended, and nothing about other names', async () => {
  const hold = await client.mutex('deploy').acquire()
  await client.mutex('other').acquire()
  const next = await waitFor('deploy', 1)
  const page = await open((await serve(client)).port)
  const state = await page.next('state')

  await hold.release()
  await next.held
  const begunMs = performance.now()
  const change = await page.next('change', named('deploy'))

  expect(performance.now() - begunMs).toBeLessThan(1_000)
  expect(change.names).toHaveLength(1)
  expect(view(change, 'deploy')).toMatchObject({ waiting: 0, holders: [{ seen: expect.any(Number) }] })
  expect(change.spans).toMatchObject([
    { id: state.spans.find(({ name }: Span) => name === 'deploy').id, to: expect.any(Number), whole: false },
    { name: 'deploy', to: null, whole: true },
  ])
  expect(change.waits).toMatchObject([{ name: 'deploy', held: true }])
})

test('a name that nobody holds any more is gone, and a waiter that gave up left the line', async () => {
  const hold = await client.mutex('deploy').acquire()
  const giving = new AbortController()
  const asked = (await another()).mutex('deploy').acquire({ signal: giving.signal })
  await expect.poll(async () => (await client.line('deploy')).length).toBe(2)
  const page = await open((await serve(client)).port)
  await page.next('state')

  giving.abort()
  await expect(asked).rejects.toThrow()
  expect((await page.next('change', named('deploy'))).waits).toMatchObject([{ held: false }])
  await hold.release()
  expect(await page.next('change', ({ gone }) => gone.length > 0)).toMatchObject({
    names: [],
    gone: ['deploy'],
  })
})

test('without a page nothing is asked, and two pages cost what one costs', async () => {
  const survey = vi.spyOn(client, 'survey')
  const { port } = await serve(client)
  expect(survey).not.toHaveBeenCalled()
  const one = await open(port)
  await one.next('state')
  const looks = survey.mock.calls.length
  const other = await open(port)
  expect(await other.next('state')).toEqual(one.events.find(({ type }) => type === 'state')?.data)
  expect(survey.mock.calls.length).toBe(looks)
  one.close()
  other.close()
  await expect.poll(() => survey.mock.calls.at(-1)?.[1]?.signal?.aborted).toBe(true)
  const after = survey.mock.calls.length
  const late = await open(port)
  await late.next('state')
  expect(survey.mock.calls.length).toBe(after + 1)
})

test('while the store does not answer the page is told why and since when, and then goes on by itself', async () => {
  await client.mutex('deploy').acquire()
  const page = await open((await serve(client)).port)
  await page.next('state')
  const survey = vi
    .spyOn(client, 'survey')
    .mockRejectedValue(new UnavailableError('the store\u001b[31m is away'))
  const { answered, error, now } = await page.next('pulse', (pulse) => pulse.error !== null)
  expect(error).toBe('the store\\u001b[31m is away')
  expect(now - answered).toBeLessThan(5_000)
  survey.mockRestore()
  const back = await page.next('pulse', (pulse) => pulse.error === null && pulse.answered > answered)
  expect(back.now).toBeGreaterThan(now)
})

test('names and values of any kind arrive as they are, and cut if they are long', async () => {
  const hostile = '<script>alert(1)</script>"\u202egnp.\u2028</html>'
  await client.mutex(hostile).acquire()
  await client
    .election('boss')
    .campaign({ value: `${hostile}\u0000\ud83d${'x'.repeat(10_000)}`.toWellFormed() })
  const page = await open((await serve(client)).port)
  const state = await page.next('state')
  expect(state.names.map(({ name }: NameView) => name)).toEqual([hostile, 'boss'])
  const { value, who } = state.names[1].holders[0]
  expect(value.startsWith(`${hostile}\u0000`)).toBe(true)
  expect([value.length, who.length]).toEqual([201, 201])
})

test('the end of the server ends every page at once', async () => {
  const server = await serve(client)
  const pages = await Promise.all([open(server.port), open(server.port)])
  await Promise.all(pages.map((page) => page.next('state')))
  const begunMs = performance.now()
  server.close()
  await Promise.all(pages.map(({ ended }) => ended))
  expect(performance.now() - begunMs).toBeLessThan(500)
})
