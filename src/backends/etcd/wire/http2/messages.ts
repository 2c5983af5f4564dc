// The messages of etcd's calls, from and to bytes. Owns their shape for the rest of the backend: 64-bit numbers are decimal
// strings, and every list and number is there, also where etcd leaves out a zero. proto/messages.ts does the encoding.
import type {
  IKeyValue,
  ILeaseKeepAliveRequest,
  ILeaseKeepAliveResponse,
  IRangeResponse,
  ITxnRequest,
  ITxnResponse,
  IWatchRequest,
  IWatchResponse,
} from 'etcd3'
import { etcdserverpb as pb } from './proto/messages.ts'

/** One call of etcd's API: its path, and how its messages become bytes and come back. */
export interface Method<Question, Answer> {
  readonly path: string
  encode(question: Question): Uint8Array
  decode(bytes: Uint8Array): Answer
}

/** A 64-bit number as protobufjs reads it. */
interface Long {
  readonly high: number
  readonly low: number
  toString(): string
}

const zero: Long = { high: 0, low: 0, toString: () => '0' }
const safeHigh = 2 ** 21

/** The number in decimal. Long's own way costs about a microsecond; small numbers do not need it. */
function decimal(value: Long = zero): string {
  const { high, low } = value
  return high >= 0 && high < safeHigh ? String(high * 2 ** 32 + (low >>> 0)) : value.toString()
}

interface Header {
  readonly revision?: Long
}

/** protobufjs has null for a message that is not there. */
const headerOf = (header: Header | null | undefined): ITxnResponse['header'] =>
  ({ revision: decimal(header?.revision) }) as ITxnResponse['header']

interface Entry {
  readonly key: Buffer
  readonly value: Buffer
  readonly create_revision: Long
  readonly mod_revision: Long
  readonly version: Long
  readonly lease: Long
}

const empty = Buffer.alloc(0)

/** Missing bytes are a plain empty array in protobufjs. */
const bytesOf = (bytes: Buffer): Buffer => (bytes.length === 0 ? empty : bytes)

function entryOf({ key, value, create_revision, mod_revision, version, lease }: Entry): IKeyValue {
  return {
    key: bytesOf(key),
    value: bytesOf(value),
    create_revision: decimal(create_revision),
    mod_revision: decimal(mod_revision),
    version: decimal(version),
    lease: decimal(lease),
  } as unknown as IKeyValue
}

interface Range {
  readonly header?: Header | null
  readonly kvs: readonly Entry[]
  readonly more: boolean
  readonly count: Long
}

function rangeOf({ header, kvs, more, count }: Range): IRangeResponse {
  return { header: headerOf(header), kvs: kvs.map(entryOf), more, count: decimal(count) }
}

interface Operation {
  readonly response_range?: Range
  readonly response_delete_range?: { readonly deleted: Long }
}

function operationOf({ response_range: range, response_delete_range: removed }: Operation) {
  if (range) return { response_range: rangeOf(range) }
  return removed ? { response_delete_range: { deleted: decimal(removed.deleted) } } : { response_put: {} }
}

/** A transaction. */
export const txn: Method<ITxnRequest, ITxnResponse> = {
  path: '/etcdserverpb.KV/Txn',
  encode: (request) => pb.TxnRequest.encode(request).finish(),
  decode(bytes) {
    const { header, succeeded, responses } = pb.TxnResponse.decode(bytes)
    return { header: headerOf(header), succeeded, responses: responses.map(operationOf) } as ITxnResponse
  },
}

/** Whether a key exists. */
export const range: Method<{ readonly key: Buffer }, IRangeResponse> = {
  path: '/etcdserverpb.KV/Range',
  encode: (request) => pb.RangeRequest.encode(request).finish(),
  decode: (bytes) => rangeOf(pb.RangeResponse.decode(bytes)),
}

/** A lease, and the seconds that it has. */
export interface Lease {
  readonly ID: string
  readonly TTL: string
}

const leaseOf = ({ ID, TTL }: { readonly ID: Long; readonly TTL: Long }): Lease => ({
  ID: decimal(ID),
  TTL: decimal(TTL),
})

/** Grants a lease. */
export const leaseGrant: Method<{ readonly ID: string; readonly TTL: number }, Lease> = {
  path: '/etcdserverpb.Lease/LeaseGrant',
  encode: (request) => pb.LeaseGrantRequest.encode(request).finish(),
  decode: (bytes) => leaseOf(pb.LeaseGrantResponse.decode(bytes)),
}

/** Ends a lease. */
export const leaseRevoke: Method<{ readonly ID: string }, void> = {
  path: '/etcdserverpb.Lease/LeaseRevoke',
  encode: (request) => pb.LeaseRevokeRequest.encode(request).finish(),
  decode: () => {},
}

/** Asks how long a lease has left. */
export const leaseTimeToLive: Method<{ readonly ID: string }, Lease> = {
  path: '/etcdserverpb.Lease/LeaseTimeToLive',
  encode: (request) => pb.LeaseTimeToLiveRequest.encode(request).finish(),
  decode: (bytes) => leaseOf(pb.LeaseTimeToLiveResponse.decode(bytes)),
}

/** Renews leases: a stream of questions and answers. */
export const leaseKeepAlive: Method<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse> = {
  path: '/etcdserverpb.Lease/LeaseKeepAlive',
  encode: (request) => pb.LeaseKeepAliveRequest.encode(request).finish(),
  decode: (bytes) => leaseOf(pb.LeaseKeepAliveResponse.decode(bytes)) as ILeaseKeepAliveResponse,
}

interface WatchEvent {
  readonly type: number
  readonly kv?: Entry
}

/** Watches keys: a stream of orders and events. */
export const watch: Method<IWatchRequest, IWatchResponse> = {
  path: '/etcdserverpb.Watch/Watch',
  encode: (request) => pb.WatchRequest.encode(request).finish(),
  decode(bytes) {
    const { header, watch_id, created, canceled, cancel_reason, events } = pb.WatchResponse.decode(bytes)
    const eventOf = ({ type, kv }: WatchEvent) => ({
      type: type === 1 ? 'Delete' : 'Put',
      kv: kv && entryOf(kv),
    })
    const said = { created, canceled, cancel_reason, events: events.map(eventOf) }
    return { header: header && headerOf(header), watch_id: decimal(watch_id), ...said } as IWatchResponse
  },
}

/** Gives a token for a user's name and password. */
export const authenticate: Method<{ readonly name: string; readonly password: string }, string> = {
  path: '/etcdserverpb.Auth/Authenticate',
  encode: (request) => pb.AuthenticateRequest.encode(request).finish(),
  decode: (bytes) => pb.AuthenticateResponse.decode(bytes).token,
}

/** The facts that a member tells about itself. */
export interface MemberStatus {
  readonly version: string
  /** The id of the cluster, and that of the leader: "0" if the member knows none. */
  readonly cluster: string
  readonly leader: string
  readonly isLearner: boolean
  /** Alarms and the like. */
  readonly errors: readonly string[]
}

/** Asks a member about itself. */
export const status: Method<object, MemberStatus> = {
  path: '/etcdserverpb.Maintenance/Status',
  encode: (request) => pb.StatusRequest.encode(request).finish(),
  decode(bytes) {
    const { header, version, leader, errors, isLearner } = pb.StatusResponse.decode(bytes)
    return { version, isLearner, errors, cluster: String(header?.cluster_id ?? 0), leader: String(leader) }
  },
}
