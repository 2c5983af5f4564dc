// The version lines of etcd and Consul that this machine can run, for tests that run against each of them. Owns that
// the titles of such tests show the exact versions, and that a missing line shows in the output.
import { type ConsulLine, type EtcdLine, ensureServers } from '../../tools/servers/run.mjs'

/** A version line. In the title of a test, %s is its exact version. */
export class TestedLine<Line> {
  readonly line: Line
  /** For example '3.7.3'. */
  readonly version: string

  constructor(line: Line, version = '') {
    this.line = line
    this.version = version
  }

  toString(): string {
    return this.version
  }
}

const { LEASEHOLD_TESTED_LINE: tested } = process.env
const { etcd, consul } = await ensureServers({ log: (line) => process.stderr.write(`${line}\n`) })

const allOfEtcd = newestFirst<EtcdLine>(etcd)

/**
 * Of etcd, the newest first: at most 3.7, 3.6, 3.5 and 3.4. Only one if vitest runs a test file once for each
 * line, each time with LEASEHOLD_TESTED_LINE.
 */
export const etcdLines = allOfEtcd.filter(({ line }) => line === (tested ?? line))

/** Whether this machine has no newer line of etcd. */
export const isNewest = (line: EtcdLine): boolean => line === allOfEtcd[0]?.line

/** Of Consul, the newest first: 1.8, and 1.14 if LEASEHOLD_CONSUL_LINE asks for it. */
export const consulLines = newestFirst<ConsulLine>(consul)

function newestFirst<Line extends string>(
  servers: Partial<Record<Line, { version: string }>>,
): readonly TestedLine<Line>[] {
  const lines = Object.keys(servers) as Line[]
  const minor = (line: Line): number => Number(line.split('.')[1])
  return lines
    .sort((one, other) => minor(other) - minor(one))
    .map((line) => new TestedLine(line, servers[line]?.version))
}
