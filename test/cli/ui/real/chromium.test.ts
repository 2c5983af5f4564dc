// The page of `leasehold ui` in a real Chromium: what it shows and how soon, and that no text of the store does anything
// there. With LEASEHOLD_SCREENSHOTS it also writes the pictures of docs/ui.md: `npm run screenshots`.
import { mkdirSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { connect, type Leasehold } from '../../../../src/index.ts'
import { chromiumLaunch } from '../../../../tools/servers/chromium.mjs'
import { useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'
import { freeze } from '../../../servers/freeze.ts'
import { moments } from '../../../servers/moments.ts'
import { leasehold, type Run } from '../../leasehold.ts'
import { serve, token } from '../page.ts'
import { fastClock, jobsAt, statesAt } from './scene.ts'

/** How to start it, or why it cannot be had here. Fetched before the tests begin, since a download has no time limit. */
const launch = await chromiumLaunch().catch((error: Error) => error)
if (launch instanceof Error) test(`the page in Chromium is left out: ${launch.message}`, () => {})
const inChromium: (title: string, run: () => Promise<void>, timeout?: number) => void =
  launch instanceof Error ? () => {} : test

const etcd = useEtcd()
const consul = useConsul()
let browser: Browser
beforeAll(async () => {
  if (!(launch instanceof Error)) browser = await chromium.launch(launch)
})
afterAll(() => browser?.close())

/** A page, and everything that it complained about or asked of others. */
interface Opened {
  readonly page: Page
  readonly complaints: string[]
}

async function opened(url: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options })
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`))
  page.on('request', (request) => {
    if (new URL(request.url()).host !== new URL(url).host) complaints.push(`asks ${request.url()}`)
  })
  await page.goto(url)
  return { page, complaints }
}

const urlOf = ({ port }: { port: number }): string => `http://127.0.0.1:${port}/?token=${token}`

async function client(url: string = etcd.cluster.url(freshNamespace())): Promise<Leasehold> {
  const own = await connect(url)
  onTestFinished(() => own.close())
  return own
}

/** Resolves when the page says so. */
async function untilLive(page: Page): Promise<void> {
  await expect.poll(() => page.textContent('#status'), { timeout: 10_000 }).toBe('Live')
  await page.waitForSelector('#total-names:not(:text("–"))')
}

/** Waits until the first lock is held by this process, and returns how long that took. */
async function untilHolder(page: Page, run: Run): Promise<number> {
  const begunMs = performance.now()
  await page.waitForSelector(`#locks .holder .who:text("(pid ${run.pid})")`, { timeout: 5_000 })
  return performance.now() - begunMs
}

/** The start of a command takes longer than the second that a poll has by default. */
const soon = { timeout: 10_000 }

inChromium(
  'three processes hand a lock on, one is killed, and the page shows each holder within a second',
  async () => {
    const url = etcd.cluster.url(freshNamespace())
    const ui = leasehold(['ui', '--url', url])
    const [link] = await ui.says(/http:\S+/)
    const { page, complaints } = await opened(link)
    await untilLive(page)
    expect(page.url()).not.toContain('token')
    const work = ['--ttl', '2s', '--url', url, '--', 'sh', '-c', 'echo runs $$; exec sleep 300']
    const runs: Run[] = []
    for (let place = 0; place < 3; place += 1) {
      runs.push(leasehold(['run', 'deploy', ...work]))
      if (place === 0) await runs[0]?.pidOf('runs')
      else await expect.poll(() => page.locator('#locks .line li').count(), soon).toBe(place)
    }
    const [first, second, third] = runs as [Run, Run, Run]
    await untilHolder(page, first)

    first.signal('SIGTERM')
    await second.pidOf('runs')
    expect(await untilHolder(page, second)).toBeLessThan(1_000)
    expect(await page.locator('#locks .line li').count()).toBeLessThanOrEqual(1)

    second.signal('SIGKILL')
    await third.pidOf('runs')
    expect(await untilHolder(page, third)).toBeLessThan(1_000)
    expect(await page.locator('#locks .ttl').first().textContent()).toMatch(/^TTL [12] s$/)
    await expect.poll(() => page.locator('#timeline .span-bar').count(), soon).toBe(3)
    await expect
      .poll(() => page.textContent('#changes'), soon)
      .toContain(`(pid ${second.pid}) no longer holds`)
    expect(complaints).toEqual([])
  },
)

inChromium(
  'Consul: a holder, its line, a leader and a cron job are shown, and a hand-over within a second',
  async () => {
    const [one, other] = [await consul.client('ui/'), await consul.client('ui/')]
    await one.election('scheduler').campaign({ value: 'node-a' })
    await one.cron('nightly', { schedule: '0 3 * * *' }).run(() => {}, { tick: new Date(0) })
    const first = await one.mutex('deploy').acquire()
    const { page, complaints } = await opened(urlOf(await serve(one)))
    await untilLive(page)
    expect(await page.locator('#locks th .name').allTextContents()).toEqual(['deploy'])
    expect(await page.textContent('#elections .who')).toContain('node-a')
    expect(await page.textContent('#jobs th .name')).toBe('nightly')
    const next = other.mutex('deploy').acquire()
    await expect.poll(() => page.locator('#locks .line li').count(), soon).toBe(1)

    await first.release()
    const second = await next
    const begunMs = performance.now()
    await page.waitForSelector(`#locks .holder .token:text("${second.token}")`, { timeout: 5_000 })
    expect(performance.now() - begunMs).toBeLessThan(1_000)
    expect(complaints).toEqual([])
  },
)

inChromium('no name, value or holder becomes HTML, runs, or turns the text around it', async () => {
  const own = await client()
  const attack = '<img src=x onerror="window.hit=1"><script>window.hit=2</script>\u202egnp\u200b.exe'
  await own.mutex(attack).acquire()
  await own.mutex('wide'.repeat(128)).acquire()
  await own.election('boss').campaign({ value: `${attack}\u0007${'long '.repeat(2_000)}` })
  await own.election('"onclick="window.hit=3').campaign({ value: 'javascript:window.hit=4' })
  const { page, complaints } = await opened(urlOf(await serve(own)), {
    viewport: { width: 390, height: 800 },
  })
  await untilLive(page)
  await expect.poll(() => page.locator('#locks tbody tr').count(), soon).toBe(2)

  expect(await page.locator('#locks th .name').first().textContent()).toBe(
    attack.replace('\u202e', 'U+202E').replace('\u200b', 'U+200B'),
  )
  expect(await page.locator('#elections .who').nth(1).textContent()).toContain(
    'window.hit=2</script>U+202EgnpU+200B.exeU+0007',
  )
  expect(await page.locator('main img, main script, body > script, main a').count()).toBe(0)
  expect(await page.evaluate(`'hit' in window`)).toBe(false)
  expect(await page.evaluate(widthOfPage)).toBeLessThanOrEqual(390)
  const tried = await page.evaluate(
    `try { document.body.innerHTML = '<b>x</b>' } catch (error) { error.name }`,
  )
  expect(tried).toBe('TypeError') // Trusted Types: not even our own code could do it
  expect(complaints.filter((text) => !/TrustedHTML/.test(text))).toEqual([])
})

inChromium(
  'a store that hangs, and a server that restarts, are shown, and the page goes on by itself',
  async () => {
    const own = await client()
    await own.mutex('deploy').acquire()
    const server = await serve(own)
    const { page } = await opened(urlOf(server))
    await untilLive(page)

    await freeze(etcd.cluster.members[0])
    await expect.poll(() => page.textContent('#status'), { timeout: 8_000 }).toBe('No answer from the store')
    await expect.poll(() => page.textContent('#silence'), { timeout: 8_000 }).toMatch(/^for [4-9] s/)
    etcd.cluster.members[0].cont()
    await untilLive(page)

    const { port } = server
    server.close()
    await expect
      .poll(() => page.textContent('#status'), soon)
      .toBe('No connection to leasehold ui: trying again')
    const other = await client()
    await other.mutex('after the restart').acquire()
    await serve(other, { port })
    await untilLive(page)
    await expect
      .poll(() => page.locator('#locks th .name').allTextContents(), soon)
      .toEqual(['after the restart'])
  },
)

inChromium('a lock is taken away by keyboard, with its token and no other', async () => {
  const own = await client()
  const hold = await own.mutex('deploy').acquire()
  const { page } = await opened(urlOf(await serve(own, { mayBreak: true })))
  await untilLive(page)
  await page.getByRole('button', { name: 'Break…' }).focus()
  await page.keyboard.press('Enter')
  await page.keyboard.type('1')
  await page.keyboard.press('Enter')
  expect(await page.textContent('#break-wrong')).toBe(`It takes the token ${hold.token}.`)
  await hold.verify()
  await page.getByLabel('Its token').fill(String(hold.token))
  await page.keyboard.press('Enter')
  await expect.poll(() => page.textContent('#said'), soon).toMatch(/^"deploy": taken from .*\(pid \d+\)\.$/)
  await expect(hold.verify()).rejects.toThrow()
  await expect.poll(() => page.isVisible('#locks-none'), soon).toBe(true)
})

inChromium('5,000 names are counted and can be found, and the page stays small', async () => {
  const own = await client()
  const [state] = await own.survey().then(async () => {
    await own.mutex('x').acquire()
    return own.survey()
  })
  const names = Array.from({ length: 5_000 }, (_, index) => `job/${String(index).padStart(4, '0')}`)
  const states = names.map((name) => ({ ...state, name, permits: 1, claims: state?.claims ?? [] }))
  vi.spyOn(own, 'survey').mockResolvedValue(states)
  const { page, complaints } = await opened(urlOf(await serve(own)))
  await expect.poll(() => page.textContent('#total-names'), { timeout: 10_000 }).toBe('5,000')
  expect(await page.locator('#locks tbody tr').count()).toBe(100)
  expect(await page.locator('#timeline .lane').count()).toBe(24)
  await page.getByLabel('Names that contain').fill('4711')
  await expect.poll(() => page.locator('#locks th .name').allTextContents(), soon).toEqual(['job/4711'])
  expect(await page.evaluate(`document.querySelectorAll('*').length`)).toBeLessThan(3_000)
  expect(complaints).toEqual([])
})

inChromium('ten waiters that leave in one moment are ten changes, and the list does not grow', async () => {
  const own = await client()
  await own.mutex('deploy').acquire()
  const [state] = await own.survey()
  const [holder] = state?.claims ?? []
  const waiters = Array.from({ length: 10 }, (_, place) => ({
    ...(holder as NonNullable<typeof holder>),
    token: 1_000_000n + BigInt(place),
    session: `session ${place}`,
    held: false,
  }))
  const lines = [state?.claims ?? [], [...(state?.claims ?? []), ...waiters], state?.claims ?? []]
  const survey = vi.spyOn(own, 'survey')
  survey.mockImplementation(async () => [
    { name: 'deploy', permits: 1, claims: (lines.length > 1 ? lines.shift() : lines[0]) ?? [] },
  ])
  const { page, complaints } = await opened(urlOf(await serve(own)))
  const left = page.locator('#changes li:has-text("left the line")')
  await expect.poll(() => left.count(), soon).toBe(10)
  const draws = survey.mock.calls.length
  await expect.poll(() => survey.mock.calls.length, soon).toBeGreaterThan(draws + 1)
  expect(await left.count()).toBe(10)
  expect(complaints).toEqual([])
})

inChromium('it has headings and tables with names, and follows the colours of the system', async () => {
  const own = await client()
  await own.mutex('deploy').acquire()
  const url = urlOf(await serve(own))
  const [light, dark] = [
    await opened(url, { colorScheme: 'light' }),
    await opened(url, { colorScheme: 'dark' }),
  ]
  await untilLive(light.page)
  const headings = await light.page.getByRole('heading', { level: 2 }).allTextContents()
  expect(headings).toEqual(['Last minutes', 'Locks', 'Elections', 'Cron jobs', 'Waits', 'Changes'])
  expect(await light.page.getByRole('rowheader', { name: 'deploy' }).count()).toBe(1)
  expect(await light.page.getByRole('columnheader', { name: 'Holders' }).count()).toBe(1)
  expect(await light.page.getByRole('status').first().textContent()).toBe('Live')
  for (const { page } of [light, dark]) expect(await lowestContrast(page)).toBeGreaterThan(4.5)
  const paper = ({ page }: Opened) => page.evaluate(`getComputedStyle(document.body).backgroundColor`)
  expect(await paper(light)).not.toBe(await paper(dark))
})

/** Code for the page is text here: the types of these tests are those of Node. */
const widthOfPage = 'document.documentElement.scrollWidth'

/** The lowest contrast of a text with the colour behind it, by the formula of WCAG. */
const contrastOfPage = `(() => {
  const isClear = (color) => color === 'rgba(0, 0, 0, 0)'
  const light = (color) => {
    const parts = color.match(/[\\d.]+/g).slice(0, 3).map((part) => Number(part) / 255)
    const [red, green, blue] = parts.map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())
  const texts = [...document.querySelectorAll('main section *')].filter((each) => each.checkVisibility() && hasText(each))
  return Math.min(...texts.map((element) => {
    let behind = element
    while (isClear(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement
    const { fill, color } = getComputedStyle(element)
    const [one, other] = [light(element instanceof SVGElement ? fill : color), light(getComputedStyle(behind).backgroundColor)]
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
  }))
})()`

const lowestContrast = (page: Page): Promise<number> => page.evaluate<number>(contrastOfPage)

/** Writes the pictures of the documentation, only when it is asked to: a run of the tests changes no file. */
if (process.env.LEASEHOLD_SCREENSHOTS) {
  inChromium(
    'the pictures of docs/ui.md are written',
    async () => {
      const { clock, slowDown } = fastClock(40)
      const own = await connect('memory:')
      onTestFinished(() => own.close())
      vi.spyOn(own, 'survey').mockImplementation(async () => statesAt(clock.wallMs()))
      vi.spyOn(own, 'cronJobs').mockImplementation(async () => jobsAt(clock.wallMs()))
      vi.spyOn(own, 'url', 'get').mockReturnValue('etcd://10.0.0.1:2379/prod/')
      const url = urlOf(await serve(own, { clock }))
      const pages = await Promise.all(
        (['light', 'dark'] as const).map((colorScheme) =>
          opened(url, { colorScheme, viewport: { width: 1100, height: 1000 } }),
        ),
      )
      const begunMs = clock.wallMs()
      await expect.poll(() => clock.wallMs() - begunMs, { timeout: 60_000 }).toBeGreaterThan(330_000)
      slowDown()
      for (const { page } of pages) await untilLive(page)
      await moments.macrotasks(2)
      mkdirSync('docs/images', { recursive: true })
      const names = ['docs/images/ui-light.png', 'docs/images/ui-dark.png']
      await Promise.all(pages.map(({ page }, index) => page.screenshot({ path: names[index] ?? '' })))
    },
    120_000,
  )
}
