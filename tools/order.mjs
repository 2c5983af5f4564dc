// @ts-check
// In which order the files of a run begin: those that take longest first, so that none of them is alone at the end. Owns the
// list, since a fresh clone has no times of earlier runs; the end of each run names the slowest.
import { BaseSequencer } from 'vitest/node'

/** The longest first. A file that is not here begins after these, the largest first. */
const longest = [
  // busy
  'test/property/etcd.test.ts',
  'test/property/consul.test.ts',
  'test/property/election/election.test.ts',
  'test/integration/etcd-differential.test.ts',
  'test/integration/consul-differential.test.ts',
  'test/property/cron/cron.test.ts',
  'test/property/memory.test.ts',
  // waiting
  'test/integration/consul-cluster.test.ts',
  'test/integration/consul-loss.test.ts',
  'test/integration/election-processes-consul.test.ts',
  'test/integration/consul-late.test.ts',
  'test/conformance/consul.test.ts',
  'test/cli/signals.test.ts',
  'test/integration/etcd-auth.test.ts',
  'test/integration/election-consul-observe.test.ts',
  'test/integration/etcd-cluster.test.ts',
  'test/cli/lead.test.ts',
  'test/cli/loss.test.ts',
  'test/integration/etcd-loss.test.ts',
  'test/integration/consul-operator.test.ts',
  'test/docs.test.ts',
  'test/integration/consul-abort.test.ts',
  'test/integration/consul-crowd.test.ts',
  'test/file/processes.test.ts',
  'test/integration/election-processes-etcd.test.ts',
]

/** Vitest's order, after the files that are known to take long. */
export class LongestFirst extends BaseSequencer {
  /**
   * @override
   * @param {import('vitest/node').TestSpecification[]} files
   */
  async sort(files) {
    const others = await super.sort(files)
    const rank = (/** @type {import('vitest/node').TestSpecification} */ { moduleId }) => {
      const at = longest.findIndex((file) => moduleId.endsWith(file))
      return at < 0 ? longest.length : at
    }
    return others.toSorted((one, other) => rank(one) - rank(other))
  }
}
