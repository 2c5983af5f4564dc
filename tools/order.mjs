// @ts-check
// The order in which the files of a run begin: the longest first, so that none of them runs alone at the end. Owns the
// list, since a fresh clone has no times of earlier runs; the end of each run names the slowest files.
import { BaseSequencer } from 'vitest/node'

/** The longest first. Files that are not in the list begin after these, the largest first. */
const longest = [
  'test/property/locks/etcd.test.ts',
  'test/property/locks/consul.test.ts',
  'test/chaos/real/chaos.test.ts',
  'test/backends/consul/real/loss.test.ts',
  'test/backends/consul/real/crowd.test.ts',
  'test/backends/consul/real/cluster.test.ts',
  'test/backends/consul/real/astray.test.ts',
  'test/backends/shared/real/election-processes.test.ts',
  'test/backends/shared/real/election-rolling.test.ts',
  'test/cli/cron.test.ts',
  'test/property/locks/etcd-delay.test.ts',
  'test/backends/file/processes.test.ts',
  'test/property/election/election.test.ts',
  'test/backends/etcd/real/survey.test.ts',
  'test/conformance/etcd.test.ts',
  'test/cli/lead.test.ts',
  'test/backends/consul/real/auth.test.ts',
  'test/backends/shared/real/hang.test.ts',
  'test/backends/shared/real/shapes.test.ts',
  'test/backends/shared/real/abort.test.ts',
  'test/property/cron/cron.test.ts',
  'test/examples/examples.test.ts',
  'test/examples/real/redis-backend.test.ts',
  'test/cli/run.test.ts',
  'test/conformance/consul.test.ts',
  'test/backends/consul/real/early-end.test.ts',
  'test/backends/consul/real/differential.test.ts',
  'test/cli/loss.test.ts',
  'test/cli/ls.test.ts',
  'test/property/locks/memory.test.ts',
  'test/backends/etcd/real/differential.test.ts', // once for each line
  'test/backends/etcd/real/auth.test.ts',
  'test/backends/shared/real/election-observe.test.ts',
  'test/backends/etcd/real/cluster.test.ts', // once for each line
  'test/backends/etcd/real/loss.test.ts', // once for each line
  'test/cli/signals.test.ts',
  'test/cli/usage.test.ts',
  'test/backends/consul/real/operator.test.ts',
  'test/cli/output.test.ts',
  'test/cli/real/start.test.ts',
  'test/backends/etcd/real/peers.test.ts',
  'test/backends/consul/real/peers.test.ts',
  'test/cli/ui/real/chromium.test.ts',
  'test/docs.test.ts',
]

/**
 * Vitest's order, but the files of the list come first. The others are sorted by project: a process goes on with the
 * next file only if that file belongs to the same project.
 */
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
    return others.toSorted(
      (one, other) => rank(one) - rank(other) || other.project.name.localeCompare(one.project.name),
    )
  }
}
