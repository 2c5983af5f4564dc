// How turns are shared if loops of `consul lock`, which has no line, race with our clients for one name. Our clients
// are woken by the same change and ask at once, so they get turns too. They get fewer the more loops race: a request
// from Node takes longer.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { spawnOwned } from '../../../../tools/servers/children.mjs'
import { cleanEnvironment } from '../../../../tools/servers/command.mjs'
import { serverOf } from '../../../../tools/servers/fetch.mjs'
import { until } from '../../../../tools/servers/wait.mjs'
import { freshName, useConsul } from '../../../servers/consul-store.ts'

const store = useConsul()
const holdMs = 100
const forMs = 6_000
const competitors = 2

/** One after another `consul lock`, without end; each holds for as long as ours. */
class Competitor {
  turns = 0
  readonly #child: ChildProcess
  readonly #sign: string

  constructor(file: string, name: string, permits: number, index: number) {
    const loop = `while kill -0 $PPID 2>/dev/null && ! [ -e "$1" ]; do
      ${file} lock -n=${permits} ${name} 'echo turn; sleep ${holdMs / 1_000}'
    done`
    this.#sign = join(store.cluster.dataDir, `over-${name.replaceAll('/', '-')}-${index}`)
    const env = cleanEnvironment({ CONSUL_HTTP_ADDR: store.cluster.address })
    this.#child = spawnOwned('sh', ['-c', loop, 'sh', this.#sign], {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.turns += text.split('turn').length - 1
    })
  }

  /** Resolves when its last turn is over. */
  async end(): Promise<void> {
    const exited = once(this.#child, 'exit')
    await writeFile(this.#sign, '')
    await exited
  }
}

test.for([
  { kind: 'mutex', permits: 1 },
  { kind: 'semaphore', permits: 2 },
])(
  'a $kind that races two loops of consul lock has no less than a quarter of their turns',
  {
    timeout: 60_000,
  },
  async ({ kind, permits }) => {
    const name = freshName()
    const { dir } = await serverOf('consul', undefined)
    // For a semaphore one more, or nobody would have to wait.
    const others = Array.from(
      { length: competitors + permits - 1 },
      (_, index) => new Competitor(join(dir, 'consul'), name, permits, index),
    )
    onTestFinished(() => Promise.all(others.map((other) => other.end())).then(() => {}))
    const client = await store.client()
    const lock = kind === 'mutex' ? client.mutex(name) : client.semaphore(name, { permits })
    await until(async () => others.every(({ turns }) => turns > 0), { describe: () => 'a turn of each' })

    const before = others.map(({ turns }) => turns)
    let [ours, longestMs] = [0, 0]
    for (const end = performance.now() + forMs; performance.now() < end; ours += 1) {
      const asked = performance.now()
      const hold = await lock.acquire()
      longestMs = Math.max(longestMs, performance.now() - asked)
      await pause(holdMs)
      await hold.release()
    }
    const theirs = others.map(({ turns }, index) => turns - (before[index] ?? 0))

    console.log(
      `${kind}: ours ${ours}, theirs ${theirs.join(' and ')}; longest wait ${Math.round(longestMs)} ms`,
    )
    const mean = theirs.reduce((sum, turns) => sum + turns, 0) / theirs.length
    expect(ours).toBeGreaterThanOrEqual(mean / 4)
    expect(longestMs).toBeLessThan(forMs / 2)
  },
)
