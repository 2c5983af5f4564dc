// LEASEHOLD_TOKEN is the number by which an operator finds the lock: in `ls`, and for `break`. On etcd the token of a mutex
// that had to wait is the revision of its admission, which no key has.
import { expect, test } from 'vitest'
import { until } from '../../../tools/servers/wait.mjs'
import { freshNamespace, useEtcd } from '../../servers/etcd.ts'
import { leasehold } from '../leasehold.ts'

const etcd = useEtcd()

test('ls shows the LEASEHOLD_TOKEN of a command that had to wait, and break takes the lock with it', async () => {
  const namespace = freshNamespace()
  const env = { LEASEHOLD_URL: etcd.cluster.url(namespace) }
  const hold = await (await etcd.client(namespace)).mutex('a').acquire()
  const script = 'echo holds $LEASEHOLD_TOKEN by $$; while :; do sleep 0.02; done'
  const run = leasehold(['run', 'a', '--wait', '1m', '--', 'sh', '-c', script], { env })
  const [, waiter] = await etcd.line(namespace, 'a', 2)
  await etcd.put('unrelated', 'moves the revision on')
  expect(run.stdout).toBe('')
  await hold.release()
  const [, token = ''] = await run.says(/holds (\d+) by/)
  expect(BigInt(token)).toBeGreaterThan(waiter?.created ?? 0n)

  const list = await leasehold(['ls'], { env }).ended
  expect(list.stdout).toMatch(new RegExp(`^a +mutex +holds +\\S+ \\(pid ${run.pid}\\) +\\S+ +${token} `, 'm'))
  const document = JSON.parse((await leasehold(['ls', '--json'], { env }).ended).stdout)
  expect(document.names[0].holders[0].token).toBe(token)

  const past = await leasehold(['break', 'a', '--token', String(hold.token)], { env }).ended
  expect(past.status).toBe(75)
  expect(past.stderr).toContain(`with token ${token}\n`)
  const taken = await leasehold(['break', 'a', '--token', token], { env }).ended
  expect(taken.stdout).toMatch(new RegExp(`taken from \\S+ \\(pid ${run.pid}\\), token ${token}\n`))
  expect((await run.ended).status).toBe(70)
  await until(async () => (await etcd.keys(`${namespace}a/`)).length === 0, {
    describe: () => 'no claim on a',
  })
})
