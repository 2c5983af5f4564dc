// The moment before a command runs. Owns that it does not begin before the guardian knows whom to stop: the group's number
// is known only when its process is there, and leasehold may be killed just then.

import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { quoted } from '../../base/printable.ts'
import { exitStatus, StartError } from '../exit.ts'

/** A descriptor that shells can name, and beyond those that somebody may have opened for the command. */
const descriptor = 9
const shell = '/bin/sh'
/** Waits for a line, and then becomes the command, in the same process; without one leasehold has died. */
const script = `read -r go <&${descriptor} || exit 125; exec "$@" ${descriptor}<&-`

/** How to start a command that waits until it is let go. */
export interface Gated {
  readonly file: string
  readonly args: readonly string[]
  readonly stdio: ('inherit' | 'ignore' | 'pipe')[]
  /** Which of the child's streams lets it go; undefined where there is no shell, and it does not wait. */
  readonly gate: number | undefined
}

/** Throws StartError where there is nothing to run: the shell would say so in its own words. */
export function gated([file = '', ...args]: readonly string[]): Gated {
  const inherited = ['inherit', 'inherit', 'inherit'] as const
  if (process.platform === 'win32' || !existsSync(shell)) {
    return { file, args, stdio: [...inherited], gate: undefined }
  }
  checkCommand(file)
  const left = Array.from({ length: descriptor - inherited.length }, () => 'ignore' as const) // as they are
  return {
    file: shell,
    args: ['-c', script, 'leasehold', file, ...args],
    stdio: [...inherited, ...left, 'pipe'],
    gate: descriptor,
  }
}

function checkCommand(file: string): void {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const places = file.includes('/') ? [file] : folders.map((folder) => join(folder, file))
  const found = file === '' ? [] : places.filter((place) => existsSync(place))
  if (found.some(isExecutable)) return
  const command = quoted(file)
  if (found.length > 0) {
    throw new StartError(`cannot run ${command}: it is not executable`, exitStatus.notExecutable, undefined)
  }
  throw new StartError(`command not found: ${command}`, exitStatus.notFound, undefined)
}

function isExecutable(place: string): boolean {
  try {
    accessSync(place, constants.X_OK)
    return statSync(place).isFile()
  } catch {
    return false
  }
}
