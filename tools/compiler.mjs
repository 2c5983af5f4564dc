// The compiler: TypeScript 7, which needs a fifth of the processor time of TypeScript 6. Owns its path, since both versions
// have a program `tsc`. typedoc, and the tests that read syntax trees, use the library of TypeScript 6.
// @ts-check
import { fileURLToPath } from 'node:url'

/** The path of `tsc`, to be run with Node. */
export const tsc = fileURLToPath(new URL('../node_modules/typescript-7/bin/tsc', import.meta.url))
