// Bundles a program with all of its dependencies: node bundle.mjs esm esm.mjs.
import { build } from 'esbuild'

const [format, entry] = process.argv.slice(2)
await build({ entryPoints: [entry], outfile: `bundle/${entry}`, bundle: true, platform: 'node', format })
