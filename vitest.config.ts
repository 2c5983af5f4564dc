import { defineConfig } from 'vitest/config'
import { LongestFirst } from './tools/order.mjs'

// What needs a real server; `npm test -- --no-servers` leaves it out.
const needServers = ['test/**/real/**', 'test/conformance/{etcd,consul}.test.ts', 'test/cli/loss.test.ts']

// What runs only when a tool of that name asks for it.
const soak = process.env.LEASEHOLD_SOAK_MINUTES && ['test/property/soak/{etcd,consul}.ts']
const traces = process.env.LEASEHOLD_TRACES && ['test/property/traces/traces.ts']

// What keeps a core busy all the time, and goes by no clock: simulated runs.
const busy = ['test/property/**/*.test.ts', 'test/backends/*/real/differential.test.ts']

const common = {
  // Processes, not threads: a hung one can be killed, and the backends start processes of their own.
  pool: 'forks',
  testTimeout: 30_000,
  hookTimeout: 60_000,
} as const

export default defineConfig({
  test: {
    reporters: ['default', './tools/tally.mjs'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...common,
          name: 'busy',
          include: soak || traces || busy,
          exclude: process.env.LEASEHOLD_NO_SERVERS ? needServers : [],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...common,
          name: 'waiting',
          include: soak || traces ? [] : ['test/**/*.test.ts'],
          exclude: [...busy, ...(process.env.LEASEHOLD_NO_SERVERS ? needServers : [])],
          // Most of such a file is a wait for a time to live. It never runs beside what keeps the cores busy.
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
