// The ways to use the package: the rows of the table of docs/bundlers.md. Owns what each needs, in words and in steps; the
// programs are in tools/newcomer/project/.
// @ts-check

/**
 * @typedef {object} Way
 * @property {string} name
 * @property {string} needs in words
 * @property {string[][]} steps the arguments of Node, one after the other
 * @property {[major: number, minor: number]} [since] the oldest Node that has what the way needs
 */

/** The packages that a new user installs for these ways. */
export const packages = [
  'typescript',
  '@types/node@20',
  'tsx',
  'vitest',
  'jest',
  '@babel/preset-env',
  'esbuild',
  'libsql@0.5', // Node 20 has no SQLite of its own
]

const tsc = 'node_modules/typescript/bin/tsc'

/** @param {string} project @param {string} output @returns {string[][]} */
const compiled = (project, output) => [[tsc, '-p', project], [output]]

/** @param {string} kind @param {string[]} flags @returns {string[][]} */
const jest = (kind, ...flags) => [
  [...flags, 'node_modules/jest/bin/jest.js', '--config', `jest/${kind}.json`],
]

/** @type {Way[]} */
export const ways = [
  { name: 'ESM', needs: '`.mjs`, or `"type": "module"`', steps: [['esm.mjs']] },
  { name: 'CommonJS', needs: "`require('leasehold')`; no top-level `await`", steps: [['commonjs.cjs']] },
  {
    name: 'TypeScript, `nodenext`',
    needs: '`"module": "nodenext"`, `@types/node`',
    steps: compiled('nodenext', 'nodenext/out/program.mjs'),
  },
  {
    name: 'TypeScript, `node16`',
    needs: '`"module": "node16"`, `@types/node`',
    steps: compiled('node16', 'node16/out/program.mjs'),
  },
  {
    name: 'TypeScript, `bundler`',
    needs: '`"module": "esnext"`, `"moduleResolution": "bundler"`',
    steps: compiled('bundler', 'bundler/out/program.mjs'),
  },
  {
    name: 'TypeScript to CommonJS',
    needs: '`"module": "nodenext"` in a package without `"type": "module"`',
    steps: compiled('to-commonjs', 'to-commonjs/out/program.cjs'),
  },
  {
    name: 'TypeScript without a compiler',
    needs: 'Node 22.18 or newer',
    steps: [['program.mts']],
    since: [22, 18],
  },
  { name: 'tsx', needs: 'nothing', steps: [['node_modules/tsx/dist/cli.mjs', 'program.mts']] },
  {
    name: 'vitest',
    needs: 'nothing',
    steps: [['node_modules/vitest/vitest.mjs', 'run', '--reporter=verbose', 'vitest.test.mjs']],
  },
  {
    name: 'Jest, tests as ES modules',
    needs: '`node --experimental-vm-modules`, tests as `.mjs`',
    steps: jest('esm', '--experimental-vm-modules'),
  },
  {
    name: 'Jest, tests in CommonJS',
    needs: "`node --experimental-vm-modules`, `await import('leasehold')` in the test",
    steps: jest('commonjs', '--experimental-vm-modules'),
  },
  {
    name: 'Jest with Babel',
    needs: '`transform` and `transformIgnorePatterns`, see below',
    steps: jest('babel'),
  },
  {
    name: 'esbuild to ESM',
    needs: '`--platform=node --format=esm`',
    steps: [['bundle.mjs', 'esm', 'esm.mjs'], ['bundle/esm.mjs']],
  },
  {
    name: 'esbuild, moved to where no packages are',
    needs: 'Node 22.13 or newer for `file:`',
    steps: [['bundle.mjs', 'esm', 'esm.mjs'], ['move.mjs'], ['../moved/esm.mjs']],
    since: [22, 13],
  },
  {
    name: 'esbuild to CommonJS',
    needs: '`--platform=node --format=cjs`',
    steps: [['bundle.mjs', 'cjs', 'commonjs.cjs'], ['bundle/commonjs.cjs']],
  },
]
