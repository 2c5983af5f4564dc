// Each example runs by its one command, and does what its README says. test/examples/real has the backend of one's own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { postgresFolder, startPostgres } from '../servers/postgres.ts'
import { copyExample } from './copies.ts'

const home = mkdtempSync(join(tmpdir(), 'leasehold-examples-'))
afterAll(() => rmSync(home, { recursive: true }))

/** A store of its own for an example. */
const store = (name: string) => ({ LEASEHOLD_URL: `file:${join(home, name)}` })

const names = readdirSync('examples', { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

test('the list of examples names each folder', () => {
  const listed = [...readFileSync('examples/README.md', 'utf8').matchAll(/^\| \[([\w-]+)\]\(\1\)/gm)]
  expect(listed.map(([, name]) => name).sort()).toEqual(names.sort())
})

test.each(names)('%s has a README with its command, and depends on leasehold', (name) => {
  const { scripts, dependencies } = JSON.parse(readFileSync(join('examples', name, 'package.json'), 'utf8'))
  const readme = readFileSync(join('examples', name, 'README.md'), 'utf8')
  expect(readme).toContain('npm start')
  expect(scripts.start).toBeDefined()
  expect(dependencies.leasehold).toBeDefined()
  for (const [, page] of readme.matchAll(/docs\/([\w-]+\.md)/g)) expect(existsSync(`docs/${page}`)).toBe(true)
})

test('guarded job: after a kill the next process goes on at the next page', async () => {
  const { folder, run } = copyExample('guarded-job')
  const first = spawn(process.execPath, ['job.js'], { cwd: folder, env: { ...process.env, ...store('job') } })
  let seen = ''
  for await (const data of first.stdout) {
    seen += data
    if (seen.includes('page 2')) break
  }
  first.kill('SIGKILL')
  const second = await run('npm start', store('job'))
  const pages = (text: string) => [...text.matchAll(/page (\d) of 5, fenced by token (\d+)/g)]
  const all = [...pages(seen), ...pages(second)]
  // The kill may come after the checkpoint of a page and before its line, so that a page is missing, but none is doubled.
  expect(new Set(all.map(([, page]) => page)).size).toBe(all.length)
  expect(pages(second).at(-1)?.[1]).toBe('5')
  expect(BigInt(pages(second)[0]?.[2] ?? 0)).toBeGreaterThan(BigInt(pages(seen)[0]?.[2] ?? 0))
})

test('cron on three hosts: each tick runs once, also after one host was killed', async () => {
  const printed = await copyExample('cron-three-hosts').run('npm start', store('cron'))
  const [before = '', after = ''] = printed.split('web-1 is killed')
  const ticks = (text: string) =>
    [...text.matchAll(/^(web-\d) (\S+) runs/gm)].map(([, host, tick = '']) => ({
      host,
      at: Date.parse(tick),
    }))
  const all = [...ticks(before), ...ticks(after)].map(({ at }) => at).sort()
  expect(all.length).toBeGreaterThanOrEqual(4)
  expect(all.map((at) => at - (all[0] ?? 0))).toEqual(all.map((_, index) => index * 1_000))
  expect(ticks(after).map(({ host }) => host)).not.toContain('web-1')
})

test('leader: both workers answer their probes, and after a kill the standby leads', async () => {
  const printed = await copyExample('leader').run('npm start', store('leader'))
  const leads = [...printed.matchAll(/^(\d+) leads, term (\d+)$/gm)]
  expect(new Set(leads.map(([, port]) => port)).size).toBe(2)
  expect(BigInt(leads[1]?.[2] ?? 0)).toBeGreaterThan(BigInt(leads[0]?.[2] ?? 0))
  expect(printed).toContain('probes of the leader: /healthz 200, /readyz 200, /leader 200')
  expect(printed).toContain('probes of the standby: /healthz 200, /readyz 200, /leader 503')
  expect(printed).toContain('probes of the next leader: /healthz 200, /readyz 200, /leader 200')
  expect(printed.trim()).toMatch(/leads no longer$/)
})

test('semaphore around an API: four workers make no more than three calls at a time', async () => {
  const printed = await copyExample('semaphore-api').run('npm start', store('api'))
  expect(printed).toContain('at most 3 calls at a time')
  expect(printed.match(/got 5 answers/g)).toHaveLength(4)
})

test('Nest: each tick of two applications runs once, and one of them leads', async () => {
  const { folder, run } = copyExample('nest')
  const env = { ...store('nest'), SECONDS: '3', NO_COLOR: '1' }
  await run('npm run build')
  const hosts = [0, 1].map(() => run('node dist/main.js', env))
  const printed = (await Promise.all(hosts)).join('\n')
  const ticks = [...printed.matchAll(/tick (\S+), fenced by token/g)].map(([, tick]) => tick)
  expect(ticks.length).toBeGreaterThanOrEqual(2)
  expect(new Set(ticks).size).toBe(ticks.length)
  expect(printed).toMatch(/leads, term \d+/)
  expect(printed.match(/rebuilt under token/g)).toHaveLength(2)
  expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).scripts.start).toContain(
    'node dist/main.js',
  )
})

const bin = postgresFolder()
if (!bin) console.log('PostgreSQL is not on this machine, so the example of a fenced write is not tested.')
test.runIf(bin)(
  'fenced write: five processes lose no line, and a late write is refused',
  async () => {
    const { folder, close } = await startPostgres(bin as string)
    try {
      const { run } = copyExample('fenced-postgres')
      const env = { ...store('postgres'), PGHOST: folder, PGUSER: 'postgres', PGDATABASE: 'postgres' }
      const printed = await Promise.all(Array.from({ length: 5 }, () => run('npm start', env)))
      const lines = printed.map((text) => text.match(/one more line/g)?.length ?? 0)
      expect(lines.toSorted()).toEqual([1, 2, 3, 4, 5])
      // A later holder was here: the same lock in another store gives smaller tokens.
      await run(
        `node -e "import('pg').then(async ({ default: { Client } }) => {
      const client = new Client(); await client.connect()
      await client.query('update report set fence = 9000000000000000000'); await client.end() })"`,
        env,
      )
      await expect(run('npm start', env)).rejects.toThrow(/a later holder than token \d+ was here/)
    } finally {
      await close()
    }
  },
  90_000,
)

test('a process that is told to stop releases its lock', async () => {
  const { folder } = copyExample('guarded-job')
  const env = { ...process.env, ...store('stopped') }
  const job = spawn(process.execPath, ['job.js'], { cwd: folder, env })
  await once(job.stdout, 'data')
  job.kill('SIGTERM')
  expect(await once(job, 'exit')).toEqual([143, null])
})
