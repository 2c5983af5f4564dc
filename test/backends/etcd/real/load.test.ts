// A slow or full server, and a client that runs for a long time: nothing accumulates, and no other caller suffers.
import { queryObjects } from 'node:v8'
import { describe, expect, test } from 'vitest'
import { Scope } from '../../../../src/base/scope.ts'
import { freePorts } from '../../../../tools/servers/loopback.mjs'
import { until } from '../../../../tools/servers/wait.mjs'
import { useBuild } from '../../../servers/build.ts'
import { freshNamespace, open, useEtcd } from '../../../servers/etcd.ts'
import { freeze } from '../../../servers/freeze.ts'
import { openLink } from '../../../servers/link.ts'
import { ClientProcess } from '../../../servers/process.ts'

describe('with a server', () => {
  const etcd = useEtcd()
  const built = useBuild()

  test('repeated questions about a hold leave nothing in memory', async () => {
    const client = await etcd.client(freshNamespace())
    const hold = await client.mutex('a').acquire()
    const rounds = async (): Promise<number> => {
      for (let i = 0; i < 100; i += 1) {
        await hold.verify()
        await hold.checkpoint('text')
        await (await client.mutex('b').acquire()).release()
        expect(await client.mutex('a').tryAcquire()).toBeUndefined()
      }
      return queryObjects(Scope, { format: 'count' }) as number
    }

    const before = await rounds()
    expect(await rounds()).toBeLessThan(before + 20)
  })

  test('a store that is too slow to name the holder costs no other caller the connection', async () => {
    const namespace = freshNamespace()
    await (await etcd.client(namespace)).mutex('a').acquire()
    const link = await openLink(etcd.cluster.endpoints[0] ?? '')
    const client = await open(`etcd://${link.address}/${namespace}`, { ttlMs: 60_000 })
    let asked: Promise<unknown> = Promise.resolve()
    // It has the answer that it waits.
    await new Promise((resolve) => {
      const options = { waitMs: 1_000, onWait: resolve }
      asked = client
        .mutex('a')
        .acquire(options)
        .catch((error: unknown) => error)
    })
    const { connections } = link

    link.hold('down')
    expect(await asked).toMatchObject({ code: 'LEASEHOLD_WAIT_TIMEOUT' })
    link.pass()
    await (await client.mutex('b').acquire()).release()

    expect(link.connections).toBe(connections)
  })

  test('a checkpoint may be as long as the facts say, and no longer', async () => {
    const client = await etcd.client(freshNamespace(), { ttlMs: 20_000 })
    const hold = await client.mutex('a').acquire()

    await hold.checkpoint('x'.repeat(1_048_576))
    expect((await client.mutex('a').readCheckpoint())?.length).toBe(1_048_576)
    await expect(hold.checkpoint('x'.repeat(1_048_577))).rejects.toThrow(RangeError)
    await hold.verify()
  })

  test('a process that closes while a checkpoint is being read ends by itself, and soon', async () => {
    const child = new ClientProcess(built.index, etcd.cluster.url(freshNamespace()), { ttlMs: 3_000 })
    await child.hear()
    const [member] = etcd.cluster.members
    child.say('acquire', 'a')
    await child.hear()

    await freeze(member)
    child.say('read', 'a')
    child.say('close')
    expect(await child.hear()).toMatchObject({ closed: expect.any(Number) })
    const began = performance.now()
    expect(await child.exited).toBe(0)

    expect(performance.now() - began).toBeLessThan(2_000)
    expect(child.stderr).toBe('')
  })

  test('a process that finds no server ends by itself', async () => {
    const [port] = await freePorts(1)
    const child = new ClientProcess(built.index, `etcd://127.0.0.1:${port}/`)
    const began = performance.now()

    expect(await child.exited).toBe(1)

    expect(child.stderr).toContain('UnavailableError')
    expect(child.stderr).toContain(String(port))
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  test('a closed client answers every call at once', async () => {
    const client = await etcd.client(freshNamespace())
    await client.close()

    const began = performance.now()
    await expect(client.mutex('a').readCheckpoint()).rejects.toThrow()
    expect(performance.now() - began).toBeLessThan(1_000)
  })
})

describe('with a server whose disk is full', () => {
  const etcd = useEtcd({ extraArgs: ['--quota-backend-bytes=2000000'] })

  test('a holder keeps and releases its lock, and new clients get an error', async () => {
    const namespace = freshNamespace()
    const [holder, other] = [await etcd.client(namespace), await etcd.client(namespace)]
    const hold = await holder.mutex('a').acquire()
    const fill = async (): Promise<boolean> => {
      const puts = Array.from({ length: 5 }, (_, i) =>
        etcd.put(`fill/${Math.random()}/${i}`, 'x'.repeat(200_000)),
      )
      return (await Promise.allSettled(puts)).some(({ status }) => status === 'rejected')
    }
    await until(fill, { describe: () => 'a full disk' })

    const error = await other
      .mutex('b')
      .acquire({ waitMs: 3_000 })
      .catch((reason: unknown) => reason)
    expect((error as { code?: string }).code).toMatch(/^LEASEHOLD_(UNAVAILABLE|REFUSED|WAIT_TIMEOUT)$/)
    await hold.verify()
    await hold.release()
    // Each client still has a session, and the refused requests block nobody.
    expect(await etcd.keys(`${namespace}a/`)).toEqual([])
  })
})
