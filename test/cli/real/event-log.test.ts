// LEASEHOLD_LOG=debug while a real store falls silent and answers again: the lines that an operator reads, in their order.
import { describe, expect, test } from 'vitest'
import { freeze } from '../../servers/freeze.ts'
import { realStores } from '../../servers/real-stores.ts'
import { leasehold } from '../leasehold.ts'

/** The shortest times that each store takes, so that a loss comes in two seconds. */
const times = {
  etcd: { ttl: '2s', query: '' },
  Consul: { ttl: '10s', query: '?lockDelayMs=2000' },
} as const

describe.each(realStores)('$title', ({ title, use }) => {
  const store = use()

  test('a store that hangs: the hold is near its loss, its session is lost, and later there is a new session', async () => {
    const { ttl, query } = times[title]
    const url = `${store.url('log/')}${query}`
    const env = { LEASEHOLD_LOG: 'debug' }
    const run = leasehold(['lead', 'x', '--ttl', ttl, '--url', url, '--', 'sleep', '300'], { env })
    await run.says(/acquire "x": held/)
    await freeze(store.member)
    await run.says(/ session \S+ lost/)
    store.member.cont()
    await run.says(/ session \S+ lost[\s\S]* session \S+ opened/)
    run.signal('SIGTERM')
    await run.ended

    const lines = run.stderr
      .split('\n')
      .flatMap((line) => /^leasehold: debug \S+ (.*)$/.exec(line)?.[1] ?? [])
    const kinds = [
      /^session (\S+) opened/,
      /^hold near loss "x", token \d+, \d+ ms left/,
      /^session (\S+) lost, expired/,
      /^session (\S+) opened/,
    ]
    let from = 0
    const found = kinds.map((kind) => {
      const at = lines.findIndex((line, index) => index >= from && kind.test(line))
      if (at < 0) throw new Error(`no line ${kind} after the first ${from}:\n${lines.join('\n')}`)
      from = at + 1
      return kind.exec(lines[at] ?? '')?.[1]
    })
    expect(found[2]).toBe(found[0])
    expect(found[3]).not.toBe(found[0])
  })
})
