// @ts-check
// `npm run soak -- --minutes 30`: fresh simulated runs of every store, side by side, for so long. Owns the command line;
// what is run and told is in test/property/soak/.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const env = { ...process.env, LEASEHOLD_SOAK_MINUTES: String(readMinutes()) }
const { status } = spawnSync(process.execPath, [vitest, 'run'], { cwd: root, stdio: 'inherit', env })
process.exit(status ?? 1)

function readMinutes() {
  try {
    const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } })
    const minutes = Number(values.minutes)
    if (!(minutes > 0)) throw new Error(`--minutes: ${values.minutes} is not a number above 0`)
    return minutes
  } catch (error) {
    process.stderr.write(
      `${error instanceof Error ? error.message : error}\nusage: npm run soak -- [--minutes 30]\n`,
    )
    process.exit(64)
  }
}
