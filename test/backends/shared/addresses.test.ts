// How etcd's URLs are read: several hosts, a namespace, and messages that show no possible password.
import { expect, test } from 'vitest'
import { formatEtcdUrl, parseEtcdUrl } from '../../../src/backends/etcd/url.ts'

test.each([
  ['etcd://h', ['h:2379'], '', false],
  ['etcd://h/', ['h:2379'], '', false],
  ['ETCDS://h:1,other:65535/a', ['h:1', 'other:65535'], 'a/', true],
  ['etcd://[::1],[fe80::1]:23/a/b/', ['[::1]:2379', '[fe80::1]:23'], 'a/b/', false],
  ['etcd://h/a%20%C3%BC/', ['h:2379'], 'a ü/', false],
])('%s is read, and the written URL is read the same', (url, endpoints, namespace, tls) => {
  const read = parseEtcdUrl(url)
  expect(read).toEqual({ endpoints, namespace, tls })
  expect(parseEtcdUrl(formatEtcdUrl(read))).toEqual(read)
})

test.each([
  'etcd://',
  'etcd:h',
  'etcd://h:0/',
  'etcd://h:65536/',
  'etcd://h,/',
  'etcd://h/%zz',
  'etcd://h/?a',
])('%s is refused as a URL', (url) => {
  expect(() => parseEtcdUrl(url)).toThrow(/^url: /)
})

test.each(['etcd://root:hunter2@h/', 'etcd://root:hunter2/', 'etcd://hunter2@h:2/', 'etcd://h:hunter2/'])(
  'the message about %s does not show a possible password',
  (url) => {
    expect(() => parseEtcdUrl(url)).toThrow(/^((?!hunter2).)*$/)
  },
)
