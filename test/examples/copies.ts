// The folders of examples/, copied to where their dependencies are found: 'leasehold' is this package, and everything else
// is one of its development packages. Owns how a command of theirs is run.
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** A copy of an example. */
export interface Example {
  readonly folder: string
  /** Runs a command there, and resolves with what it printed when it has exited with 0. `npm start` is one of them. */
  run(command: string, env?: object): Promise<string>
}

/** Copies an example to a folder below `.cache`. A second copy of it replaces the first. */
export function copyExample(name: string): Example {
  const folder = resolve('.cache', 'examples', name)
  const modules = join(folder, 'node_modules')
  rmSync(folder, { recursive: true, force: true })
  cpSync(join('examples', name), folder, { recursive: true })
  mkdirSync(modules)
  symlinkSync(resolve('.'), join(modules, 'leasehold'))
  return { folder, run: (command, env = {}) => run(folder, command, env) }
}

async function run(cwd: string, command: string, env: object): Promise<string> {
  const child = spawn(command, { cwd, shell: true, env: { ...process.env, ...env } })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (printed += data))
  const code = await new Promise((exited) => child.once('close', exited))
  if (code !== 0) throw new Error(`${command} exited with ${code}\n${printed}`)
  return printed
}
