// @ts-check
// A folder with the embedded store for a run. It has no servers and no links: only its workers meet faults.
import { readdir } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { ownedFolder } from '../servers/children.mjs'

/** @param {{ index: string }} options @returns {Promise<import('./stores.mjs').Stage>} */
export async function fileStage({ index }) {
  const folder = ownedFolder('leasehold-chaos')
  const { connect } = await import(pathToFileURL(index).href)
  return {
    title: `file on Node ${process.versions.node}`,
    members: [],
    peers: [],
    leader: async () => undefined,
    target: { backend: 'file', endpoints: [], options: () => ({ directory: folder.path }) },
    ttlsMs: [1_500, 15_000],
    coveredMs: (ttlMs) => ttlMs,
    recoveryMs: (ttlMs) => ttlMs + 10_000,
    acts: {},
    left: async () => {
      const client = await connect(`file:${folder.path}`)
      const names = await client.survey()
      await client.close()
      const sessions = (await readdir(folder.path, { recursive: true })).filter((file) =>
        /[0-9a-f]{16}/.test(file),
      )
      return [...names.map((/** @type {{ name: string }} */ { name }) => name), ...sessions]
    },
    storedSet: async () => [],
    close: () => folder.remove(),
  }
}
