// Candidates and leaders whose sessions end, and leaders that are deposed: no dead claim leads, and no old term speaks.
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { freshNamespace } from '../../../servers/etcd.ts'
import { realStores } from '../../../servers/real-stores.ts'

describe.for(realStores)('on $title', ({ use }) => {
  const store = use()
  const client = (namespace: string) => store.client(namespace, { noDelay: true })

  test('a candidate never leads with a claim whose session ended, even if its turn came at once', async () => {
    const namespace = freshNamespace()
    const one = await client(namespace)
    for (let round = 0; round < 20; round += 1) {
      const term = await one.election('a').campaign({ value: 'first' })
      const other = await client(namespace)
      const next = other.election('a').campaign({ value: 'second' })
      await store.line(namespace, 'a', { holders: 1, waiters: 1 })
      const [, claim] = await one.election('a').candidates()

      await store.endSession(claim?.session ?? '')
      await term.resign()

      const led = await next
      await led.verify()
      expect(led.token).toBeGreaterThan(term.token)
      const leader = await one.election('a').leader()
      expect(leader).toMatchObject({ value: 'second', token: led.token })
      expect(leader?.session, 'the session of the dead claim').not.toBe(claim?.session)
      await led.resign()
      await other.close()
    }
  })

  test.for(['its session ended', 'it was broken by an operator', 'it resigned'] as const)(
    'a leader can proclaim nothing after %s',
    async (end) => {
      const namespace = freshNamespace()
      const [one, other] = [await client(namespace), await client(namespace)]
      const election = one.election('a')
      const term = await election.campaign({ value: 'first' })
      const leader = await election.leader()
      if (end === 'its session ended') await store.endSession(leader?.session ?? '')
      if (end === 'it was broken by an operator') await other.break('a', term.token)
      if (end === 'it resigned') await term.resign()
      const next = await other.election('a').campaign({ value: 'next' })

      const proclaimed = term.proclaim('too late')

      const code = end === 'it resigned' ? 'LEASEHOLD_HOLD_RELEASED' : 'LEASEHOLD_HOLD_LOST'
      await expect(proclaimed).rejects.toMatchObject({ code })
      expect(term.held).toBe(false)
      if (!term.signal.aborted) await once(term.signal, 'abort')
      expect(await election.leader()).toMatchObject({ value: 'next', token: next.token })
      await next.verify()
    },
  )
})
