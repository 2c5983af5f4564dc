// @ts-check
// The two transactions of an uncontended cycle, as Leasehold's backend sends them. Pure functions, for every transport.

/** @param {string} name @param {string} lease */
export function keys(name, lease) {
  return {
    key: Buffer.from(`${name}/${BigInt(lease).toString(16)}`),
    line: { key: Buffer.from(`${name}/`), range_end: Buffer.from(`${name}0`) },
    tombstone: Buffer.from(`\0leasehold/withdrawn/${lease}/1`),
  }
}

/** @param {ReturnType<typeof keys>} keys @param {string} lease */
export function take({ key, line: range, tombstone }, lease) {
  const line = { ...range, sort_order: 2, sort_target: 2, keys_only: true, limit: 8 }
  const put = { key, value: Buffer.from('{"host":"somewhere","pid":12345}'), lease }
  const absent = (/** @type {Buffer} */ each) => ({ key: each, target: 1, result: 0, create_revision: '0' })
  return {
    compare: [absent(key), absent(tombstone)],
    success: [{ request_range: line }, { request_put: put }],
    failure: [{ request_range: line }, { request_range: { key } }],
  }
}

/** @param {Buffer} key @param {string | number} revision */
export function withdraw(key, revision) {
  const own = { key, target: 1, result: 0, create_revision: revision }
  return { compare: [own], success: [{ request_delete_range: { key } }] }
}
