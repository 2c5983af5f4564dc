// What the options of etcd and its variables say, before any server is asked.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { etcd, etcdFromUrl } from '../../../src/backends/etcd/index.ts'
import { refusalOf } from '../../refusal.ts'
import { temporaryDirectory } from '../file/processes.ts'

test.each([
  [{}, 'etcd://127.0.0.1:2379/'],
  [{ endpoints: ['h', '[::1]:1'] }, 'etcd://h:2379,[::1]:1/'],
  [{ tls: true, namespace: 'a' }, 'etcds://127.0.0.1:2379/a/'],
  [{ tls: false, namespace: 'a/' }, 'etcd://127.0.0.1:2379/a/'],
  [{ auth: { username: 'hunter2', password: 'hunter2' } }, 'etcd://127.0.0.1:2379/'],
])('the URL of a source says where it is and which names it uses, and no secret', (options, url) => {
  expect(etcd(options).url).toBe(url)
})
