// `npm run screenshots`: writes the pictures of docs/ui.md anew, in a real Chromium. The test has the scene.
// @ts-check
import { install, main, run } from './install.mjs'

await main(() => {
  install()
  process.env.LEASEHOLD_SCREENSHOTS = '1'
  run('npx', ['--no-install', 'vitest', 'run', 'test/cli/ui/real/chromium.test.ts', '-t', 'pictures'])
})
