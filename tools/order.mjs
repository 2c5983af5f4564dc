// @ts-check
// The order in which the files of a run begin. Files that wait for servers use a core for a tenth of their time, and files that
// start processes or simulate use a whole one. So both begin side by side all the time, the longest of each first. Owns the
// list of times, since a fresh clone has none of earlier runs; the end of each run names the slowest files.
import { BaseSequencer } from 'vitest/node'

/** @typedef {import('vitest/node').TestSpecification} File */

/** Files that wait for a real server for most of their time. */
const waiting = [/test\/(backends|cron|chaos|examples)\/.*real\//, /conformance\/(etcd|consul)/, /cli\/loss/]

/** The seconds of the longest files, on two cores. */
const seconds = {
  'test/conformance/etcd.test.ts': 129,
  'test/backends/consul/real/loss.test.ts': 116,
  'test/conformance/consul.test.ts': 102,
  'test/chaos/real/chaos.test.ts': 99,
  'test/backends/consul/real/auth.test.ts': 93,
  'test/property/locks/etcd.test.ts': 87,
  'test/cron/real/ten-hosts.test.ts': 87,
  'test/property/locks/consul.test.ts': 80,
  'test/backends/consul/real/cluster.test.ts': 80,
  'test/backends/consul/real/differential.test.ts': 78,
  'test/backends/shared/real/election-rolling.test.ts': 77,
  'test/docs.test.ts': 76,
  'test/property/election/election.test.ts': 75,
  'test/property/cron/cron.test.ts': 72,
  'test/backends/consul/real/early-end.test.ts': 71,
  'test/backends/consul/real/astray.test.ts': 69,
  'test/backends/shared/real/election-processes.test.ts': 63,
  'test/backends/consul/real/shares.test.ts': 62,
  'test/backends/etcd/real/differential.test.ts': 62,
  'test/cli/lead.test.ts': 62,
  'test/backends/etcd/real/auth.test.ts': 56,
  'test/backends/shared/real/election-work.test.ts': 55,
  'test/backends/shared/real/abort.test.ts': 51,
  'test/property/shapes/shapes.test.ts': 50,
  'test/backends/file/processes.test.ts': 50,
  'test/backends/consul/real/crowd.test.ts': 48,
  'test/backends/consul/real/services.test.ts': 47,
  'test/examples/examples.test.ts': 45,
  'test/backends/etcd/real/interop.test.ts': 43,
  'test/backends/shared/real/hang.test.ts': 42,
  'test/backends/etcd/real/survey.test.ts': 37,
  'test/conformance/etcd-given-client.test.ts': 36,
  'test/cli/loss.test.ts': 33,
  'test/cli/ui/real/chromium.test.ts': 33,
  'test/backends/shared/real/shapes.test.ts': 32,
  'test/backends/consul/real/operator.test.ts': 32,
  'test/backends/consul/real/interop.test.ts': 32,
  'test/backends/consul/real/many.test.ts': 31,
  'test/backends/etcd/real/loss.test.ts': 31,
  'test/cli/ls.test.ts': 31,
  'test/property/locks/etcd-delay.test.ts': 30,
  'test/backends/etcd/real/cluster.test.ts': 30,
  'test/cli/real/start.test.ts': 30,
  'test/cli/guardian.test.ts': 29,
  'test/cli/cron.test.ts': 27,
  'test/backends/consul/real/peers.test.ts': 25,
  'test/backends/shared/real/election-observe.test.ts': 25,
  'test/cli/usage.test.ts': 24,
  'test/conformance/file.test.ts': 24,
  'test/backends/etcd/real/peers.test.ts': 23,
  'test/backends/consul/real/consul-election.test.ts': 23,
  'test/cli/real/doctor.test.ts': 23,
  'test/backends/file/log.test.ts': 21,
  'test/backends/etcd/real/load.test.ts': 20,
  'test/cli/signals.test.ts': 20,
  'test/cli/run.test.ts': 20,
  'test/cron/changes.test.ts': 19,
  'test/examples/real/redis-backend.test.ts': 18,
  'test/conformance/memory.test.ts': 18,
  'test/cron/schedule.test.ts': 18,
  'test/property/locks/memory.test.ts': 17,
  'test/backends/etcd/real/lost-lease.test.ts': 17,
  'test/backends/etcd/real/late.test.ts': 17,
  'test/backends/file/deletions.test.ts': 17,
  'test/cli/output.test.ts': 17,
  'test/backends/etcd/real/watch.test.ts': 16,
  'test/cli/leader.test.ts': 16,
  'test/backends/file/busy.test.ts': 16,
  'test/cli/progress.test.ts': 16,
  'test/cli/terminal.test.ts': 15,
  'test/backends/consul/real/election-observe.test.ts': 14,
  'test/backends/etcd/real/lock-delay.test.ts': 14,
  'test/cli/cron-usage.test.ts': 14,
  'test/core/etcd-lost-lease.test.ts': 14,
}

/** The seconds of a file that is not in the list. */
const fewSeconds = 2

/**
 * The files that wait and the others, each with the longest first, mixed so that both last until the end of the run. Files that are
 * not in the list are sorted by project: a process goes on with the next file only if that file belongs to the same project.
 */
export class MixedLongestFirst extends BaseSequencer {
  /**
   * @override
   * @param {File[]} files
   */
  async sort(files) {
    const sorted = (await super.sort(files)).toSorted(
      (one, other) => secondsOf(other) - secondsOf(one) || other.project.name.localeCompare(one.project.name),
    )
    const groups = new Set(sorted.map(groupOf))
    return [...groups].flatMap((group) => mixed(sorted.filter((file) => groupOf(file) === group)))
  }
}

/** The files of one group run before those of the next one. @param {File} file */
function groupOf({ project }) {
  return project.config.sequence.groupOrder
}

/** @param {File} file */
function secondsOf({ moduleId }) {
  const known = Object.entries(seconds).find(([file]) => moduleId.endsWith(file))
  return known ? known[1] : fewSeconds
}

/** The files that wait and the others, each in their order; at each place one of those of which less has begun. @param {File[]} files */
function mixed(files) {
  const waits = (/** @type {File} */ { moduleId }) => waiting.some((each) => each.test(moduleId))
  const shares = [...withShares(files.filter(waits)), ...withShares(files.filter((file) => !waits(file)))]
  return shares.toSorted((one, other) => one.share - other.share).map(({ file }) => file)
}

/** Each file with the share of its list's time that has begun before it. @param {File[]} files */
function withShares(files) {
  const all = files.reduce((sum, file) => sum + secondsOf(file), 0)
  let begun = 0
  return files.map((file) => {
    const share = begun / all
    begun += secondsOf(file)
    return { file, share }
  })
}
