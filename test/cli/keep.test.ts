// `run --keep`: the name stays taken after the command, although no process of Leasehold is left.
import { beforeEach, expect, test } from 'vitest'
import { leasehold, temporaryFolder } from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

const ended = (...args: string[]) => leasehold(args, { env }).ended

test('the name stays taken for that time after the command, and then the next one in line has it', async () => {
  expect((await ended('run', 'x', '--keep', '3s', '--', 'sh', '-c', 'exit 7')).status).toBe(7)
  const since = performance.now()
  const next = ended('run', 'x', '--wait', '20s', '--', 'echo', 'has it')
  const tried = await ended('run', 'x', '--try', '--', 'echo', 'has it')
  expect([tried.status, tried.stdout]).toEqual([75, ''])
  expect(tried.stderr).toMatch(
    /"x" is not free: held by .* \(pid \d+\), which lets it stay taken until \d{4}-/,
  )
  expect(await next).toEqual({ status: 0, stdout: 'has it\n', stderr: '' })
  // The time began before the first command had ended, so a little less may be left.
  expect(performance.now() - since).toBeGreaterThan(1_500)
})

test('ls shows until when the name is kept, and break ends it', async () => {
  await ended('run', 'x', '--keep', '1h', '--', 'true')
  const { stdout } = await ended('ls')
  expect(stdout).toMatch(/^x +mutex +kept until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +\S+ \(pid \d+\) /m)
  const { names } = JSON.parse((await ended('ls', '--json')).stdout)
  const [{ keptUntil, token }] = names[0].holders
  expect(Date.parse(keptUntil) - Date.now()).toBeGreaterThan(3_500_000)
  expect((await ended('break', 'x', '--token', token)).status).toBe(0)
  expect((await ended('run', 'x', '--try', '--', 'true')).status).toBe(0)
})

test('a time that the store cannot keep is refused before the command runs', async () => {
  const { status, stdout, stderr } = await ended('run', 'x', '--keep', '25h', '--', 'echo', 'ran')
  expect([status, stdout]).toEqual([64, ''])
  expect(stderr).toMatch(
    /^leasehold: --keep in ms: 90000000 is out of range; .* from 1 to 86400000 on file$/m,
  )
  expect((await ended('run', 'x', '--try', '--', 'true')).status).toBe(0)
})

test('permits stay taken as well', async () => {
  await ended('run', 'x', '--permits', '2', '--keep', '1h', '--', 'true')
  expect((await ended('run', 'x', '--permits', '2', '--keep', '1h', '--try', '--', 'true')).status).toBe(0)
  expect((await ended('run', 'x', '--permits', '2', '--try', '--', 'true')).status).toBe(75)
})
