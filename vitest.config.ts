import { defineConfig } from 'vitest/config'

// What needs a real server; `npm test -- --no-servers` leaves it out.
const needServers = ['test/**/real/**', 'test/conformance/{etcd,consul}.test.ts', 'test/cli/loss.test.ts']

// What runs only when a tool of that name asks for it.
const soak = process.env.LEASEHOLD_SOAK_MINUTES && ['test/property/soak/{etcd,consul}.ts']
const traces = process.env.LEASEHOLD_TRACES && ['test/property/traces/traces.ts']

export default defineConfig({
  test: {
    include: soak || traces || ['test/**/*.test.ts'],
    exclude: process.env.LEASEHOLD_NO_SERVERS ? needServers : [],
    // Processes, not threads: a hung one can be killed, and the backends start processes of their own.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', './tools/tally.mjs'],
  },
})
