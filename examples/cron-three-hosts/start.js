// Plays three hosts on this machine for six seconds, and kills one of them after three.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('host.js', import.meta.url))
const hosts = ['web-1', 'web-2', 'web-3'].map((name) =>
  spawn(process.execPath, [program, name], { stdio: 'inherit' }),
)
const ends = hosts.map((host) => once(host, 'exit'))

await setTimeout(3_500 - (Date.now() % 1_000)) // to a moment between two ticks
console.log('web-1 is killed')
hosts[0]?.kill('SIGKILL')
await setTimeout(3_000)
for (const host of hosts) host.kill('SIGTERM')
await Promise.all(ends)
