// @ts-check
// The built package twice: as it is, and with the events taken out. Owns the two copies in the temporary folder, and their end.
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The functions of src/core/events.ts as they would be if there were no events: each only calls what it is given. */
const passThrough = `
export const tell = () => {}
export const told = (_origin, _operation, _retry, send) => send()
export const toldRelease = (_hold, _origin, release) => release()
export const tellLost = () => {}
export const tellNearLoss = () => {}
export const toldRenewal = (_event, renew) => renew()
export const tellLostSession = () => {}
export const viewOf = (session) => session
export const toldAcquire = (_origin, wish, acquire) => acquire(wish)
`

/**
 * A free mutex on a store in memory, from each of two copies of the package that nothing else uses: what a process has done
 * before changes how fast its functions are. `end` closes both clients and removes the copies.
 */
export async function withAndWithoutEvents() {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-bench-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const clients = await Promise.all([
    clientOf(join(folder, 'with')),
    clientOf(join(folder, 'without'), passThrough),
  ])
  const [withEvents, without] = clients.map((client) => client.mutex('bench-events'))
  if (!withEvents || !without) throw new Error('there are two clients')
  const end = async () => {
    await Promise.all(clients.map((client) => client.close()))
    rmSync(folder, { recursive: true, force: true })
  }
  return { withEvents, without, end }
}

/**
 * @param {string} folder
 * @param {string} [events] the text of core/events.js, if it is another one
 */
async function clientOf(folder, events) {
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  if (events) writeFileSync(join(folder, 'dist/core/events.js'), events)
  const load = (/** @type {string} */ path) => import(pathToFileURL(join(folder, 'dist', path)).href)
  const { connect } = /** @type {typeof import('../../src/index.ts')} */ (await load('index.js'))
  const { memory } = /** @type {typeof import('../../src/backends/memory/index.ts')} */ (
    await load('backends/memory/index.js')
  )
  return connect(memory())
}
