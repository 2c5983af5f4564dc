// The probes of a candidate whose store falls silent and comes back.
import { expect, test } from 'vitest'
import { freePorts } from '../../../tools/servers/loopback.mjs'
import { freshNamespace, useEtcd } from '../../servers/etcd.ts'
import { leasehold } from '../leasehold.ts'
import { untilProbed } from '../probes.ts'

const etcd = useEtcd()

test('a standby that is cut off from its store stays live, is not ready, and is ready again with the store', async () => {
  const url = etcd.cluster.url(freshNamespace())
  const [member] = etcd.cluster.members
  const [port = 0] = await freePorts(1)
  const tame = ['--', 'sh', '-c', 'echo leads $$; exec sleep 300']
  const first = leasehold(['lead', 'x', '--url', url, '--ttl', '60s', ...tame])
  await first.pidOf('leads')
  const args = ['lead', 'x', '--url', url, '--ttl', '3s', '--health', String(port)]
  const second = leasehold([...args, ...tame])
  await untilProbed(port, 'standby 200 200 503')

  member.stop()
  await untilProbed(port, 'away 200 503 503')
  member.cont()

  await untilProbed(port, 'standby 200 200 503')
  expect(second.stdout).toBe('')
})
