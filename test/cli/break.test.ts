// `leasehold break` takes the lock from the holder with the given token, and from nobody else.
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { connect, type Leasehold } from '../../src/index.ts'
import { leasehold, type Run, temporaryFolder } from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

async function client(): Promise<Leasehold> {
  const opened = await connect(env.LEASEHOLD_URL ?? '')
  onTestFinished(() => opened.close())
  return opened
}

/** A command that holds until it is stopped, and the token that it was given. */
async function holder(name: string): Promise<{ run: Run; token: string }> {
  const script = 'echo holds $LEASEHOLD_TOKEN by $$; while :; do sleep 0.02; done'
  const run = leasehold(['run', name, '--', 'sh', '-c', script], { env })
  const [, token = ''] = await run.says(/holds (\d+) by/)
  return { run, token }
}

const breakIt = (...args: string[]) => leasehold(['break', ...args], { env }).ended

test('with the token of the holder it says which holder lost the lock; its command is stopped, and the next one runs', async () => {
  const { run, token } = await holder('a')
  const next = (await client()).mutex('a').acquire()
  next.catch(() => {})

  const { status, stdout, stderr } = await breakIt('a', '--token', token)

  expect(stdout).toMatch(new RegExp(`^"a": taken from \\S+ \\(pid ${run.pid}\\), token ${token}\n$`))
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect((await next).token).toBeGreaterThan(BigInt(token))
  expect(await run.ended).toMatchObject({ status: 70, stderr: expect.stringContaining('hold lost') })
})

test('with another token it changes nothing, names the present holder and its token, and exits 75', async () => {
  const own = await client()
  const past = await own.mutex('a').acquire()
  await past.release()
  const hold = await own.mutex('a').acquire()

  const { status, stdout, stderr } = await breakIt('a', '--token', String(past.token))

  expect({ status, stdout }).toEqual({ status: 75, stdout: '' })
  expect(stderr).toMatch(
    new RegExp(`nothing was changed.*token ${past.token}: held by \\S+ \\(pid ${process.pid}\\)`),
  )
  expect(stderr).toContain(`with token ${hold.token}\n`)
  await hold.verify()
})

test('if nobody holds, it says so and exits 75', async () => {
  const { status, stderr } = await breakIt('a', '--token', '1')
  expect(stderr).toMatch(/nothing was changed.*nobody holds it\n$/)
  expect(status).toBe(75)
})

test('without a token it names the holders and their tokens, and exits 64', async () => {
  const pool = (await client()).semaphore('gpu', { permits: 3 })
  const holds = [await pool.acquire(), await pool.acquire()]

  const { status, stdout, stderr } = await breakIt('gpu')

  const whom = holds.map(({ token }) => `\\S+ \\(pid ${process.pid}\\) with token ${token}`).join(', ')
  expect(stderr).toMatch(new RegExp(`^leasehold: "gpu": held by ${whom}; say --token`))
  expect({ status, stdout }).toEqual({ status: 64, stdout: '' })
  for (const hold of holds) await hold.verify()
})

test('it takes only one permit of a semaphore', async () => {
  const pool = (await client()).semaphore('gpu', { permits: 3 })
  const [kept, broken] = [await pool.acquire(), await pool.acquire()]
  expect(await breakIt('gpu', '--token', String(broken.token))).toMatchObject({ status: 0 })
  await kept.verify()
  await expect(broken.verify()).rejects.toMatchObject({ code: 'LEASEHOLD_HOLD_LOST' })
})

test.each(['0', '-1', '1.5', 'abc', '0x10', '', '99999999999999999999'])(
  'the token %j is refused',
  async (token) => {
    const { status, stderr } = await breakIt('a', `--token=${token}`)
    expect(stderr).toMatch(/^leasehold: .*--token.*it takes the digits/)
    expect(status).toBe(64)
  },
)

test('the text of a holder cannot control the terminal', async () => {
  const term = await (await client()).election('a').campaign({ value: '\x1b]0;mine\x07' })
  const told = await breakIt('a')
  const done = await breakIt('a', '--token', String(term.token))
  for (const text of [told.stderr, done.stdout]) {
    expect(text).toContain('\\u001b]0;mine\\u0007')
    expect(text).not.toMatch(/[^\P{Cc}\n]/u)
  }
})
