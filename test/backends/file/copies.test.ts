// Two copies of the package in one process, as in a monorepo with two versions. POSIX locks belong to the whole process,
// so one copy can drop those of the other.
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { builtPackage } from '../../built.ts'
import { emptyDirectory, remove } from './processes.ts'

const home = emptyDirectory()
const installed = join(import.meta.dirname, '..', '..', '..', 'node_modules')
const node = process.env.LEASEHOLD_TEST_NODE || process.execPath

beforeAll(() => {
  for (const copy of ['one', 'two']) makeCopy(join(home, copy))
  symlinkSync(installed, join(home, 'node_modules'))
})
afterAll(() => remove(home))

/** Copies the files of Leasehold and of libsql into the folder. All other packages are shared. */
function makeCopy(folder: string): void {
  cpSync(join(builtPackage(), 'dist'), join(folder, 'dist'), { recursive: true })
  mkdirSync(join(folder, 'node_modules', '@libsql'), { recursive: true })
  if (!existsSync(join(installed, 'libsql'))) return
  const natives = readdirSync(join(installed, '@libsql')).map((name) => join('@libsql', name))
  for (const name of ['libsql', ...natives])
    cpSync(join(installed, name), join(folder, 'node_modules', name), { recursive: true })
}

/** Runs a program that can call `connect` of both copies, and returns its output. */
async function run(program: string, before = ''): Promise<string> {
  const directory = emptyDirectory()
  const code = `${before}
    const [one, two] = await Promise.all(['one', 'two'].map((copy) => import('${home}/' + copy + '/dist/connect.js')))
    const url = 'file:${directory}'
    ${program}`
  const { stdout } = await promisify(execFile)(node, ['--input-type=module', '--eval', code])
  remove(directory)
  return stdout.trim()
}

test('two copies of the package in one process exclude each other, whichever comes first', async () => {
  const said = await run(`
    const [first, second] = await Promise.all([one.connect(url), two.connect(url)])
    const hold = await first.mutex('job').acquire()
    const beside = await second.mutex('job').tryAcquire()
    await second.close()
    const other = await two.connect(url)
    console.log(hold.held, beside, await other.mutex('job').tryAcquire(), await hold.verify())
    await Promise.all([first.close(), other.close()])`)
  expect(said).toBe('true undefined undefined undefined')
})

test('a hold of one copy keeps other processes out, even after the other copy is closed', async () => {
  const said = await run(`
    const { spawnSync } = await import('node:child_process')
    const [first, second] = await Promise.all([one.connect(url), two.connect(url)])
    await first.mutex('job').acquire()
    await second.survey() // looks at the file of the first one's session
    await second.close()
    const code = "const { connect } = await import('${home}/one/dist/connect.js');" +
      "const client = await connect('" + url + "');" +
      "console.log(await client.mutex('job').tryAcquire()); await client.close()"
    const child = spawnSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' })
    console.log(child.stdout.trim())
    await first.close()`)
  expect(said).toBe('undefined')
})

test.runIf(process.versions.sqlite === undefined && !process.env.LEASEHOLD_TEST_NODE)(
  'a copy that cannot share the driver is refused',
  async () => {
    const said = await run(
      `await one.connect(url).catch(({ code, message }) => console.log(code, message))`,
      `globalThis[Symbol.for('leasehold.file.driver')] = { shape: 0, driver: Promise.resolve() };`,
    )
    expect(said).toMatch(/^LEASEHOLD_UNAVAILABLE .*install one version of leasehold/)
  },
)
