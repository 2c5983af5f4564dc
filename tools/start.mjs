// `npm start`: installs, builds, and shows the main job: three processes, one lock, and a holder that is killed.
// @ts-check
import { build, install, main } from './install.mjs'

await main(async () => {
  install()
  build()
  const { demo } = await import('./demo/demo.mjs')
  await demo()
})
