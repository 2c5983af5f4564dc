// `npm test`: installs, checks, fetches real servers and runs every test. With `--no-servers` it leaves out what needs
// them, and says so; other arguments go to vitest.
// @ts-check
import { install, main, run } from './install.mjs'

await main(async () => {
  const args = process.argv.slice(2)
  const servers = !args.includes('--no-servers')
  install()
  run('node', ['tools/check.mjs'])
  if (servers) {
    const { ensureServers } = await import('./servers/fetch.mjs')
    await ensureServers({ log: (line) => process.stdout.write(`${line}\n`) })
  } else {
    process.stdout.write('\n--no-servers: whatever needs a real etcd or Consul is NOT tested in this run\n')
    process.env.LEASEHOLD_NO_SERVERS = '1'
  }
  run('npx', ['--no-install', 'vitest', 'run', ...args.filter((arg) => arg !== '--no-servers')])
})
