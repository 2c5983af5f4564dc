// Everything that can be said of the project without running it: types, lint, and whether the package is fit to be
// published. The layering is a test (test/layers.test.ts).
// @ts-check
import { build, install, main, run } from './install.mjs'

await main(() => {
  install()
  build() // first, since tools and benches are checked against what is built
  run('npx', ['--no-install', 'tsc', '-p', 'tsconfig.json'])
  run('npx', ['--no-install', 'biome', 'check', '--error-on-warnings'])
  run('npx', ['--no-install', 'publint', '--strict'])
  run('npx', ['--no-install', 'attw', '--pack', '.', '--profile', 'esm-only'])
})
