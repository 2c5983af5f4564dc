// A member of etcd that is left while calls to it are under way, in a process of its own: node:http2 can damage the memory
// of the process then.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { useBuild } from '../../servers/build.ts'

const built = useBuild()
const script = fileURLToPath(new URL('leaving.mjs', import.meta.url))

test('a process that leaves a member in the middle of many calls lives on, and each call ends', async () => {
  // glibc fills freed memory with this byte, so that a use of it shows.
  const env = { ...process.env, MALLOC_PERTURB_: '165' }
  const { stdout } = await promisify(execFile)(process.execPath, [script, built.index, '200'], { env })
  expect(stdout).toBe('6400 calls ended')
})
