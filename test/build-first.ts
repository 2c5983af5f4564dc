// Compiles the package before the tests that run it in other processes: none of them has to wait for it, and none does
// it a second time. Owns nothing else; built.ts has the build.
import { builtPackage } from './built.ts'

/** Called by vitest once for each project that names this file, if some of its tests run. */
export default function buildFirst(): void {
  builtPackage()
}
