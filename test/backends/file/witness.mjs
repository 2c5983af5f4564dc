// Writes down which files this process creates, deletes and renames, to the file that LEASEHOLD_TEST_WITNESS names:
// `node --import ./witness.mjs`. With LEASEHOLD_TEST_WITNESS_OF only what the code in that folder does.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const log = process.env.LEASEHOLD_TEST_WITNESS ?? ''
const folder = process.env.LEASEHOLD_TEST_WITNESS_OF ?? ''
const append = fs.appendFileSync
/** @type {Record<string, any>} */
const calls = fs
const { O_EXCL } = fs.constants

const deleting = [
  'unlinkSync',
  'rmSync',
  'rmdirSync',
  'renameSync',
  'truncateSync',
  'unlink',
  'rm',
  'rmdir',
  'rename',
  'truncate',
]
for (const name of deleting) {
  const real = calls[name]
  calls[name] = (/** @type {unknown[]} */ ...args) => {
    if (new Error('here').stack?.includes(folder)) append(log, `delete ${args[0]}\n`)
    return real(...args)
  }
}
const open = fs.openSync
calls.openSync = (/** @type {any} */ path, /** @type {any} */ flags, /** @type {any} */ mode) => {
  const descriptor = open(path, flags, mode)
  if (typeof flags === 'number' && flags & O_EXCL) append(log, `create ${path}\n`)
  return descriptor
}
syncBuiltinESMExports()
