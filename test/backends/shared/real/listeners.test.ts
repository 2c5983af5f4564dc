// Many callers with one signal, on every store: Node warns at the eleventh listener of a signal or an emitter, and a user takes
// that for a leak.

import { getEventListeners } from 'node:events'
import { pathToFileURL } from 'node:url'
import { Etcd3 } from 'etcd3'
import { expect, onTestFinished, test } from 'vitest'
import { etcd as etcdWith } from '../../../../src/backends/etcd/index.ts'
import { type BackendSource, connect, type Leasehold } from '../../../../src/index.ts'
import { ownedFolder } from '../../../../tools/servers/children.mjs'
import { useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace, useEtcd } from '../../../servers/etcd.ts'

const consul = useConsul({ config: { limits: { http_max_conns_per_client: 1_000 } } })
const etcd = useEtcd()

/** More than the ten listeners after which Node warns. */
const many = 12
const names = Array.from({ length: 64 }, (_, place) => `name-${String(place).padStart(2, '0')}`)

const stores: Record<string, () => string | BackendSource> = {
  memory: () => 'memory:',
  file: () => {
    const folder = ownedFolder('leasehold-listeners')
    onTestFinished(() => folder.remove())
    return pathToFileURL(`${folder.path}/`).href
  },
  etcd: () => etcd.cluster.url(freshNamespace()),
  'etcd with a client of etcd3': () => {
    const client = new Etcd3({ hosts: etcd.cluster.endpoints })
    onTestFinished(() => client.close())
    return etcdWith({ client, namespace: freshNamespace() })
  },
  consul: () => consul.url(freshNamespace()),
}

test.each(Object.keys(stores))(
  '%s: sessions, names, waits and observers by the dozen cause no warning',
  async (store) => {
    const url = stores[store]?.() ?? ''
    const clients = await Promise.all(Array.from({ length: many }, () => connect(url)))
    onTestFinished(() => Promise.all(clients.map((client) => client.close())).then(() => {}))
    const [one, other] = clients as [Leasehold, Leasehold]
    const { signal, abort } = signalOf()

    const own = await Promise.all(
      clients.map((client, place) => client.mutex(`own-${place}`).acquire({ signal })),
    )
    const group = await one.mutexes(names).acquire({ signal })
    const looks = [
      one.survey('', { signal }),
      one.cronJobs('', { signal }),
      ...own.map((hold) => hold.verify({ signal })),
      group.verify({ signal }),
    ]
    await Promise.all(looks)

    const waits = Array.from({ length: many }, (_, place) => [
      other.mutex('name-00').acquire({ signal }),
      other.mutex(names[place] ?? '').acquire({ signal }),
      clients[place]?.semaphore('few', { permits: 2 }).acquire({ signal }),
      clients[place]?.election('leader').campaign({ signal }),
      clients[place]?.rwlock('shared').read.acquire({ signal }),
    ]).flat()
    const observers = clients.map((client) => client.election('leader').observe({ signal }))
    const seen = observers.map((observer) => observer.next())
    const settled = Promise.allSettled([...waits, ...seen])
    await Promise.all(observers.map(() => one.survey('', { signal })))
    abort.abort(new Error('enough'))
    const all = await settled

    expect(all.some(({ status }) => status === 'rejected')).toBe(true)
    await group.release()
    await new Promise(setImmediate) // in which Node emits its warnings
    expect(getEventListeners(signal, 'abort')).toEqual([])
  },
)

function signalOf(): { signal: AbortSignal; abort: AbortController } {
  const abort = new AbortController()
  return { signal: abort.signal, abort }
}
