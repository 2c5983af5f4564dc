// A crontab of the documentation, run as cron runs it. Owns cron's rules: the lines with variables, the percent signs, the
// shell, and the few variables that a job gets.
import { execFile } from 'node:child_process'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { program, temporaryFolder } from './leasehold.ts'

/** A line of a crontab, as crontab(5) reads it. */
interface Job {
  readonly schedule: string
  readonly command: string
}

/** The jobs of a crontab, and its own variables. */
export interface Crontab {
  readonly variables: Readonly<Record<string, string>>
  readonly jobs: readonly Job[]
}

/** The crontab of a page: the block of text with this line in it. */
export function crontabOf(page: string): Crontab {
  const [, text = ''] = /```text\n(PATH=.*?)```/s.exec(readFileSync(page, 'utf8')) ?? []
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const settings = lines.flatMap((line) => /^\s*(\w+)\s*=\s*(.*)$/.exec(line)?.slice(1, 3) ?? [])
  const variables = settings.flatMap((name, at) => (at % 2 === 0 ? [[name, settings[at + 1] ?? '']] : []))
  const jobs = lines.flatMap((line) => {
    const [, schedule = '', command] = /^((?:[\d*,/-]+\s+){5})(.*)$/.exec(line) ?? []
    return command === undefined ? [] : [{ schedule: schedule.trim(), command }]
  })
  return { variables: Object.fromEntries(variables), jobs }
}

/** A host with `leasehold` and `node` in one folder, and a script in the home of its user. */
export function host(script: Readonly<Record<'name' | 'text', string>>): { home: string; bin: string } {
  const [home, bin] = [temporaryFolder(), temporaryFolder()]
  symlinkSync(process.execPath, join(bin, 'node'))
  const main = pathToFileURL(program()).href
  const shim = `#!/usr/bin/env node\nimport(${JSON.stringify(main)})\n`
  writeFileSync(join(bin, 'leasehold'), shim, { mode: 0o755 })
  writeFileSync(join(home, script.name), script.text, { mode: 0o755 })
  return { home, bin }
}

/** Runs a command of a crontab, and resolves with the text that cron would send by mail. */
export async function runAsCron(
  command: string,
  { home, variables }: { readonly home: string; readonly variables: Crontab['variables'] },
): Promise<string> {
  const [line = '', ...input] = command.split(/(?<!\\)%/)
  const usual = { HOME: home, LOGNAME: 'somebody', SHELL: '/bin/sh', PATH: '/usr/bin:/bin' }
  const env = { ...usual, ...variables }
  const running = promisify(execFile)(env.SHELL, ['-c', line.replaceAll('\\%', '%')], { env, cwd: home })
  running.child.stdin?.end(input.join('\n'))
  const { stdout, stderr } = await running
  return stdout + stderr
}
