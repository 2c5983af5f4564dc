// Starts a PostgreSQL of this machine, for the tests of fenced writes. Owns where its programs are and how it ends.
import { chownSync, existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { ownedFolder, spawnOwned } from '../../tools/servers/children.mjs'
import { runCommand } from '../../tools/servers/command.mjs'
import { until } from '../../tools/servers/wait.mjs'

/** The folder with initdb, postgres and psql, or undefined if this machine has none. */
export function postgresFolder(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian)
    ? readdirSync(debian).map((version) => join(debian, version, 'bin'))
    : []
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...versions]
  return folders.find((folder) =>
    ['initdb', 'postgres', 'psql'].every((name) => existsSync(join(folder, name))),
  )
}

/** PostgreSQL does not run as root. */
const otherUser = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

/** Starts a server that listens on a Unix socket in `folder` only. Resolves when it answers. */
export async function startPostgres(bin: string): Promise<{ folder: string; close: () => Promise<void> }> {
  const folder = ownedFolder('leasehold-postgres')
  if (otherUser.uid) chownSync(folder.path, otherUser.uid, otherUser.gid)
  const data = join(folder.path, 'data')
  const start = (program: string, args: string[]) =>
    spawnOwned(join(bin, program), args, { stdio: 'ignore', cwd: folder.path, ...otherUser })
  const made = start('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync'])
  const code = await new Promise((resolve) => made.once('exit', resolve))
  if (code !== 0) throw new Error(`initdb exited with ${code}`)
  const only = ['-c', 'listen_addresses=', '-c', 'fsync=off']
  const server = start('postgres', ['-D', data, '-k', folder.path, ...only])
  const ended = new Promise((resolve) => server.once('exit', resolve))
  const close = async (): Promise<void> => {
    server.kill('SIGQUIT')
    await ended
    folder.remove()
  }
  const ask = ['-X', '-h', folder.path, '-U', 'postgres', '-c', 'select 1']
  const isUp = async () => (await runCommand(join(bin, 'psql'), ask)).code === 0
  await until(isUp, { describe: () => 'PostgreSQL answers', deadlineMs: 60_000 })
  return { folder: folder.path, close }
}
