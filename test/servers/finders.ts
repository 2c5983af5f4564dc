// The programs of docs/discovery.md that find a leader without Leasehold. Owns that each is run as it stands there.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished } from 'vitest'
import { serverOf } from '../../tools/servers/run.mjs'
import { blocksOf } from '../documents.ts'
import { goPeers, Peer } from './peer.ts'

const run = promisify(execFile)

/** A way to find the leader of the election with this full name. Resolves with its value, or with an empty text. */
export interface Finder {
  readonly title: string
  /** Why it cannot run here; undefined if it can. */
  readonly missing: string | undefined
  readonly find: (endpoint: string, name: string) => Promise<string>
}

/** Those for one store. */
export async function findersOf(kind: 'etcd' | 'consul'): Promise<Finder[]> {
  const [, etcd = '', consul = ''] = readFileSync('docs/discovery.md', 'utf8').split(/^## (?:etcd|Consul)$/m)
  const text = kind === 'etcd' ? etcd : consul
  const blocks = blocksOf('docs/discovery.md').filter(({ code }) => text.includes(code))
  const codeOf = (wanted: string): string => blocks.find(({ language }) => language === wanted)?.code ?? ''
  const { dir } = await serverOf(kind, undefined)
  const PATH = `${join(dir, 'usr', 'bin')}:${dir}:${process.env.PATH}`
  const by = (file: string, args: readonly string[]) => async (ENDPOINT: string, NAME: string) => {
    const { stdout } = await run(file, args, { env: { ...process.env, PATH, ENDPOINT, NAME } })
    return stdout.trim()
  }
  const shell = kind === 'etcd' ? 'etcdctl version' : 'curl --version && jq --version'
  return [
    { title: 'a shell', missing: await lacks(shell, PATH), find: by('sh', ['-euc', codeOf('sh')]) },
    {
      title: 'Python',
      missing: await lacks('python3 -V', PATH),
      find: by('python3', ['-c', codeOf('python')]),
    },
    {
      title: "Go with the store's own client",
      missing: 'reason' in goPeers ? goPeers.reason : undefined,
      find: (endpoint, name) => findInGo(kind, endpoint, name, codeOf('go')),
    },
  ]
}

async function findInGo(
  kind: 'etcd' | 'consul',
  endpoint: string,
  name: string,
  shown: string,
): Promise<string> {
  expect(shown).not.toBe('')
  expect(readFileSync(`test/peers/${kind}/find.go`, 'utf8')).toContain(shown)
  const peer = Peer.go(kind, endpoint)
  onTestFinished(() => peer.kill())
  return (await peer.do('find', { name })).value ?? ''
}

async function lacks(command: string, PATH: string): Promise<string | undefined> {
  return run('sh', ['-c', command], { env: { ...process.env, PATH } }).then(
    () => undefined,
    (error: Error) => error.message.trim().replaceAll('\n', ' '),
  )
}
