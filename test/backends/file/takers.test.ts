// Processes that read and write one name, or take pairs of names, in a folder, while some of them are killed. With
// LEASEHOLD_SHAPES_SECONDS=60 it goes on for a minute, with twenty processes for pairs.
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../../src/index.ts'
import { useBuild } from '../../servers/build.ts'
import { contend } from '../../servers/takers.ts'
import { emptyDirectory, remove } from './processes.ts'

const built = useBuild()
const long = Number(process.env.LEASEHOLD_SHAPES_SECONDS ?? 0)
const seconds = long || 4

test.for(['readers', 'pairs'] as const)(
  '%s of several processes keep out of each other’s way, and all make progress',
  {
    timeout: 90_000 + 2_000 * seconds,
  },
  async (kind) => {
    const directory = emptyDirectory()
    onTestFinished(() => remove(directory))
    const target = pathToFileURL(directory).href
    const processes = kind === 'pairs' ? (long ? 20 : 6) : 5
    const plan = { seconds, killEveryMs: long ? 1_500 : 800 }
    const account = await contend({ index: built.index, target, ttlMs: 2_000, kind, processes }, plan)
    console.log(`file, ${kind}: ${JSON.stringify(account)}`)
    expect(account.kills).toBeGreaterThan(0)
    expect(account.alone).toBeGreaterThan(3)
    if (kind === 'readers') expect(account.turns - account.alone).toBeGreaterThan(3)
    await using client = await connect(target)
    expect(await client.survey()).toEqual([])
  },
)
