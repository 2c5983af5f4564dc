#!/usr/bin/env node
// The start of the program `leasehold`, which users wait for at each call. Owns what happens before the rest of it is
// loaded: the guardian starts meanwhile. program.ts has the subcommands.
import { keepCompiled } from './compile-cache.ts'
import { exitStatus, say } from './exit.ts'
import { Guardians } from './process/guardians.ts'

void main()

/** Without `await` at the top level: files that are loaded later may import this one. */
async function main(): Promise<void> {
  const guardians = new Guardians()
  if (runsSoon(process.argv.slice(2))) guardians.standBy()
  keepCompiled()
  process.once('beforeExit', abandoned)
  const { runProgram } = await import('./program.ts')
  await runProgram(guardians)
  process.off('beforeExit', abandoned)
}

/**
 * Whether these are the arguments of `leasehold run` that most likely run a command at once. Most locks are free: then the
 * guardian starts while the program is loaded and the store connected, and the command waits for neither. If the arguments
 * turn out to be wrong, the guardian has started in vain.
 */
function runsSoon([subcommand, ...words]: readonly string[]): boolean {
  const dashes = words.indexOf('--')
  return subcommand === 'run' && dashes > 0 && !words.slice(0, dashes).includes('--try')
}

/** Node ends when nothing is left to wait for. If the program is not over then, that is an error of Leasehold's. */
function abandoned(): void {
  say('leasehold ended before its work was done: please report this')
  process.exitCode = exitStatus.failed
}
