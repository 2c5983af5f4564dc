// One of three members is killed or hangs: a holder keeps its lock or learns of its loss in time, two never hold, and
// waiters go on.
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Hold, Leasehold } from '../../../../src/index.ts'
import type { Member } from '../../../../tools/servers/run.mjs'
import { until } from '../../../../tools/servers/wait.mjs'
import { freshNamespace, open, useEtcd } from '../../../servers/etcd.ts'
import { freeze } from '../../../servers/freeze.ts'
import { etcdLines } from '../../../servers/lines.ts'

const ttlMs = 10_000

/** Checks all the time whether two holds believe that they hold. */
function overlapOf(...holds: (Hold | undefined)[]): { stop(): number; add(hold: Hold): void } {
  let overlaps = 0
  const timer = setInterval(() => {
    if (holds.filter((hold) => hold?.held).length > 1) overlaps += 1
  }, 2)
  const stop = (): number => {
    clearInterval(timer)
    return overlaps
  }
  onTestFinished(() => void stop())
  return { stop, add: (hold) => holds.push(hold) }
}

const mishaps = {
  'the leader is killed': { pick: (leader: Member) => leader, harm: (member: Member) => member.kill() },
  'the leader hangs': { pick: (leader: Member) => leader, harm: freeze },
  'a follower is killed': {
    pick: (_: Member, [follower]: Member[]) => follower as Member,
    harm: (member: Member) => member.kill(),
  },
  'a follower hangs': {
    pick: (_: Member, [follower]: Member[]) => follower as Member,
    harm: freeze,
  },
}

describe.for(etcdLines)('three members of etcd %s', ({ line }) => {
  const etcd = useEtcd({ line, members: 3 })

  /** A client that talks to this member first. */
  function through(member: Member, namespace: string, options = {}): Promise<Leasehold> {
    const others = etcd.cluster.endpoints.filter((endpoint) => endpoint !== member.endpoint)
    return open(`etcd://${[member.endpoint, ...others].join(',')}/${namespace}`, { ttlMs, ...options })
  }

  async function leaderAndFollowers(): Promise<{ leader: Member; followers: Member[] }> {
    await Promise.all(etcd.cluster.members.map((member) => member.healthy()))
    const leader = await etcd.cluster.leader()
    return { leader, followers: etcd.cluster.members.filter((member) => member !== leader) }
  }

  test.for(Object.entries(mishaps))(
    'when %s, which the client uses, its hold stays and the next client gets the lock',
    async ([, mishap]) => {
      const { leader, followers } = await leaderAndFollowers()
      const victim = mishap.pick(leader, followers)
      const namespace = freshNamespace()
      const [holder, waiter] = [await through(victim, namespace), await through(victim, namespace)]
      const hold = await holder.mutex('a').acquire()
      const waiting = waiter.mutex('a').acquire()
      await etcd.line(namespace, 'a', 2)
      onTestFinished(async () => (victim.state === 'stopped' ? victim.cont() : victim.restart()))
      const overlap = overlapOf(hold)

      await mishap.harm(victim)
      const before = hold.remainingMs
      // A renewal, which needs a leader again and another member to ask.
      await until(async () => hold.remainingMs > before || hold.signal.aborted, {
        describe: () => 'a renewal',
        everyMs: 5,
      })
      expect(hold.signal.aborted).toBe(false)
      await hold.release()
      const next = await waiting
      overlap.add(next)

      await next.verify()
      expect(overlap.stop()).toBe(0)
    },
  )

  test('without a quorum a holder learns of its loss in time, and the line moves when the quorum is back', async () => {
    const { leader, followers } = await leaderAndFollowers()
    const namespace = freshNamespace()
    const [holder, waiter] = [
      await through(leader, namespace, { ttlMs: 3_000 }),
      await through(leader, namespace),
    ]
    const hold = await holder.mutex('a').acquire()
    let next: Hold | undefined
    const waiting = waiter
      .mutex('a')
      .acquire()
      .then((acquired) => {
        next = acquired
        overlap.add(acquired)
        return acquired
      })
    waiting.catch(() => {})
    const overlap = overlapOf(hold)
    await etcd.line(namespace, 'a', 2)
    const halted = [leader, followers[0] as Member]

    const began = performance.now()
    await Promise.all(halted.map(freeze))
    if (!hold.signal.aborted) await once(hold.signal, 'abort')
    expect(performance.now() - began).toBeLessThan(3_000)
    expect(next).toBeUndefined()
    for (const member of halted) member.cont()

    await (await waiting).verify()
    expect(overlap.stop()).toBe(0)
  })

  test('a session without holds is still renewed after the death of the member that it uses', async () => {
    const { followers } = await leaderAndFollowers()
    const [victim] = followers as [Member]
    const before = new Set(await etcd.leases())
    await through(victim, freshNamespace(), { ttlMs: 3_000 })
    const [lease] = (await etcd.leases()).filter((each) => !before.has(each))
    onTestFinished(() => victim.restart())

    await victim.kill()
    const end = performance.now() + 5_000
    const there = async () => (await etcd.leases()).includes(lease ?? '')
    await until(async () => performance.now() > end || !(await there()), {
      describe: () => 'two lives',
      everyMs: 50,
    })

    expect(await there()).toBe(true)
  })
})
