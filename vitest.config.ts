import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { MixedLongestFirst } from './tools/order.mjs'
import { ensureServers } from './tools/servers/run.mjs'

const { LEASEHOLD_NO_SERVERS: withoutServers } = process.env

// What needs a real server; `npm test -- --no-servers` leaves it out.
const needServers = ['test/**/real/**', 'test/conformance/{etcd,consul}.test.ts', 'test/cli/loss.test.ts']

// What runs only when a tool of that name asks for it.
const soak = process.env.LEASEHOLD_SOAK_MINUTES && ['test/property/soak/{etcd,consul}.ts']
const traces = process.env.LEASEHOLD_TRACES && ['test/property/traces/traces.ts']

// What keeps a core busy all the time, and goes by no clock: simulated runs.
const busy = [
  'test/property/*.test.ts',
  'test/property/!(streams)/**/*.test.ts', // streams run in real time
  'test/core/etcd-lost-lease.test.ts', // 200 runs, which took 12 s alone and 40 s beside others
]

// What takes less time than the start of its process, and waits for nothing: these files share processes.
const quick = [
  'test/{base,locks,election}/*.test.ts',
  'test/{core,cron}/!(leaks|cost|etcd-lost-lease).test.ts',
  'test/{api,arguments,arguments-of-options,arguments-of-stores,connect,house,layers,words}.test.ts',
]

// What needs a process of its own: it looks at the memory or the processor time of its process, or replaces functions of
// node:fs to see what is deleted.
const alone = [
  'test/core/leaks.test.ts',
  'test/cron/cost.test.ts',
  'test/backends/file/*.test.ts',
  'test/{backends/etcd/options,backends/shared/wire,conformance/file}.test.ts',
]

// What waits long on each line of etcd: the lines run side by side.
const eachLine = ['test/backends/etcd/real/{cluster,loss,differential}.test.ts']
// Where other files need the cores, the members of a cluster miss one another's heartbeats and elect no leader. So these
// run at the end, beside simulated runs only, which step back.
const clusters = ['test/chaos/real/*.test.ts']
const lines = withoutServers || soak || traces ? [] : Object.keys((await ensureServers()).etcd)

const cores = Math.min(availableParallelism(), 4)
const common = {
  // Processes, not threads: a hung one can be killed, and the backends start processes of their own.
  pool: 'forks',
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // Files of the real servers wait for most of their time, and most of those that run are such (tools/order.mjs). So more of
  // them run at a time than there are cores. With 3.5 for each core no core is idle, and files meet their limits.
  maxWorkers: Math.ceil(2.5 * cores),
  sequence: { groupOrder: 1 },
} as const

const project = (name: string, include: string[], more: { exclude?: string[]; env?: object } = {}) => {
  const { exclude = [], env = {} } = more
  const left = withoutServers ? [...exclude, ...needServers] : exclude
  return { test: { ...common, name, include, exclude: left, env: { ...env } } }
}
const building = ({ test }: ReturnType<typeof project>) => ({
  test: { ...test, globalSetup: ['./test/build-first.ts'] },
})
// Files that share processes load each module once, which saves about a second of processor time for each file.
const sharing = ({ test }: ReturnType<typeof project>) => ({
  test: { ...test, isolate: false, env: { ...test.env, LEASEHOLD_SHARED_PROCESS: '1' } },
})
const last = ({ test }: ReturnType<typeof project>) => ({
  test: { ...test, maxWorkers: cores + 1, sequence: { groupOrder: 2 } },
})
const steppingBack = (name: string, include: string[]) => {
  const { test } = last(project(name, include))
  return { test: { ...test, setupFiles: ['./test/step-back.ts'] } }
}

export default defineConfig({
  test: {
    reporters: ['default', './tools/tally.mjs'],
    sequence: { sequencer: MixedLongestFirst },
    projects: [
      ...lines.map((line) =>
        sharing(project(`waiting, etcd ${line}`, eachLine, { env: { LEASEHOLD_TESTED_LINE: line } })),
      ),
      sharing(
        building(
          project('waiting', soak || traces ? [] : ['test/**/*.test.ts'], {
            exclude: [...busy, ...eachLine, ...quick, ...alone, ...clusters],
          }),
        ),
      ),
      building(project('alone', soak || traces ? [] : alone)),
      sharing(project('quick', soak || traces ? [] : quick)),
      last(project('clusters', soak || traces ? [] : clusters)),
      steppingBack('busy', soak || traces || busy),
    ],
  },
})
