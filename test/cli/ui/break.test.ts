// `POST /break` of `leasehold ui`: only with --allow-break, only from the page itself, and only the holder that was shown.
import { expect, onTestFinished, test } from 'vitest'
import { memory } from '../../../src/backends/memory/index.ts'
import { connect, type Leasehold } from '../../../src/index.ts'
import { type Answer, ask, bearer, serve, token } from './page.ts'

const json = { 'content-type': 'application/json' }

const store = memory()

async function start(mayBreak = true): Promise<{ client: Leasehold; port: number }> {
  const client = await connect(store)
  onTestFinished(() => client.close())
  return { client, port: (await serve(client, { mayBreak })).port }
}

const post = (port: number, body: string, headers: Record<string, string>): Promise<Answer> =>
  ask(port, '/break', { method: 'POST', headers, body })

test('the holder with the token loses the lock, and the next in line has it', async () => {
  const { client, port } = await start()
  const hold = await client.mutex('deploy').acquire()
  const other = await connect(store)
  onTestFinished(() => other.close())
  const next = other.mutex('deploy').acquire()
  await expect.poll(async () => (await client.line('deploy')).length).toBe(2)
  const body = JSON.stringify({ name: 'deploy', token: String(hold.token) })
  const headers = { ...json, cookie: `leasehold-ui-${port}=${token}`, origin: `http://127.0.0.1:${port}` }
  const answer = await post(port, body, headers)
  expect(answer.status).toBe(200)
  expect(JSON.parse(answer.body)).toEqual({
    broken: true,
    message: expect.stringMatching(new RegExp(`^"deploy": taken from .* \\(pid ${process.pid}\\)\\.$`)),
  })
  await expect(hold.verify()).rejects.toThrow()

  const again = await post(port, body, headers)
  expect(again.status).toBe(409)
  expect(JSON.parse(again.body)).toMatchObject({
    broken: false,
    message: expect.stringMatching(/nothing was changed/),
  })
  expect((await next).held).toBe(true)
})

test('without --allow-break nothing is broken, and the answer names the option', async () => {
  const { client, port } = await start(false)
  const hold = await client.mutex('deploy').acquire()
  const body = JSON.stringify({ name: 'deploy', token: String(hold.token) })
  const answer = await post(port, body, { ...json, ...bearer })
  expect(answer.status).toBe(403)
  expect(answer.body).toContain('--allow-break')
  await hold.verify()
})

test('a request from another website breaks nothing, with the cookie of this browser too', async () => {
  const { client, port } = await start()
  const hold = await client.mutex('deploy').acquire()
  const body = JSON.stringify({ name: 'deploy', token: String(hold.token) })
  const cookie = `leasehold-ui-${port}=${token}`
  const origins = [
    'https://evil.example',
    'null',
    `http://127.0.0.1:${port + 1}`,
    `http://127.0.0.1:${port}.evil`,
    '',
  ]
  for (const origin of origins)
    expect(await post(port, body, { ...json, cookie, origin })).toMatchObject({ status: 403 })
  expect(await post(port, body, { ...json, cookie })).toMatchObject({ status: 403 })
  expect(await post(port, body, { 'content-type': 'text/plain', ...bearer })).toMatchObject({ status: 415 })
  expect(await post(port, body, { ...json, origin: `http://127.0.0.1:${port}` })).toMatchObject({
    status: 401,
  })
  await hold.verify()
})

test.each([
  ['no JSON', '{', /body/],
  ['null', 'null', /name/i],
  ['no name', '{"token":"1"}', /name/i],
  ['an empty name', '{"name":"","token":"1"}', /NAME: "" is empty/],
  ['a token as a number', '{"name":"deploy","token":1}', /token/],
  ['a token of many digits', '{"name":"deploy","token":"99999999999999999999"}', /token/],
])('%s is a bad request that says so', async (_, body, message) => {
  const { port } = await start()
  const answer = await post(port, body, { ...json, ...bearer })
  expect(answer.status).toBe(400)
  expect(JSON.parse(answer.body)).toEqual({ broken: false, message: expect.stringMatching(message) })
})

test('a body of a megabyte is not read to its end', async () => {
  const { port } = await start()
  const answer = await post(port, 'x'.repeat(1_000_000), { ...json, ...bearer }).catch(() => undefined)
  expect(answer?.status ?? 413).toBe(413)
  expect(await ask(port, '/', { headers: bearer })).toMatchObject({ status: 200 })
})
