// The generated code for etcd's messages, and the numbers that it reads.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { leaseGrant, txn } from '../../../src/backends/etcd/wire/http2/messages.ts'
import { etcdserverpb } from '../../../src/backends/etcd/wire/http2/proto/messages.ts'
import { generated } from '../../../tools/wire.mjs'
import { generated as file } from '../../sources.ts'

test('the generated code is up to date with etcd.proto', async () => {
  expect(readFileSync(`src/${file}`, 'utf8')).toBe(await generated())
})

test.for(['0', '1', '4294967295', '9007199254740991', '9007199254740993', '9223372036854775807', '-1'])(
  'a 64-bit number is read to the last digit: %s',
  (ID) => {
    const bytes = etcdserverpb.LeaseGrantResponse.encode({ ID, TTL: '5' }).finish()
    expect(leaseGrant.decode(bytes)).toEqual({ ID, TTL: '5' })
  },
)

test('a decoded answer has every list and every number, also those that etcd leaves out', () => {
  const answer = { succeeded: true, responses: [{ response_range: { kvs: [{ key: Buffer.from('a') }] } }] }
  const bytes = etcdserverpb.TxnResponse.encode(answer).finish()
  const [response] = txn.decode(bytes).responses
  expect(response?.response_range).toMatchObject({ more: false, count: '0' })
  expect(response?.response_range?.kvs[0]).toMatchObject({ value: Buffer.alloc(0), lease: '0', version: '0' })
})
