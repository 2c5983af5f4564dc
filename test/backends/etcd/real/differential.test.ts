// Compares the simulated etcd with real ones: both must give the same answers to any questions in any order. No other
// client asks these servers, and each sequence leaves no key, so that every revision can be compared.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as requests from '../../../../src/backends/etcd/operations.ts'
import { EtcdClient } from '../../../../src/backends/etcd/wire/client.ts'
import { member } from '../../../../src/backends/etcd/wire/http2/link.ts'
import type { Change, Transport } from '../../../../src/backends/etcd/wire/transport.ts'
import { systemClock } from '../../../../src/base/clock.ts'
import { SimEtcd, type WatchMessage } from '../../../../src/testing/etcd/server.ts'
import { World } from '../../../../src/testing/world.ts'
import { type EtcdCluster, type EtcdLine, startEtcd } from '../../../../tools/servers/run.mjs'
import { Seen, tryAll } from '../../../servers/differential.ts'
import { failOnComplaints } from '../../../servers/etcd.ts'
import { Play } from '../../../servers/etcd-play.ts'
import { everything, type Step, sequences } from '../../../servers/etcd-sequences.ts'
import { etcdLines, isNewest } from '../../../servers/lines.ts'

const never = new AbortController().signal
const clock = systemClock()
let leases = 0

/** The simulated server as a connection, without a network in between. */
function simulated(line: EtcdLine): Transport {
  const server = new SimEtcd(new World(1))
  server.state.keysNameLeases = line !== '3.7'
  return {
    txn: async (request) => server.txn(request),
    grant: async (id, seconds) => server.grant(id, seconds),
    keepAlive: async (id) => server.keepAlive(id),
    revoke: async (id) => server.revoke(id),
    timeToLive: async (id) => server.timeToLive(id),
    watch({ key: from, end }, listener) {
      const send = (message: WatchMessage): void => {
        if ('created' in message) listener.created(message.created)
        else if ('written' in message) listener.written?.(message.written)
        else listener.deleted(message.deleted as Change[])
      }
      return server.watch(
        { key: from, end, writes: listener.written !== undefined },
        { send, fail: () => listener.failed() },
      )
    },
    close() {},
  }
}

/** The answers that must have been seen. */
const mustSee = [
  'SessionGoneError',
  'RefusedError',
  '"succeeded":true',
  '"succeeded":false',
  '"more":true',
  '"lease":1',
  '"version":2',
  'revoked',
  'watched',
]

for (const { line, version } of etcdLines) {
  describe(`etcd ${version}`, () => {
    let cluster: EtcdCluster
    let store: EtcdClient
    beforeAll(async () => {
      cluster = await startEtcd({ line, unsafeNoFsync: true })
      const [address] = cluster.endpoints
      store = new EtcdClient([member(address as string, {}, clock)])
    })
    afterAll(async () => {
      store?.close()
      await cluster?.close()
    })

    test('answers any sequence of transactions, leases and watches as the simulated etcd does', async ({
      task,
    }) => {
      const seen = new Seen()
      const compare = async (steps: readonly Step[]): Promise<string> => {
        leases += 10
        const { header } = await store.txn(requests.txn([], [everything]), never)
        const real = new Play(store, { revision: BigInt(header.revision), lease: leases })
        const imagined = new Play(simulated(line), { revision: 1n, lease: leases })
        try {
          await Promise.all([real.run(steps), imagined.run(steps)])
          expect(imagined.answers).toEqual(real.answers)
        } finally {
          real.close()
        }
        const text = JSON.stringify(real.answers)
        for (const kind of mustSee) if (text.includes(kind)) seen.add(kind)
        steps.forEach(({ ask }, at) => {
          if (ask === 'watch') seen.add('watched')
          if (ask === 'revoke' && steps.slice(0, at).some((before) => before.ask === 'grant'))
            seen.add('revoked')
        })
        return text
      }
      // The lines answer nearly alike. With a thousand sequences each kind of answer is seen often.
      const runs = isNewest(line) ? 2_000 : 1_000
      await tryAll(task, { sequences, runs, lanes: 1, compare })
      expect(seen.lacking(mustSee)).toEqual([])
    }, 120_000)
  })
}

failOnComplaints()
