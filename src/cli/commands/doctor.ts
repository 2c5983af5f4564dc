// `leasehold doctor`: says what is wrong between this machine and its store. Owns the options and the exit status;
// cli/doctor/ has the questions and the report.
import type { Command } from 'commander'
import { orAborted } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import { printableJson } from '../../base/printable.ts'
import { checkName } from '../../core/arguments.ts'
import { diagnose } from '../doctor/diagnosis.ts'
import { documentOf, isHealthy, reportOf, type Setting } from '../doctor/report.ts'
import { exitStatus, print } from '../exit.ts'
import { ttlOption, urlOption } from '../options.ts'
import { Signals } from '../process/signals.ts'

/** The options. */
interface DoctorOptions {
  readonly url?: string
  readonly ttl?: number
  readonly json?: boolean
}

/** Adds the subcommand to the program. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .summary('find out what is wrong with the store')
    .description(description)
    .argument('[NAME]', 'a lock whose permissions are tried; by default a name that nobody has')
    .option('--json', 'one JSON document')
    .addOption(ttlOption())
    .addOption(urlOption())
    .addHelpText('after', help)
    .action(async (name: string | undefined, options: DoctorOptions) => {
      if (name !== undefined) checkName(name)
      await examine(name, options, { version: String(program.version()), from: originOf(options) })
    })
}

/** Prints the report, and sets the exit status. Nothing waits for a server that hangs: the process exits at once. */
async function examine(name: string | undefined, options: DoctorOptions, setting: Setting): Promise<void> {
  const signals = new Signals()
  const { ttl: ttlMs, json } = options
  const url = options.url ?? (process.env.LEASEHOLD_URL || 'file:')
  const { interrupted: signal } = signals
  const asked = diagnose({ url, ttlMs, name, clock: systemClock(), signal })
  const diagnosis = await orAborted(asked, signal)
  const text = json ? `${printableJson(documentOf(diagnosis, setting), 2)}\n` : reportOf(diagnosis, setting)
  print(text)
  process.exit(isHealthy(diagnosis) ? 0 : exitStatus.failed)
}

function originOf({ url }: DoctorOptions): string {
  if (url !== undefined) return '--url'
  return process.env.LEASEHOLD_URL ? 'LEASEHOLD_URL' : 'default'
}

const description = `Examines the store and the way to it: each endpoint, the credentials and the permissions that the other \
subcommands need, known faults of the server's version, the times that a crash costs, the clocks, this machine, and \
the folder of a file: store. It leaves nothing in the store.`

const help = `
Each line is a finding: ok, note, warning or problem. The line after it says what
to do next. Give NAME if the credentials may use only some locks; nothing is
claimed on it. Give --ttl if your programs do not use the default.

Examples:
  $ leasehold doctor
  $ leasehold doctor billing/report --url etcd://10.0.0.1:2379/ --ttl 30s
  $ leasehold doctor --json | jq -r '.findings[] | select(.level == "problem") | .text'

Exit status: 0 if there is no problem; warnings and notes do not count, or
  1    there are problems, for example since the store is out of reach
  64   wrong usage`
