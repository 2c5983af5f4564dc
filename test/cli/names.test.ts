// `run` with several names: all or none, in one order, with a token for each.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { leasehold, temporaryFolder } from './leasehold.ts'

let env: Record<string, string>
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

const ended = (...args: string[]) => leasehold(args, { env }).ended

test('the command gets the token of each name, and no single name or token, also below another hold', async () => {
  const or = (name: string): string => `printenv ${name} || echo none`
  const show = `printenv LEASEHOLD_TOKENS; ${or('LEASEHOLD_NAME')}; ${or('LEASEHOLD_TOKEN')}; printenv LEASEHOLD_HOLDS`
  const one = await ended('run', 'x', '--', 'sh', '-c', show)
  const [tokens = '', name] = one.stdout.split('\n')
  expect([Object.keys(JSON.parse(tokens)), name]).toEqual([['x'], 'x'])
  const several = await ended('run', 'b', 'a', '--wait', '5s', '--', 'sh', '-c', show)
  const [all = '', none, neither, holds = ''] = several.stdout.split('\n')
  expect([Object.keys(JSON.parse(all)), none, neither]).toEqual([['a', 'b'], 'none', 'none'])
  expect(JSON.parse(holds).map((hold: { name: string }) => hold.name)).toEqual(['a', 'b'])
  expect([several.status, several.stderr]).toEqual([0, ''])
})

test('none of the names is held while one is taken, and the command runs when it is free', async () => {
  const file = join(temporaryFolder(), 'end')
  const script = 'echo holds; until [ -e "$0" ]; do sleep 0.02; done'
  const holder = leasehold(['run', 'c', '--', 'sh', '-c', script, file], { env })
  await holder.says(/holds/)
  const tried = await ended('run', 'a', 'c', '--try', '--', 'echo', 'ran')
  expect([tried.status, tried.stdout]).toEqual([75, ''])
  expect((await ended('run', 'a', '--try', '--', 'true')).status).toBe(0)
  const waiting = ended('run', 'c', 'a', '--', 'echo', 'ran')
  expect(existsSync(file)).toBe(false)
  writeFileSync(file, '')
  expect(await waiting).toEqual({ status: 0, stdout: 'ran\n', stderr: '' })
  expect((await holder.ended).status).toBe(0)
})

test.each([
  [['a', 'b', '--shared'], /--shared takes one NAME, and there are 2/],
  [['a', 'b', '--exclusive'], /--exclusive takes one NAME/],
  [['a', 'b', '--permits', '2'], /--permits takes one NAME/],
  [['a', 'b', 'a'], /"a" is names\[0\] as well/],
  [Array.from({ length: 65 }, (_, index) => `n${index}`), /has 65 names; it takes 1 to 64/],
])('wrong names are refused before the command runs: %j', async (args, says) => {
  const { status, stdout, stderr } = await ended('run', ...args, '--', 'echo', 'ran')
  expect([status, stdout]).toEqual([64, ''])
  expect(stderr).toMatch(says)
})
