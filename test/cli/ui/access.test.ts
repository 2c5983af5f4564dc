// Which requests `leasehold ui` answers: the token, the name of the server, methods, paths, and the headers of every answer.
import { hostname } from 'node:os'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { newToken } from '../../../src/cli/ui/access.ts'
import { connect } from '../../../src/index.ts'
import { ask, bearer, serve, token } from './page.ts'

let port: number
beforeEach(async () => {
  const client = await connect('memory:')
  onTestFinished(() => client.close())
  await client.mutex('secret-name').acquire()
  port = (await serve(client)).port
})

const cookie = () => ({ cookie: `other=1; leasehold-ui-${port}=${token}` })

describe('nothing is shown', () => {
  test.each(['/', '/app.mjs', '/events', '/break', '/no-such-path', '/?token=wrong', '/?token='])(
    'without the right token: %s',
    async (path) => {
      for (const headers of [
        {},
        { authorization: 'Bearer wrong' },
        { cookie: `leasehold-ui-${port}=wrong` },
      ]) {
        const { status, body, headers: got } = await ask(port, path, { headers })
        expect({ status, body }).toEqual({
          status: 401,
          body: 'The token is missing or wrong: open the URL that leasehold ui printed.\n',
        })
        expect(got['set-cookie']).toBeUndefined()
      }
    },
  )

  test('to the cookie of a server on another port', async () => {
    const headers = { cookie: `leasehold-ui-${port + 1}=${token}` }
    expect(await ask(port, '/', { headers })).toMatchObject({ status: 401 })
  })

  test('for a token in the URL of anything other than the page: it would stay in logs', async () => {
    expect(await ask(port, `/events?token=${token}`)).toMatchObject({ status: 401 })
  })

  test.each(['evil.example', 'evil.example:80', 'localhost.evil.example', '127.0.0.1.evil.example', '[::1'])(
    'to a website that points its name to this address: %s',
    async (host) => {
      const { status, body } = await ask(port, '/', { headers: { ...bearer, host } })
      expect(status).toBe(403)
      expect(body).not.toContain('html')
    },
  )
})

test.each(['localhost', 'LOCALHOST:8080', '127.0.0.1', '[::1]:80', '10.1.2.3:80', hostname()])(
  'the page is shown under a name that no website can have: %s',
  async (host) => {
    expect(await ask(port, '/', { headers: { ...bearer, host } })).toMatchObject({ status: 200 })
  },
)

test('the token in the URL opens the page and becomes a cookie that no script and no other website can use', async () => {
  const { status, headers, body } = await ask(port, `/?token=${token}`)
  expect(status).toBe(200)
  expect(body).toMatch(/^<!doctype html>/)
  expect(body).not.toContain(token)
  expect(headers['set-cookie']).toEqual([`leasehold-ui-${port}=${token}; Path=/; HttpOnly; SameSite=Strict`])
  const again = await ask(port, '/', { headers: cookie() })
  expect(again.status).toBe(200)
  expect(again.headers['set-cookie']).toBeUndefined()
})

test('every answer forbids foreign code, referrers, caches and frames', async () => {
  const paths = ['/', '/style.css', '/app.mjs', '/icon.svg', '/no-such-path']
  const answers = await Promise.all(paths.map((path) => ask(port, path, { headers: bearer })))
  for (const { headers } of [...answers, await ask(port, '/')]) {
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cross-origin-resource-policy': 'same-origin',
    })
    const policy = headers['content-security-policy']
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).toContain("require-trusted-types-for 'script'")
    expect(policy).not.toMatch(/unsafe|\*|https?:/)
    expect(headers['access-control-allow-origin']).toBeUndefined()
  }
})

test('the page names nothing outside of its own server, and has no code or style inside', async () => {
  const { body } = await ask(port, '/', { headers: bearer })
  expect(body).not.toMatch(/https?:|\/\/|<style|style=|\son\w+=|<script(?![^>]*src=)/)
  const modules = [...body.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, path]) => path)
  for (const path of modules)
    expect(await ask(port, `/${path}`, { headers: bearer })).toMatchObject({ status: 200 })
})

test('HEAD has no body, and other methods are refused with those that are allowed', async () => {
  const { status, headers, body } = await ask(port, '/', { method: 'HEAD', headers: bearer })
  expect({ status, body }).toEqual({ status: 200, body: '' })
  expect(headers['content-type']).toBe('text/html; charset=utf-8')
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
    expect(await ask(port, '/', { method, headers: bearer })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
    })
  expect(await ask(port, '/break', { headers: bearer })).toMatchObject({
    status: 405,
    headers: { allow: 'POST' },
  })
})

test.each([
  '/../package.json',
  '/%2e%2e/%2e%2e/package.json',
  '/page/index.html',
  '/index.html/../../server.ts',
  '//etc/passwd',
  '/app.mjs%00.html',
  '/constructor',
  '/tsconfig.json',
])('a path that is not one of its files is not found: %s', async (path) => {
  expect(await ask(port, path, { headers: bearer })).toMatchObject({
    status: 404,
    body: 'There is no such page.\n',
  })
})

test('a header of 100 kB is refused, and the server goes on', async () => {
  const { status } = await ask(port, '/', { headers: { ...bearer, 'x-long': 'x'.repeat(100_000) } })
  expect(status).toBe(431)
  expect(await ask(port, '/', { headers: bearer })).toMatchObject({ status: 200 })
})

test('each server has a token of its own, which fits into a URL', () => {
  const tokens = Array.from({ length: 100 }, () => newToken(systemClock()))
  expect(new Set(tokens).size).toBe(100)
  for (const each of tokens) expect(each).toMatch(/^[a-z0-9]{30,40}$/)
})
