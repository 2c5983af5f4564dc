// `leasehold ui` as a user starts it: the URL that it prints, its warnings, and its end.
import { createServer } from 'node:net'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { leasehold, temporaryFolder } from '../leasehold.ts'
import { ask, open } from './page.ts'

let env: { LEASEHOLD_URL: string }
beforeEach(() => {
  env = { LEASEHOLD_URL: `file:${temporaryFolder()}` }
})

test('it prints one URL that opens the page, and SIGTERM ends it and every open page at once', async () => {
  const run = leasehold(['ui'], { env })
  const [, port = '', token = ''] = await run.says(/^http:\/\/127\.0\.0\.1:(\d+)\/\?token=(\w{30,40})\n/)
  await run.says(/Ctrl-C ends it, and nothing can be changed there/)
  expect(run.stdout.split('\n')).toHaveLength(2)
  const { headers, body } = await ask(Number(port), `/?token=${token}`)
  expect(body).toContain('<title>Leasehold</title>')
  const page = await open(Number(port), { cookie: headers['set-cookie']?.[0]?.split(';')[0] ?? '' })
  expect(await page.next('state')).toMatchObject({ names: [], mayBreak: false })

  const begunMs = performance.now()
  run.signal('SIGTERM')
  await page.ended
  expect(await run.ended).toMatchObject({ status: 0 })
  expect(performance.now() - begunMs).toBeLessThan(2_000)
})

test('a port that is taken is named, with what to do, and the exit status is 1', async () => {
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void taken.close())
  const address = taken.address()
  const port = typeof address === 'object' ? String(address?.port) : ''
  const { status, stdout, stderr } = await leasehold(['ui', '--port', port], { env }).ended
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(new RegExp(`--port: ${port} is in use at 127\\.0\\.0\\.1; take another one, or 0`))
})

test('an address that other machines reach is warned about, and an interrupt is the normal end', async () => {
  const run = leasehold(['ui', 'billing/', '--host', '0.0.0.0', '--allow-break'], { env })
  await run.says(/--host 0\.0\.0\.0: other machines can reach the page.*unencrypted/)
  const [, port, token] = await run.says(/^http:\/\/127\.0\.0\.1:(\d+)\/\?token=(\w+)$/m)
  const page = await open(Number(port), { authorization: `Bearer ${token}`, host: `10.0.0.7:${port}` })
  expect(await page.next('state')).toMatchObject({ prefix: 'billing/', mayBreak: true })
  run.signal('SIGINT')
  expect(await run.ended).toMatchObject({ status: 0 })
})
