// `npm run check`: types, lint, whether the package can be published, and commit messages. The layering is a test
// (test/layers.test.ts), and so are the rules of CONTRIBUTING.md (test/house.test.ts).
// @ts-check
import { checkCommits } from './commits.mjs'
import { build, install, main, run } from './install.mjs'

await main(() => {
  install()
  build() // first, since tools and benches are checked against the build
  run('npx', ['--no-install', 'tsc', '-p', 'tsconfig.json'])
  run('npx', ['--no-install', 'biome', 'check', '--error-on-warnings'])
  run('npx', ['--no-install', 'publint', '--strict'])
  run('npx', ['--no-install', 'attw', '--pack', '.', '--profile', 'esm-only'])
  checkCommits()
})
