// `etcdctl elect` of a given version line: a candidate until the test lets it resign, or, with `-l`, an observer. Owns
// the child process.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { spawnOwned } from '../../tools/servers/children.mjs'
import { cleanEnvironment } from '../../tools/servers/command.mjs'
import type { EtcdLine } from '../../tools/servers/run.mjs'
import { until } from '../../tools/servers/wait.mjs'
import { etcdctlOf } from './etcdctl-lock.ts'

/** A leader as etcdctl prints it: its key and its value. */
export interface Shown {
  readonly key: string
  readonly value: string
}

export class EtcdctlElect {
  /** Each leader that it printed. As a candidate it prints itself, once it leads. */
  readonly shown: Shown[] = []
  readonly exited: Promise<number | null>
  readonly #child: ChildProcess

  private constructor(file: string, args: readonly string[]) {
    const env = cleanEnvironment({ ETCDCTL_API: '3' })
    this.#child = spawnOwned(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    this.exited = once(this.#child, 'close').then(([code]) => code)
    const lines: string[] = []
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      lines.push(line)
      if (lines.length < 2) return
      const [key = '', value = ''] = lines.splice(0)
      this.shown.push({ key, value })
    })
    onTestFinished(() => void this.#child.kill('SIGKILL'))
  }

  /** Stands for the election of this full name. */
  static async campaign(
    line: EtcdLine,
    endpoint: string,
    name: string,
    value: string,
  ): Promise<EtcdctlElect> {
    return new EtcdctlElect(await etcdctlOf(line), [`--endpoints=${endpoint}`, 'elect', name, value])
  }

  static async observe(line: EtcdLine, endpoint: string, name: string): Promise<EtcdctlElect> {
    return new EtcdctlElect(await etcdctlOf(line), [`--endpoints=${endpoint}`, 'elect', '-l', name])
  }

  /** Resolves with the leader that it printed last, once it has this value. */
  shows(value: string): Promise<Shown> {
    const last = async (): Promise<Shown | false | undefined> => {
      const shown = this.shown.at(-1)
      return shown?.value === value && shown
    }
    return until(last, { describe: () => `${value} after ${JSON.stringify(this.shown)}`, everyMs: 5 })
  }

  /**
   * Ends it as Ctrl-C does, once it has printed that it leads. Resolves with its exit code when it has resigned. A signal
   * between its admission and its print ends it before it resigns, and its key stays for a minute.
   */
  async resign(): Promise<number | null> {
    await until(async () => this.shown.length > 0, { describe: () => 'etcdctl prints that it leads' })
    this.#child.kill('SIGINT')
    return this.exited
  }
}
