// `npm run build`: compiles src to dist, and bundles the program. install.mjs has the steps.
// @ts-check
import { build, main } from './install.mjs'

await main(build)
