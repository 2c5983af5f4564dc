import { defineConfig } from 'vitest/config'

// What needs a real server; `npm test -- --no-servers` leaves it out.
const needServers = ['test/integration/**', 'test/conformance/{etcd,consul}.test.ts', 'test/cli/loss.test.ts']

export default defineConfig({
  test: {
    include: process.env.LEASEHOLD_SOAK_MINUTES
      ? ['test/property/soak/{etcd,consul}.ts']
      : ['test/**/*.test.ts'],
    exclude: process.env.LEASEHOLD_NO_SERVERS ? needServers : [],
    // Processes, not threads: a hung one can be killed, and the backends start processes of their own.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ['default', './tools/tally.mjs'],
  },
})
