// The program `leasehold`: its subcommands, its help, and the error for wrong usage. Each subcommand has a file of its own,
// which is loaded when it is used.
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { exitStatus, messageOf, print, say, statusOf, UnreadError } from './exit.ts'
import { withMeaning } from './other-words.ts'
import type { Guardians } from './process/guardians.ts'

const help = `
Environment:
  LEASEHOLD_URL  the store, if there is no --url: file: (the default, for one
                 machine), etcd://host:2379,host2:2379/prefix/,
                 consul://host:8500/prefix/?dc=dc1, or consul: for the one of
                 CONSUL_HTTP_ADDR; etcds: and consuls: use TLS
  ETCDCTL_...    credentials and certificates, as etcdctl reads them
  CONSUL_...     the same, as consul reads them
  LEASEHOLD_LOG  debug: stderr gets a line for each request to the store, and for
                 what becomes of sessions, locks, leaders and ticks; no secrets

Start here:
  $ leasehold run my-job -- echo 'one at a time'
  $ leasehold run --help`

type Add = (program: Command, guardians: Guardians) => void

/** Guardians for a program that only shows its definitions. */
const noGuardians = {} as Guardians

/** For each subcommand the function that adds it, in the order of the help. */
const subcommands: Record<string, () => Promise<Add>> = {
  run: async () => (await import('./commands/run.ts')).addRun,
  lead: async () => (await import('./commands/lead.ts')).addLead,
  cron: async () => (await import('./commands/cron.ts')).addCron,
  leader: async () => (await import('./commands/leader.ts')).addLeader,
  ls: async () => (await import('./commands/ls.ts')).addLs,
  break: async () => (await import('./commands/break.ts')).addBreak,
  ui: async () => (await import('./commands/ui.ts')).addUi,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctor,
  completion: async () => {
    const { addCompletion } = await import('./commands/completion.ts')
    return (program) => addCompletion(program, wholeProgram)
  },
}

/**
 * Runs the subcommand that the arguments of this process name, and sets the exit status. `guardians` supplies the guardians
 * of its commands.
 */
export async function runProgram(guardians: Guardians): Promise<void> {
  silenceRemark()
  try {
    const level = process.env.LEASEHOLD_LOG
    if (level) (await import('./event-log.ts')).startLog(level)
    await (await program(guardians, process.argv[2])).parseAsync()
  } catch (error) {
    process.exitCode = statusAfter(error)
  }
}

/**
 * Drops a warning of Node's, since a command that succeeds must leave stderr empty: Node 22 calls node:sqlite
 * experimental.
 */
function silenceRemark(): void {
  const print = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') for (const listener of print) listener(warning)
  })
}

/** The program with all subcommands, to read their definitions. */
export function wholeProgram(): Promise<Command> {
  return program(noGuardians)
}

async function program(guardians: Guardians, name?: string): Promise<Command> {
  const program = new Command('leasehold')
    .description('Locks that several machines share, for commands: one at a time, or n at a time.')
    .version(version())
    .enablePositionalOptions() // arguments after a subcommand belong to it
    .exitOverride()
    .configureOutput({
      writeOut: print,
      outputError: (text) => say(withMeaning(plain(text))),
    })
    .addHelpText('after', help)
  for (const add of await loaded(name)) add(program, guardians)
  for (const subcommand of program.commands) showForm(subcommand)
  return program
}

/** Errors after which the form of the subcommand says what to type. */
const formless = /^(missing required argument|too many arguments|put -- between)/

function showForm(subcommand: Command): void {
  const form = `leasehold ${subcommand.name()} ${subcommand.usage()}`
  const outputError = (text: string): void =>
    say(formless.test(plain(text)) ? `${plain(text)}; usage: ${form}` : plain(text))
  subcommand.configureOutput({ outputError })
}

/** The text of an error as commander passes it. */
function plain(text: string): string {
  return text.replace(/^error: /, '').trimEnd()
}

/** The subcommand of this name, or all of them: for the help, and for the error about a name that does not exist. */
function loaded(name: string | undefined): Promise<Add[]> {
  const load = name !== undefined && Object.hasOwn(subcommands, name) ? subcommands[name] : undefined
  return Promise.all((load ? [load] : Object.values(subcommands)).map((load) => load()))
}

/**
 * Reports the error, and returns its exit status. Commander has reported its own errors; its help and version are no
 * errors.
 */
function statusAfter(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitStatus.usage
  if (!(error instanceof UnreadError)) say(messageOf(error))
  return statusOf(error)
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}
