// `npm run check`: types, lint, whether the package is fit to be published, and the messages of the commits. The layering
// is a test (test/layers.test.ts), and so are the habits of the house (test/house.test.ts).
// @ts-check
import { checkCommits } from './commits.mjs'
import { build, install, main, run } from './install.mjs'

await main(() => {
  install()
  build() // first, since tools and benches are checked against what is built
  run('npx', ['--no-install', 'tsc', '-p', 'tsconfig.json'])
  run('npx', ['--no-install', 'biome', 'check', '--error-on-warnings'])
  run('npx', ['--no-install', 'publint', '--strict'])
  run('npx', ['--no-install', 'attw', '--pack', '.', '--profile', 'esm-only'])
  checkCommits()
})
