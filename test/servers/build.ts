// Leasehold as JavaScript, for tests that need it in a process of its own. Built into a folder of this test
// file, so that neither another test nor a build of the package gets in its way; types are checked elsewhere.
import { symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll } from 'vitest'
import { ownedFolder } from '../../tools/servers/children.mjs'
import { requireCommand } from '../../tools/servers/command.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')

/** Builds for the tests of a file; `index` is then the path of the built index.js. */
export function useBuild(): { index: string } {
  const built = { index: '' }
  beforeAll(async () => {
    const { path, remove } = ownedFolder('leasehold-build')
    await buildInto(path)
    built.index = join(path, 'dist/index.js')
    return remove
  })
  return built
}

async function buildInto(path: string): Promise<void> {
  await symlink(join(root, 'node_modules'), join(path, 'node_modules'))
  await symlink(join(root, 'package.json'), join(path, 'package.json'))
  const quick = [
    '--noCheck',
    '--declaration',
    'false',
    '--declarationMap',
    'false',
    '--isolatedDeclarations',
    'false',
  ]
  const args = [tsc, '-p', join(root, 'tsconfig.build.json'), ...quick, '--outDir', join(path, 'dist')]
  await requireCommand(process.execPath, args, { cwd: root })
}
