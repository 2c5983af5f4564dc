// @ts-check
// The package as users get it, built by tsc, since Node 20 cannot run TypeScript. The types are those of src, so that
// checking the benches needs no build.

const built = new URL('../../dist/index.js', import.meta.url)
const leasehold = /** @type {typeof import('../../src/index.ts')} */ (await import(built.href))

export const { connect } = leasehold
