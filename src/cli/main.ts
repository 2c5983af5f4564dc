#!/usr/bin/env node
// The program `leasehold`. Owns its list of subcommands, its help, and the error for wrong usage. Each subcommand has a
// file of its own.
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { addBreak } from './commands/break.ts'
import { addCron } from './commands/cron.ts'
import { addLead } from './commands/lead.ts'
import { addLeader } from './commands/leader.ts'
import { addLs } from './commands/ls.ts'
import { addRun } from './commands/run.ts'
import { exitStatus, messageOf, print, say, statusOf, UnreadError } from './exit.ts'

const help = `
Environment:
  LEASEHOLD_URL  the store, if there is no --url: file: (the default, for one
                 machine), etcd://host:2379,host2:2379/prefix/,
                 consul://host:8500/prefix/?dc=dc1, or consul: for the one of
                 CONSUL_HTTP_ADDR; etcds: and consuls: use TLS
  ETCDCTL_...    credentials and certificates, as etcdctl reads them
  CONSUL_...     the same, as consul reads them

Start here:
  $ leasehold run my-job -- echo 'one at a time'
  $ leasehold run --help`

silenceRemark()
await main()

async function main(): Promise<void> {
  try {
    await program().parseAsync()
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

function program(): Command {
  const program = new Command('leasehold')
    .description('Locks that several machines share, for commands: one at a time, or n at a time.')
    .version(version())
    .enablePositionalOptions() // arguments after a subcommand belong to it
    .exitOverride()
    .configureOutput({
      writeOut: print,
      outputError: (text) => say(text.replace(/^error: /, '').trimEnd()),
    })
    .addHelpText('after', help)
  addRun(program)
  addLead(program)
  addCron(program)
  addLeader(program)
  addLs(program)
  addBreak(program)
  return program
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
