// `npm run check`: types, lint, whether the package can be published, and commit messages. The layering is a test
// (test/layers.test.ts), and so are the rules of CONTRIBUTING.md (test/house.test.ts).
// @ts-check
import { checkCommits } from './commits.mjs'
import { tsc } from './compiler.mjs'
import { build, install, main, runTogether } from './install.mjs'

await main(async () => {
  install()
  build() // first, since tools and benches are checked against the build
  await runTogether([
    ['node', [tsc, '-p', 'tsconfig.json']],
    ['node', [tsc, '-p', 'src/cli/ui/page']], // runs in browsers
    ['npx', ['--no-install', 'biome', 'check', '--error-on-warnings']],
    ['npx', ['--no-install', 'typedoc', '--emit', 'none', '--treatWarningsAsErrors', '--logLevel', 'Warn']],
    ['npx', ['--no-install', 'publint', '--strict']],
    ['npx', ['--no-install', 'attw', '--pack', '.', '--profile', 'esm-only']],
  ])
  checkCommits()
})
