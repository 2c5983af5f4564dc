// Two datacenters of Consul that are joined over WAN: a lock in the remote one through the agent of the near one, and the
// errors for a datacenter, node or check that does not exist.
import { expect, test } from 'vitest'
import { connect, RefusedError } from '../../../../src/index.ts'
import { ask, freePorts } from '../../../../tools/servers/loopback.mjs'
import { until } from '../../../../tools/servers/wait.mjs'
import { useConsul } from '../../../servers/consul-faults.ts'
import { freshNamespace, open } from '../../../servers/etcd.ts'

const [here, there] = (await freePorts(2)) as [number, number]
const near = useConsul({ config: { datacenter: 'dc1', ports: { serf_wan: here } } })
const far = useConsul({
  config: {
    datacenter: 'dc2',
    ports: { serf_wan: there },
    retry_join_wan: [`127.0.0.1:${here}`],
    retry_interval_wan: '500ms',
  },
})

/** Resolves when both datacenters know one another. */
async function joined(): Promise<void> {
  for (const { cluster } of [near, far]) {
    const isJoined = async () => {
      const answer = await ask(`http://${cluster.members[0].endpoint}/v1/catalog/datacenters`)
      return answer?.status === 200 && JSON.parse(answer.body).length === 2
    }
    await until(isJoined, { describe: () => 'the datacenters are joined', deadlineMs: 60_000 })
  }
}

test('a lock in another datacenter is kept in that datacenter alone, and its clients contend for it', async () => {
  await joined()
  const namespace = freshNamespace()
  const url = `${near.url(namespace)}?dc=dc2&node=${far.cluster.members[0].name}`
  const [through, direct] = [await open(url), await far.client(namespace)]
  const hold = await through.mutex('a').acquire()
  const second = direct.mutex('a').acquire()
  await far.line(namespace, 'a', 1)
  expect(await near.keys()).toEqual([])
  await hold.release()
  expect((await second).token).toBeGreaterThan(hold.token)
  await (await second).release()
}, 90_000)

test.each([
  ['?dc=dc2', /node: name a node in the datacenter "dc2"/],
  ['?dc=dc2&node=nobody', /node: there is no node "nobody" in the datacenter "dc2"/],
  ['?dc=dc9', /dc: the agent knows no datacenter "dc9"/],
  ['?node=nobody', /node: there is no node "nobody"/],
  ['?checks=nothing', /checks: the node has no check "nothing"/],
])(
  'connect refuses a URL with %s, and the error tells which parameter to correct',
  async (query, message) => {
    await joined()
    const error = await connect(`${near.url(freshNamespace())}${query}`).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(RefusedError)
    expect((error as Error).message).toMatch(message)
  },
  90_000,
)
