// Says which permission a transaction needs, since etcd refuses it without a word about the key. Owns these words only.
import type { ICompare, IRequestOp, ITxnRequest } from 'etcd3'
import { quoted } from '../../../base/printable.ts'
import { commonFolder } from '../../shared/common-folder.ts'

/**
 * The permission that lets a user send this transaction, as `etcdctl role grant-permission ROLE` takes it, and the key that the
 * transaction writes, since the permission is for a folder.
 */
export function permissionFor(request: ITxnRequest): string {
  const operations = [...(request.success ?? []), ...(request.failure ?? [])]
  const keys = [...(request.compare ?? []), ...operations.flatMap(partsOf)].map(({ key }) =>
    String(key ?? ''),
  )
  const access = operations.some(({ request_range: read }) => !read) ? 'readwrite' : 'read'
  const folder = commonFolder(keys)
  const range = folder
    ? `${quoted(folder)} to ${quoted(endOf(folder))}`
    : 'all keys, or a namespace in the URL'
  const written = (request.success ?? []).map(({ request_put: put }) => String(put?.key ?? ''))
  const claim = written.find((key) => key !== '' && !key.includes('\0')) // our own records have a NUL
  const writes = claim === undefined ? '' : `the request writes the key ${quoted(claim)}; `
  return `${writes}the user needs the permission ${access} on ${range}`
}

function partsOf({ request_range, request_put, request_delete_range }: IRequestOp): Pick<ICompare, 'key'>[] {
  return [request_range, request_put, request_delete_range].filter((part) => !!part) as Pick<
    ICompare,
    'key'
  >[]
}

/** The first key after all keys of a folder: etcdctl takes a range of keys so. */
function endOf(folder: string): string {
  return `${folder.slice(0, -1)}${String.fromCharCode(folder.charCodeAt(folder.length - 1) + 1)}`
}
